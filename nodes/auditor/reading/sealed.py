"""The sealed folder as typed records, read on first access."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bankable.nodes.auditor.harness.view import OperatorBenchmarkView
from bankable.nodes.auditor.options import AuditOptions
from bankable.nodes.auditor.reading.claims import BenchmarkSummary, StoredClaim, stored_claim
from bankable.nodes.auditor.reading.reader import Json, Problem, Reader
from bankable.nodes.auditor.reading.reported import ReportedClaim
from bankable.nodes.auditor.reading.view import ComparisonView
from bankable.tools.evidence.layout import CHAIN_FILE, MAX_CHAIN_BYTES, OVERLAY_FOLDER
from bankable.tools.evidence.ledger import LedgerEntry
from bankable.tools.evidence.records import Plan
from bankable.tools.evidence.regular import open_regular, regular_files
from bankable.tools.evidence.request import Request
from bankable.tools.profiling.records import Profile
from bankable.tools.profiling.route import Route
from bankable.tools.recorder.check import RecorderChain

COMPONENT_WORDS = ("PASS", "FLAG")
MAX_SOURCE_BYTES = 4 << 20
"""Bytes read of one overlay file."""


@dataclass(frozen=True)
class TrialView:
    """A comparison that the run's ledger names: its plan and claim, without its legs."""

    name: str
    plan: Plan | None
    claim: ReportedClaim | None


@dataclass(frozen=True)
class ComponentView:
    """An accepted patch that a bundle consists of."""

    name: str
    verdict: Json | None
    claim: ReportedClaim | None
    plan: Plan | None = None

    @property
    def comparison(self) -> str:
        """Folder of the comparison that was judged; empty where the verdict does not say."""
        request = self.verdict.get("request") if self.verdict is not None else None
        return str(request.get("comparison", "")) if isinstance(request, dict) else ""

    @property
    def accepted(self) -> bool:
        return self.verdict is not None and self.verdict.get("verdict") in COMPONENT_WORDS


class SealedView:
    """Everything that one audit may read."""

    imported: bool = False
    """Whether the files are another tool's: they have no plan, control or ledger."""
    benchmarks: tuple[BenchmarkSummary, ...] = ()
    """Another tool's summaries of operators that were timed in isolation."""
    options: AuditOptions = AuditOptions()
    """What the caller of an audit of another tool's files asks for."""

    def __init__(self, folder: Path, hashed: Mapping[str, str] | None = None) -> None:
        """``hashed``: digests of sealed files, where this process sealed them itself."""
        self.reader = Reader(folder, hashed)
        self.folder = folder

    @property
    def problems(self) -> list[Problem]:
        """Problems in the files opened so far."""
        return self.reader.problems

    @cached_property
    def request(self) -> Request | None:
        return self.reader.model("request.json", Request)

    @cached_property
    def recorder(self) -> RecorderChain | None:
        """What the recorder signed up to this audit; ``None`` for a run without one."""
        try:
            with open_regular(self.folder / CHAIN_FILE) as stream:
                return RecorderChain(stream.read(MAX_CHAIN_BYTES))
        except OSError:
            return None

    def _drawn(self, comparison: str | None) -> str | None:
        """What the seeds of a comparison follow from; ``None`` where those of its plan count."""
        nonces = self.recorder.nonces if self.recorder is not None else {}
        drawn = nonces.get(f"comparisons/{comparison}/plan.json")
        return drawn.nonce if drawn is not None else None

    @cached_property
    def comparison(self) -> ComparisonView:
        name = self.request.comparison if self.request is not None else None
        return ComparisonView(self.reader, "comparison", self._drawn(name))

    @cached_property
    def control(self) -> ComparisonView:
        """The A/A control: the comparison itself in scope baseline."""
        own = self.request is not None and self.request.scope == "baseline"
        name = self.request.control if self.request is not None else None
        return self.comparison if own else ComparisonView(self.reader, "control", self._drawn(name))

    @cached_property
    def claims(self) -> tuple[StoredClaim, ...]:
        """Reported figures of the comparison, by file."""
        claim = self.comparison.claim
        return () if claim is None else (stored_claim(self.comparison.path("claim.json"), claim),)

    @cached_property
    def benchmark(self) -> OperatorBenchmarkView:
        """The operator benchmark that is judged (scope harness)."""
        return OperatorBenchmarkView(self.reader, "operator")

    @cached_property
    def operators(self) -> dict[str, OperatorBenchmarkView]:
        """Benchmarks of the operators that a patch or bundle replaces, by operator name."""
        return {
            name: OperatorBenchmarkView(self.reader, f"operators/{name}") for name in self.reader.folders("operators")
        }

    @cached_property
    def profile(self) -> Profile | None:
        return self.reader.model("profile/profile.json", Profile)

    @cached_property
    def route(self) -> Route | None:
        """How the profile's operators were routed; ``None`` when nothing was routed by operator."""
        return self.reader.model("profile/route.json", Route)

    def hash_folder(self, folder: str) -> dict[str, str]:
        """sha256 of the files below one folder, by file name."""
        files = regular_files(self.folder / folder)
        return {path.name: self.reader.digest(f"{folder}/{name}") for name, path in files}

    @cached_property
    def components(self) -> tuple[ComponentView, ...]:
        return tuple(
            ComponentView(
                name,
                self.reader.document(f"components/{name}/verdict.json"),
                self.reader.model(f"components/{name}/claim.json", ReportedClaim),
                self.reader.model(f"components/{name}/plan.json", Plan),
            )
            for name in self.reader.folders("components")
        )

    @cached_property
    def ledger(self) -> tuple[LedgerEntry, ...] | None:
        """The run's ledger up to this audit; ``None`` when it is not in the evidence."""
        return self.reader.records("ledger.jsonl", LedgerEntry) if self.reader.exists("ledger.jsonl") else None

    @cached_property
    def trials(self) -> tuple[TrialView, ...]:
        """Every comparison that the ledger names, by name."""
        return tuple(
            TrialView(
                name,
                self.reader.model(f"trials/{name}/plan.json", Plan),
                self.reader.model(f"trials/{name}/claim.json", ReportedClaim),
            )
            for name in self.reader.folders("trials")
        )

    @cached_property
    def overlay(self) -> dict[str, bytes]:
        """Contents of the candidate's overlay files, by path below the overlay folder."""
        contents = dict[str, bytes]()
        for name, path in regular_files(self.folder / "comparison" / OVERLAY_FOLDER):
            with path.open("rb") as stream:
                contents[name] = stream.read(MAX_SOURCE_BYTES)
        return contents
