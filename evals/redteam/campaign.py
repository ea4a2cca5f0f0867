"""Applies mutations to recorded runs, judges the results, and counts what is caught.

A fraud is caught when the verdict has a FAIL or FLAG finding that the honest evidence has not; an honest mutation that
gets one is a false alarm. A fraud counts only when it does something:

- one that moves the claim, when the claim that follows from the mutated rounds is better for the candidate than the
  honest one by more than its noise, and the verdict would not be FAIL anyway for a reason of the honest run;
- one that hides a fact, when the auditor finds the fact before it is hidden, and not all of these findings stay.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bankable.evals.fixtures.build.files import read
from bankable.evals.fixtures.judge import judge
from bankable.evals.redteam.claims import claim_again, claim_operator_again, is_better
from bankable.evals.redteam.mutation import Change, Mutation, compose
from bankable.evals.redteam.mutations import of_group
from bankable.evals.redteam.scene import InapplicableError, Scene
from bankable.evals.redteam.subjects import RunSubject, find_subjects
from bankable.nodes.auditor.verdict import Severity, Word

HEAVY = (Severity.FAIL, Severity.FLAG)
COMPOSED = 4
"""Every so many attempts of a group are compositions of two kinds of it."""
PATIENCE = 12
"""Attempts for each one that may come to nothing, before a campaign ends."""
Outcome = Literal["found", "missed", "neutral", "inapplicable"]
"""``found``: a finding that the honest evidence has not. ``neutral``: nothing was moved or hidden."""


@dataclass(frozen=True)
class MutationResult:
    """One mutated subject and the findings that it adds."""

    mutation: Mutation
    subject: str
    """Run and comparison or operator."""
    attempt: int
    """Number of the attempt in its campaign; with the seed it gives the same mutation again."""
    outcome: Outcome
    added: tuple[str, ...] = ()
    """``rule:code`` of findings that the honest evidence has not."""

    @property
    def counts(self) -> bool:
        """Whether the mutation is one of the denominator."""
        return self.outcome in ("found", "missed")


@dataclass(frozen=True)
class _Judged:
    """What matters of a verdict."""

    failed: bool
    codes: frozenset[str]


class Campaign:
    """Mutates subjects in turn, one copy at a time."""

    def __init__(self, seed: int, subjects: Sequence[RunSubject], scratch: Path) -> None:
        self.seed, self.subjects, self.scratch = seed, subjects, scratch
        self._honest: dict[RunSubject, _Judged] = {}
        self._spoiled: dict[tuple[RunSubject, Change, int], _Judged] = {}

    def attack(self, mutation: Mutation, attempt: int) -> MutationResult:
        """One mutation of a subject that chance picks."""
        rng = random.Random(f"{self.seed}-{attempt}-{mutation.name}")
        fitting = [subject for subject in self.subjects if subject.scope in mutation.scopes]
        if not fitting:
            return MutationResult(mutation, "none", attempt, "inapplicable")
        subject = rng.choice(fitting)
        try:
            outcome, added = self._judge_mutated(mutation, subject, rng.getrandbits(32))
        except InapplicableError:
            return MutationResult(mutation, str(subject), attempt, "inapplicable")
        return MutationResult(mutation, str(subject), attempt, outcome, tuple(sorted(added)))

    def _judge_mutated(self, mutation: Mutation, subject: RunSubject, seed: int) -> tuple[Outcome, frozenset[str]]:
        honest = self._judge_honest(subject)
        planted = seed % 2
        spoiled = self._judge_spoiled(mutation, subject, planted)
        if mutation.kind == "hides" and not spoiled - honest.codes:
            return "neutral", frozenset()
        run = subject.copy(self.scratch / "mutated")
        if mutation.spoil is not None:
            mutation.spoil(self._scene(subject, run, planted))
        before = read(subject.claim(run)) if subject.claim(run).is_file() else {}
        mutation.apply(self._scene(subject, run, seed))
        _claim(subject, run, honest=mutation.kind == "honest")
        if mutation.kind == "moves" and not is_better(before, read(subject.claim(run))):
            return "neutral", frozenset()
        judged = self._judge(subject, run)
        added = judged.codes - honest.codes
        if mutation.kind == "hides" and spoiled <= added:
            return "neutral", added
        if mutation.kind == "moves" and not added and judged.failed:
            return "neutral", added
        return "found" if added else "missed", added

    def _scene(self, subject: RunSubject, run: Path, seed: int) -> Scene:
        return Scene(subject.folder(run), random.Random(seed), subject.attempt)

    def _judge_honest(self, subject: RunSubject) -> _Judged:
        if subject not in self._honest:
            run = subject.copy(self.scratch / "honest")
            _claim(subject, run, honest=False)
            self._honest[subject] = self._judge(subject, run)
        return self._honest[subject]

    def _judge_spoiled(self, mutation: Mutation, subject: RunSubject, planted: int) -> frozenset[str]:
        """Findings over the fact that a mutation hides; none where it hides nothing."""
        if mutation.spoil is None:
            return frozenset()
        key = (subject, mutation.spoil, planted)
        if key not in self._spoiled:
            run = subject.copy(self.scratch / "spoiled")
            mutation.spoil(self._scene(subject, run, planted))
            _claim(subject, run, honest=False)
            self._spoiled[key] = self._judge(subject, run)
        return self._spoiled[key].codes - self._judge_honest(subject).codes

    def _judge(self, subject: RunSubject, run: Path) -> _Judged:
        verdict = judge(run, subject.scope, subject.name, subject.attempt)
        codes = {f"{finding.rule}:{finding.code}" for finding in verdict.findings if finding.severity in HEAVY}
        return _Judged(verdict.verdict is Word.FAIL, frozenset(codes))


def _claim(subject: RunSubject, run: Path, *, honest: bool) -> None:
    """Have the claim follow from the records; an honest change whose records give none leaves it as it was."""
    try:
        if subject.scope == "harness":
            claim_operator_again(run, subject.name, subject.attempt)
        else:
            claim_again(subject.folder(run))
    except InapplicableError:
        if not honest and subject.scope != "harness":
            raise


def run_campaign(
    seed: int, count: int, seconds: float, groups: Sequence[str], places: Sequence[Path] = ()
) -> Iterator[MutationResult]:
    """Attempts until ``count`` mutations counted, or the time budget in seconds is spent.

    The groups take turns, and so do the kinds of each; every ``COMPOSED``-th fraud is a composition of two kinds.
    ``places``: run folders or archives; all recorded runs without any. Attempts that came to nothing are given too.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="redteam-") as name:
        campaign = Campaign(seed, find_subjects(places, Path(name) / "runs"), Path(name))
        counted = 0
        for attempt, mutation in enumerate(_schedule(seed, groups, PATIENCE * count)):
            if counted >= count or time.monotonic() - started > seconds:
                return
            result = campaign.attack(mutation, attempt)
            counted += result.counts
            yield result


def _schedule(seed: int, groups: Sequence[str], most: int) -> Iterator[Mutation]:
    rng = random.Random(seed)
    kinds = {group: list(of_group(group)) for group in groups}
    turns = dict.fromkeys(groups, 0)
    for attempt in range(most):
        group = groups[attempt % len(groups)]
        turn, mutations = turns[group], kinds[group]
        turns[group] += 1
        if group != "honest" and turn % COMPOSED == COMPOSED - 1:
            movers = [mutation for mutation in mutations if mutation.kind == "moves"]
            first = rng.choice(movers)
            yield compose(first, rng.choice([other for other in movers if other.scopes == first.scopes]))
        else:
            place = turn if group == "honest" else turn - turn // COMPOSED
            yield mutations[place % len(mutations)]
