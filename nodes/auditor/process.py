"""The auditor in a process of its own: it inherits nothing, and its failure is never a PASS."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pydantic import ValidationError

from bankable.nodes.auditor.reading.digests import digests
from bankable.nodes.auditor.reading.reader import Reader
from bankable.nodes.auditor.rule_runner import Figures, Inquiry
from bankable.nodes.auditor.verdict import Action, EvidenceDigest, Finding, Severity, Verdict
from bankable.tools import package
from bankable.tools.errors import UserError
from bankable.tools.evidence.request import Request

TIME_LIMIT_S = 600.0
START = (
    f"{package.BOOT}import gc, os; gc.set_threshold(100_000); from pathlib import Path; "
    "from bankable.nodes.auditor.landlock import enclose, readable; enclose(readable(Path(sys.argv[1]))); "
    "from bankable.nodes.auditor.__main__ import main; "
    "code = main(sys.argv[1:]); sys.stdout.flush(); sys.stderr.flush(); os._exit(code)"
)
"""The isolated interpreter ignores the environment and the working directory. Memory is not searched for garbage after
every few objects of millions, nor freed at the end. Once enclosed, the process reads the evidence and what judges it,
and no other file."""
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "PYDANTIC_DISABLE_PLUGINS": "__all__"}
"""All of it: nothing is multiplied, and nobody's plugin has a say in what a record is."""


def audit_sealed(folder: Path, time_limit_s: float = TIME_LIMIT_S) -> Verdict:
    """Judge a sealed folder in a fresh interpreter that inherits no environment.

    A crash, a time-out or a malformed answer gives a degraded verdict: FAIL where a gain would be banked, FLAG
    elsewhere. Raises ``UserError`` when the folder holds no usable request.
    """
    request = Reader(folder).model("request.json", Request)
    if request is None:
        raise UserError("no usable request.json", str(folder), "give a folder that the seal made")
    command = [sys.executable, "-I", "-c", START, str(package.START), str(folder.resolve())]
    try:
        done = subprocess.run(
            command,
            env=ENVIRONMENT,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=time_limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return _degraded(folder, request, f"no answer within {time_limit_s:g} s")
    except OSError as problem:
        return _degraded(folder, request, f"did not start: {problem.strerror}")
    if done.returncode != 0:
        return _degraded(folder, request, f"exit status {done.returncode}")
    try:
        verdict = Verdict.model_validate_json(done.stdout)
    except ValidationError:
        return _degraded(folder, request, "malformed answer")
    if verdict.request != request:
        return _degraded(folder, request, "an answer to another request")
    return verdict


def _degraded(folder: Path, request: Request, why: str) -> Verdict:
    banks = request.scope in ("patch", "bundle")
    finding = Finding(
        rule="auditor",
        severity=Severity.FAIL if banks else Severity.FLAG,
        expected="an answer from the auditor",
        observed=f"degraded: {why}",
        action=Action.REMEASURE,
        advice="run `python -m bankable.nodes.auditor` on the sealed folder by hand to see why; nothing was judged",
        code="degraded",
    )
    inquiry = Inquiry(findings=[finding], degraded=["auditor"])
    return inquiry.verdict(request, _digests(folder), Figures(headline="not judged"))


def _digests(folder: Path) -> tuple[EvidenceDigest, ...]:
    """What was there to judge, as far as it can be read."""
    try:
        return digests(folder)
    except OSError:
        return ()
