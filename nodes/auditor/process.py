"""Runs the auditor in a separate process that inherits nothing; a failure of that process is never a PASS."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pydantic import ValidationError

from bankable.nodes.auditor.reading.digests import hash_files
from bankable.nodes.auditor.reading.reader import Reader
from bankable.nodes.auditor.rule_runner import RuleRun, VerdictFigures
from bankable.nodes.auditor.verdict import Action, EvidenceDigest, Finding, Severity, Verdict
from bankable.tools import package
from bankable.tools.errors import UserError
from bankable.tools.evidence.request import Request

TIME_LIMIT_S = 600.0
"""Time limit of one audit, seconds."""
START = (
    f"{package.BOOT}import gc, os; gc.set_threshold(100_000); from pathlib import Path; "
    "from bankable.nodes.auditor.landlock import list_readable_paths, restrict_reads; "
    "restrict_reads(list_readable_paths(Path(sys.argv[1]))); "
    "from bankable.nodes.auditor.__main__ import main; "
    "code = main(sys.argv[1:]); sys.stdout.flush(); sys.stderr.flush(); os._exit(code)"
)
"""Program of the isolated interpreter, which ignores environment and working directory. Garbage is collected rarely and
memory is not freed at exit. After ``restrict_reads`` the process can read evidence and auditor only."""
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "PYDANTIC_DISABLE_PLUGINS": "__all__"}
"""The whole environment: one BLAS thread (no matrices are multiplied) and no pydantic plugins."""


def audit_sealed(folder: Path, time_limit_s: float = TIME_LIMIT_S) -> Verdict:
    """Audit a sealed folder in a new interpreter that inherits no environment.

    A crash, a timeout (``time_limit_s`` seconds) or malformed output gives a degraded verdict: FAIL where a gain would
    be banked, FLAG elsewhere. Raises ``UserError`` when the folder has no usable request.
    """
    request = Reader(folder).model("request.json", Request)
    if request is None:
        raise UserError("Cannot audit the evidence: no usable request.json", str(folder), "give a sealed folder")
    command = [sys.executable, "-I", "-c", START, str(package.START), str(folder.resolve())]
    try:
        process = subprocess.run(
            command,
            env=ENVIRONMENT,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=time_limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return _make_degraded(folder, request, f"timed out after {time_limit_s:g} s")
    except OSError as problem:
        return _make_degraded(folder, request, f"process did not start: {problem.strerror}")
    if process.returncode != 0:
        return _make_degraded(folder, request, f"exit status {process.returncode}")
    try:
        verdict = Verdict.model_validate_json(process.stdout)
    except ValidationError:
        return _make_degraded(folder, request, "malformed output")
    if verdict.request != request:
        return _make_degraded(folder, request, "verdict on another request")
    return verdict


def _make_degraded(folder: Path, request: Request, reason: str) -> Verdict:
    banks = request.scope in ("patch", "bundle", "frontier")
    finding = Finding(
        rule="auditor",
        severity=Severity.FAIL if banks else Severity.FLAG,
        expected="a verdict from the auditor's process",
        observed=f"degraded: {reason}",
        action=Action.REMEASURE,
        advice="nothing was judged; run `python -m bankable.nodes.auditor` on the sealed folder to see the error",
        code="degraded",
    )
    rule_run = RuleRun(findings=[finding], degraded=["auditor"])
    return rule_run.to_verdict(request, _hash_readable_files(folder), VerdictFigures(headline="not judged"))


def _hash_readable_files(folder: Path) -> tuple[EvidenceDigest, ...]:
    """Digests of the evidence; empty when a file cannot be read."""
    try:
        return hash_files(folder)
    except OSError:
        return ()
