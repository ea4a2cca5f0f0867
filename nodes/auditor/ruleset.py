"""Identifies the rules behind a verdict: one digest over every source file that can change a verdict."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_SOURCES = ("nodes/auditor", "tools/statistics", "tools/levers", "tools/overlay")
_SUFFIXES = (".py", ".toml", ".txt")
"""Code, and the tables of fields and arguments that it reads."""
_APART = _ROOT / "nodes/auditor/judge"
"""Adds findings to a finished verdict and cannot change the rules' findings; its record has digests of its own."""
_EVIDENCE = (
    "background",
    "canonical",
    "devices",
    "difference",
    "evidence_copier",
    "harness",
    "hashing",
    "layout",
    "ledger",
    "overlay",
    "records/__init__",
    "records/base",
    "records/claim",
    "records/ladder",
    "records/leg",
    "records/lever",
    "records/objective",
    "records/plan",
    "records/rounds",
    "records/workload",
    "reference",
    "regular",
    "request",
    "seal",
    "store",
    "threads",
    "trials",
)
_FILES = (
    *(f"tools/evidence/{name}.py" for name in _EVIDENCE),
    *(f"tools/recorder/{name}.py" for name in ("chain", "check", "key", "seeds")),
    *(f"tools/profiling/{name}.py" for name in ("records", "replaced", "route", "share")),
    "tools/operators.py",
    "tools/slo.py",
    "tools/workloads.py",
)
_OPERATORS = "kernels/operators/*/profile.toml"
"""How a profile shows the work that each operator replaces: input of the ceiling of its gain."""


@cache
def ruleset_digest() -> str:
    """sha256 over path and content of the rules, their statistics and the knowledge about levers.

    Read once: what is edited later is not what this process judges by.
    """
    state = hashlib.sha256()
    for path in list_sources():
        state.update(path.relative_to(_ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return state.hexdigest()


def list_sources() -> list[Path]:
    """The files that the digest covers, in its order."""
    paths_below = [path for folder in _SOURCES for path in sorted((_ROOT / folder).rglob("*"))]
    paths = [path for path in paths_below if path.suffix in _SUFFIXES and path.is_file() and _APART not in path.parents]
    return [*paths, *(_ROOT / name for name in _FILES), *sorted(_ROOT.glob(_OPERATORS))]
