"""Asking checks one by one, each behind its own guard, and the verdict that comes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice

from nodes.auditor.budget import OutOfTimeError, budget
from nodes.auditor.foreign.pair_case import PairScope
from nodes.auditor.foreign.shown import NotShown
from nodes.auditor.reading.reader import Reader
from nodes.auditor.record import record
from nodes.auditor.rule import Found, Outcome, Remark, Unverifiable, at, fail
from nodes.auditor.ruleset import ruleset_digest
from nodes.auditor.verdict import (
    Action,
    EvidenceDigest,
    Finding,
    LeverClass,
    Metric,
    Note,
    Severity,
    Verdict,
    action_of,
    word_of,
)
from tools.errors import UserError
from tools.evidence.canonical import file_digest
from tools.evidence.regular import regular_files
from tools.evidence.seal import Request

MAX_FINDINGS = 40
MAX_OUTCOMES = 100_000
CHECK_SECONDS = 60.0
GATES = ("rows_complete", "same_conditions", "real_delta", "reported_vs_raw", "output_correctness")
"""Checks that the number itself rests on: when one raises, nothing is signed off."""

Said = Iterable[Outcome | NotShown]


@dataclass
class Ledger:
    """Findings and notes as the checks give them."""

    findings: list[Finding] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    degraded: list[str] = field(default_factory=list)

    def ask(self, rule: str, check: Callable[[], Said]) -> None:
        """Ask one check behind a guard."""
        try:
            with budget(CHECK_SECONDS):
                said = list(islice(check(), MAX_OUTCOMES))
        except UserError:
            raise
        except (Exception, OutOfTimeError) as cause:  # whatever a check stumbles over must not stop the others
            self.degraded.append(rule)
            self.findings.append(_degraded(rule, cause))
            return
        for outcome in _heaviest(said):
            if isinstance(outcome, NotShown):
                outcome.add(rule, self.findings, self.notes)
            else:
                record(rule, (), outcome, self.findings, self.notes)

    def close(
        self, reader: Reader, scope: PairScope, metrics: tuple[Metric, ...], *,
        headline: str, lever_class: LeverClass, kernel: bool,
    ) -> Verdict:  # fmt: skip
        """The verdict. Findings that two legs share stand once."""
        found = tuple(dict.fromkeys(self.findings))
        word = word_of(found)
        return Verdict(
            scope="pair",
            subject=scope,
            attempt=1,
            request=Request(scope="pair", subject=scope, attempt=1, run_id=""),
            verdict=word,
            action=action_of(word, found),
            lever_class=lever_class,
            counts_as_kernel_win=kernel,
            headline=headline,
            metrics=metrics,
            findings=found,
            notes=tuple(dict.fromkeys(self.notes)),
            degraded=tuple(self.degraded),
            evidence=_digests(reader),
            ruleset=ruleset_digest(),
        )


def _digests(reader: Reader) -> tuple[EvidenceDigest, ...]:
    """sha256 of every file that was taken in, by path. The engine's own would bring all its rules along."""
    found = regular_files(reader.folder)
    return tuple(EvidenceDigest(file=name, sha256=file_digest(path)) for name, path in found)


def _heaviest(said: list[Outcome | NotShown]) -> list[Outcome | NotShown]:
    """At most ``MAX_FINDINGS``, in their order: a FAIL is never the one that is left out."""
    failing = {
        index for index, it in enumerate(said) if isinstance(it, Found | Unverifiable) and it.severity is Severity.FAIL
    }
    kept = sorted(range(len(said)), key=lambda index: (index not in failing, index))[:MAX_FINDINGS]
    return [said[index] for index in sorted(kept)]


def problems(reader: Reader) -> Said:
    """What could not be read, of everything that was opened."""
    for problem in reader.problems:
        where = at(problem.file, problem.line)
        if problem.kind == "torn":
            yield Remark(f"{problem.file} line {problem.line}: torn last line, left out")
        else:
            yield fail(
                "readable records", f"{problem.kind}: {problem.text}", "give the files as they were written", where
            )


def _degraded(rule: str, cause: BaseException) -> Finding:
    gate = rule in GATES
    return Finding(
        rule=rule,
        severity=Severity.FAIL if gate else Severity.FLAG,
        expected="the check to reach an answer",
        observed="degraded: " + ("OutOfTime" if isinstance(cause, OutOfTimeError) else type(cause).__name__),
        action=Action.REMEASURE if gate else Action.FLAG,
        advice="report this with the files; what the check covers was not judged",
        code="degraded",
    )
