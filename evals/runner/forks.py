"""Many audits of one fixture: the first as in production, in a fresh interpreter; the rest in forks of a loaded one.

A fresh interpreter spends three quarters of its time on starting. That all repeats have equal bytes shows, too, that it
makes no difference.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
from pydantic import ValidationError

from bankable.evals.runner.auditor import Judge
from bankable.nodes.auditor.process import ENVIRONMENT, TIME_LIMIT_S
from bankable.nodes.auditor.verdict import Verdict
from bankable.tools import package
from bankable.tools.errors import UserError

START = f"{package.BOOT}from bankable.evals.runner.fork_server import serve; serve(float(sys.argv[1]))"


@contextmanager
def start_auditor(limit_s: float = TIME_LIMIT_S) -> Iterator[Judge]:
    """An auditor for as long as the block lasts. It raises ``UserError`` on an audit without a verdict."""
    server = subprocess.Popen(
        [sys.executable, "-I", "-c", START, str(package.START), str(limit_s)],
        env=ENVIRONMENT,
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield lambda folder: _ask(server, folder)
    finally:
        if server.stdin is not None and server.stdout is not None:
            server.stdin.close()
            server.stdout.close()
        server.terminate()
        server.wait()


def _ask(server: subprocess.Popen[bytes], folder: Path) -> Verdict:
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        server.stdin.write(orjson.dumps(str(folder.resolve())) + b"\n")
        server.stdin.flush()
        status, size = map(int, server.stdout.readline().split())
        data = server.stdout.read(size)
    except (OSError, ValueError):
        raise UserError(
            "Cannot audit the fixture: the auditor's worker process ended", "", "run the same command again to continue"
        ) from None
    try:
        verdict = Verdict.model_validate_json(data) if status == 0 else None
    except ValidationError:
        verdict = None
    if verdict is None:
        fix = "run `python -m bankable.nodes.auditor` on the evidence by hand; the same command goes on from here"
        raise UserError(f"Cannot audit the fixture: no verdict, exit status {status}", "a fork of the auditor", fix)
    return verdict
