"""Candidates of an operator benchmark: the live implementation, torch's own, a compiled graph, and our C++ kernels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bankable.kernels.build.compiler import Compiled
from bankable.kernels.operators.family import Family
from bankable.tools.evidence.canonical import file_digest
from bankable.tools.evidence.harness import Role, SourceFile

OPERATORS = Path(__file__).resolve().parents[1] / "operators"
LIVE = "live"


@dataclass(frozen=True)
class Candidate:
    """One implementation under its id."""

    id: str
    kind: str
    """How the worker loads it: ``live``, ``torch``, ``torch_compile``, ``cpp``."""
    backend: str
    source: SourceFile
    binary: Path | None = None

    @property
    def role(self) -> Role:
        return "reference" if self.kind == LIVE else "candidate"

    def job(self) -> dict[str, Any]:
        """Its part of a job for the worker."""
        return {
            "id": self.id,
            "kind": self.kind,
            "binary": str(self.binary) if self.binary else None,
            "source": self.source.model_dump(mode="json"),
        }


def live_candidate(source: SourceFile, backend: str) -> Candidate:
    """The implementation that the server runs: the denominator of every speed-up."""
    return Candidate(LIVE, LIVE, backend, source)


def torch_candidate(family: Family, kind: str) -> Candidate:
    """``torch`` or ``torch_compile``; both stand in this package's own file for the family."""
    path = OPERATORS / family.name / "reference.py"
    source = SourceFile(path=f"kernels/operators/{family.name}/reference.py", digest=file_digest(path))
    return Candidate(kind.replace("_", "-"), kind, kind, source)


def kernel_candidate(compiled: Compiled) -> Candidate:
    """A C++ kernel; its source lies beside the operator benchmark that measured it."""
    source = compiled.source
    place = f"ops/{source.family}/candidates/{source.implementation}.cpp"
    return Candidate(source.implementation, "cpp", "cpp", SourceFile(path=place, digest=source.digest), compiled.binary)
