"""The judge in a process of its own, with an environment of its key and the way to the network, and nothing else.

A process that inherits nothing cannot pass on what a producer left in a variable, a module or a working directory.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from bankable.nodes.auditor.judge.orders import ROLE, Orders
from bankable.nodes.auditor.judge.record import JudgeRecord
from bankable.nodes.auditor.reading.reader import Reader
from bankable.tools import package
from bankable.tools.errors import UserError
from bankable.tools.evidence.request import Request
from bankable.tools.llm.address import OPENAI
from bankable.tools.llm.key import OWN, key_for

NETWORK = ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""Variables that say how to get out, and whom to trust there."""
START_S = 60.0
"""For starting, reading and ending, on top of the time for the votes."""
MOST_SAID = 300
"""Bytes of its complaint that are kept."""
START = f"{package.BOOT}from bankable.nodes.auditor.judge.__main__ import main; sys.exit(main(sys.argv[1:]))"


def judge_apart(
    folder: Path, orders: Orders, environ: Mapping[str, str] | None = None, start_s: float = START_S
) -> JudgeRecord:
    """Judge a sealed folder. Whatever goes wrong in the process is a degraded record.

    Raises ``UserError`` when the folder holds no usable request, or when there is no key.
    """
    request = Reader(folder).model("request.json", Request)
    if request is None:
        raise UserError("no usable request.json", folder.name, "give a folder that the seal made")
    whole = os.environ if environ is None else environ
    endpoint = orders.settings.of(ROLE)
    key = key_for(ROLE, endpoint, whole).get_secret_value()
    inherited = {name: whole[name] for name in NETWORK if name in whole}
    name = "OPENAI_API_KEY" if endpoint.base_url == OPENAI else OWN
    command = [sys.executable, "-I", "-c", START, str(package.START), str(folder.resolve())]
    try:
        done = subprocess.run(
            command,
            env={**inherited, name: key},
            cwd="/",
            input=orders.model_dump_json().encode(),
            capture_output=True,
            timeout=orders.settings.limits.call_s + start_s,
            check=False,
        )
        if done.returncode != 0:
            said = done.stderr[:MOST_SAID].decode(errors="replace").strip() if done.returncode == 2 else ""
            return _degraded(request, endpoint.model, said or f"exit status {done.returncode}")
        found = JudgeRecord.model_validate_json(done.stdout)
    except subprocess.TimeoutExpired:
        return _degraded(request, endpoint.model, "no answer in time")
    except OSError as problem:
        return _degraded(request, endpoint.model, f"did not start: {problem.strerror}")
    except ValidationError:
        return _degraded(request, endpoint.model, "malformed answer")
    return found if found.request == request else _degraded(request, endpoint.model, "an answer to another request")


def _degraded(request: Request, model: str, why: str) -> JudgeRecord:
    return JudgeRecord(request=request, evidence=None, model=model, degraded=f"the judge's process: {why}")
