"""Applies mutations to recorded runs, judges the results, and counts what is caught.

A fraud is caught when the verdict has a FAIL or FLAG finding that the honest evidence has not; an honest mutation that
gets one is a false alarm.
"""

from __future__ import annotations

import random
import shutil
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bankable.evals.fixtures.build.edits import reclaim
from bankable.evals.fixtures.judge import judge
from bankable.evals.invariants import RECORDED
from bankable.evals.redteam.mutations import MUTATIONS, Mutation, Scene
from bankable.nodes.auditor.verdict import Severity, Verdict
from bankable.tools.evidence.request import Scope

HEAVY = (Severity.FAIL, Severity.FLAG)


@dataclass(frozen=True)
class RecordedSubject:
    """One comparison of a recorded run."""

    archive: str
    run: str
    scope: Scope
    comparison: str


SUBJECTS = (
    RecordedSubject("cpu-run", "real2", "baseline", "control"),
    RecordedSubject("cpu-search", "capped", "patch", "patch-max_running_requests-12"),
    RecordedSubject("null-runs", "null-11", "patch", "patch-stream_interval-1"),
    RecordedSubject("cpu-kernels", "kernels", "patch", "patch-decode_attention"),
)


@dataclass(frozen=True)
class MutationResult:
    """One mutated comparison and the findings that it adds."""

    mutation: Mutation
    subject: RecordedSubject
    seed: int
    added: tuple[str, ...]
    """``rule:code`` of findings that the honest evidence has not."""


def run_campaign(
    seed: int, count: int, seconds: float, groups: Sequence[str], subjects: Sequence[RecordedSubject] = SUBJECTS
) -> Iterator[MutationResult]:
    """At most ``count`` attempts over kinds and subjects in turn, until the time budget in seconds is spent."""
    kinds = [mutation for mutation in MUTATIONS if mutation.group in groups]
    started, made = time.monotonic(), 0
    with tempfile.TemporaryDirectory(prefix="redteam-") as name:
        root = Path(name)
        honest = {subject: _codes(_judge(_unpack(root / "honest", subject), subject)) for subject in subjects}
        while made < count and kinds:
            for mutation in kinds:
                if made >= count or time.monotonic() - started > seconds:
                    return
                subject = subjects[made % len(subjects)]
                run = _unpack(root / "mutated", subject)
                scene = Scene(run / "comparisons" / subject.comparison, random.Random(f"{seed}-{made}"))
                mutation.apply(scene)
                reclaim(run, subject.comparison)
                added = _codes(_judge(run, subject)) - honest[subject]
                yield MutationResult(mutation, subject, made, tuple(sorted(added)))
                made += 1


def _unpack(root: Path, subject: RecordedSubject) -> Path:
    """A fresh copy of a recorded run; the archive is unpacked once."""
    kept = root.parent / "kept" / subject.archive
    if not kept.is_dir():
        kept.mkdir(parents=True)
        with tarfile.open(RECORDED / f"{subject.archive}.tar.xz") as packed:
            packed.extractall(kept, filter="data")
    if root.is_dir():
        shutil.rmtree(root)
    shutil.copytree(kept / subject.run, root / subject.run)
    reclaim(root / subject.run, subject.comparison)
    return root / subject.run


def _judge(run: Path, subject: RecordedSubject) -> Verdict:
    return judge(run, subject.scope, subject.comparison)


def _codes(verdict: Verdict) -> set[str]:
    return {f"{finding.rule}:{finding.code}" for finding in verdict.findings if finding.severity in HEAVY}
