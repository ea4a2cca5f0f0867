"""Runs the judge in a separate process whose environment holds its key and network settings only.

Nothing that a producer left in a variable, a module or a working directory reaches it.
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
"""Variables for proxies and TLS certificates."""
START_S = 60.0
"""Seconds for start, reading and exit, in addition to the time for the votes."""
MAX_ERROR_BYTES = 300
"""Bytes of the process's error output that are recorded."""
START = f"{package.BOOT}from bankable.nodes.auditor.judge.__main__ import main; sys.exit(main(sys.argv[1:]))"


def run_judge(
    folder: Path, orders: Orders, environ: Mapping[str, str] | None = None, start_s: float = START_S
) -> JudgeRecord:
    """Judge a sealed folder. A crash, a timeout or malformed output of the process gives a degraded record.

    Raises ``UserError`` when the folder has no usable request, or when there is no key.
    """
    request = Reader(folder).model("request.json", Request)
    if request is None:
        raise UserError("Cannot judge the evidence: no usable request.json", folder.name, "give a sealed folder")
    variables = os.environ if environ is None else environ
    endpoint = orders.settings.of(ROLE)
    key = key_for(ROLE, endpoint, variables).get_secret_value()
    inherited = {name: variables[name] for name in NETWORK if name in variables}
    name = "OPENAI_API_KEY" if endpoint.base_url == OPENAI else OWN
    command = [sys.executable, "-I", "-c", START, str(package.START), str(folder.resolve())]
    try:
        process = subprocess.run(
            command,
            env={**inherited, name: key},
            cwd="/",
            input=orders.model_dump_json().encode(),
            capture_output=True,
            timeout=orders.settings.limits.call_s + start_s,
            check=False,
        )
        if process.returncode != 0:
            error = process.stderr[:MAX_ERROR_BYTES].decode(errors="replace").strip() if process.returncode == 2 else ""
            return _make_degraded(request, endpoint.model, error or f"exit status {process.returncode}")
        record = JudgeRecord.model_validate_json(process.stdout)
    except subprocess.TimeoutExpired:
        return _make_degraded(request, endpoint.model, "timed out")
    except OSError as problem:
        return _make_degraded(request, endpoint.model, f"process did not start: {problem.strerror}")
    except ValidationError:
        return _make_degraded(request, endpoint.model, "malformed output")
    return record if record.request == request else _make_degraded(request, endpoint.model, "record on another request")


def _make_degraded(request: Request, model: str, reason: str) -> JudgeRecord:
    return JudgeRecord(request=request, evidence=None, model=model, degraded=f"the judge's process: {reason}")
