"""Detection curves: the strength from which on a fault is caught, and up to which no finding is allowed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bankable.evals.faults.all import select_faults
from bankable.evals.faults.base import build, copy
from bankable.evals.faults.fault import Base, Fault, FaultTarget
from bankable.evals.faults.honest import HONEST
from bankable.evals.fixtures.judge import judge
from bankable.nodes.auditor.verdict import Finding, Severity, Verdict
from bankable.tools.evidence.request import Scope

Mark = tuple[str, str, str]
"""Rule, code and weight."""
BASES: tuple[tuple[Base, Scope], ...] = (("patch", "patch"), ("alternating", "patch"), ("precision", "patch"))
"""Evidence on which honest changes are tried."""


@dataclass(frozen=True)
class Probe:
    """One item to try: a fault at a strength, or an honest change by its name."""

    name: str
    strength: float | None
    seed: int
    base: Base = "patch"
    scope: Scope = "patch"
    run: Path | None = None
    """An existing run in place of built evidence."""


@dataclass(frozen=True)
class ProbeVerdict:
    """The auditor's result for it."""

    probe: Probe
    word: str
    clean: str
    """Verdict on the same evidence before the change."""
    found: tuple[Mark, ...]
    """FAIL and FLAG findings that the clean evidence does not have."""
    modes: frozenset[str]
    """Failure modes that the fault's own rule reported."""

    @property
    def accused(self) -> bool:
        """Whether the change made the verdict worse, or a different one."""
        return self.word != self.clean

    @property
    def caught(self) -> bool:
        """Whether the fault's own rule reported its mode, and nothing is signed off unchanged."""
        return self.word != "PASS" and self.probe.name.partition("-")[0] in self.modes


@dataclass(frozen=True)
class Point:
    """All seeds of one strength."""

    strength: float
    caught: int
    accused: int
    of: int


@dataclass(frozen=True)
class Curve:
    """One fault over its strengths."""

    fault: Fault
    points: tuple[Point, ...]

    @property
    def broken(self) -> list[str]:
        """Violated requirements: findings where the fault is harmless, or not caught where it must be."""
        reasons = [
            f"{self.fault.name} at {point.strength:g}: accused in {point.accused} of {point.of}, and it is harmless"
            for point in self.points
            if point.strength <= self.fault.harmless and point.accused
        ]
        return reasons + [
            f"{self.fault.name} at {point.strength:g}: caught in {point.caught} of {point.of}"
            for point in self.points
            if point.strength >= self.fault.caught and point.caught < point.of
        ]


def look(probe: Probe) -> ProbeVerdict:
    """Inject the fault into clean evidence and judge it, with and without the fault."""
    clean, before = _clean(probe.base, probe.scope, probe.seed, probe.run)
    with _evidence(probe.base, probe.scope, probe.seed, probe.run) as target:
        if probe.strength is None:
            change = next(change for change in HONEST if change.name == probe.name)
            spoiled, rule = change.apply(target, probe.seed), ""
        else:
            (fault,) = select_faults([probe.name])
            fault.inject(target, probe.strength, probe.seed)
            spoiled, rule = target, fault.rule
        verdict = judge(spoiled.run, spoiled.scope, spoiled.subject, enter=False)
    new = [finding for finding in _heavy(verdict) if _mark(finding) not in before]
    return ProbeVerdict(
        probe,
        verdict.verdict.value,
        clean,
        tuple(dict.fromkeys(map(_mark, new))),
        frozenset(mode for finding in new if finding.rule == rule for mode in finding.modes),
    )


def _heavy(verdict: Verdict) -> list[Finding]:
    return [finding for finding in verdict.findings if finding.severity is not Severity.INFO]


def _mark(finding: Finding) -> Mark:
    return finding.rule, finding.code, finding.severity.value


@cache
def _clean(base: Base, scope: Scope, seed: int, run: Path | None) -> tuple[str, frozenset[Mark]]:
    """Verdict and heavy findings of evidence before any change: the same for every strength of a fault."""
    with _evidence(base, scope, seed, run) as target:
        verdict = judge(target.run, target.scope, target.subject, enter=False)
    return verdict.verdict.value, frozenset(map(_mark, _heavy(verdict)))


@contextmanager
def _evidence(base: Base, scope: Scope, seed: int, run: Path | None) -> Iterator[FaultTarget]:
    place = Path(tempfile.mkdtemp(prefix="sweep-"))
    try:
        if run is not None:
            yield copy(run, place / "run", scope)
        else:
            yield build(base, scope, place / "run", seed)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def sweep(faults: Sequence[Fault], seeds: int, jobs: int, run: Path | None = None) -> tuple[Curve, ...]:
    """A curve per fault, over built evidence of this many seeds or over a run."""
    probes = [
        Probe(fault.name, strength, seed, fault.base, fault.scope, run)
        for fault in faults
        for strength in fault.strengths
        for seed in range(seeds)
    ]
    seen = _all(probes, jobs)
    return tuple(
        Curve(
            fault,
            tuple(
                _point(
                    strength, [one for one in seen if (one.probe.name, one.probe.strength) == (fault.name, strength)]
                )
                for strength in fault.strengths
            ),
        )
        for fault in faults
    )


def honest(seeds: int, jobs: int, run: Path | None = None) -> tuple[ProbeVerdict, ...]:
    """Every honest change on every kind of clean patch, or on a run."""
    bases = BASES[:1] if run is not None else BASES
    probes = [
        Probe(change.name, None, seed, base, scope, run)
        for change in HONEST
        for base, scope in bases
        for seed in range(seeds)
    ]
    return _all(probes, jobs)


def _all(probes: Sequence[Probe], jobs: int) -> tuple[ProbeVerdict, ...]:
    if jobs == 1:
        return tuple(map(look, probes))
    with ProcessPoolExecutor(jobs) as pool:
        return tuple(pool.map(look, probes))


def _point(strength: float, seen: Sequence[ProbeVerdict]) -> Point:
    return Point(strength, sum(one.caught for one in seen), sum(one.accused for one in seen), len(seen))


def text(curves: Sequence[Curve]) -> str:
    """One block per fault: strengths, share caught, share whose verdict has another word."""
    lines: list[str] = []
    for curve in curves:
        fault = curve.fault
        lines += [
            f"{fault.name}: {fault.unit}; harmless to {fault.harmless:g}, to be caught from {fault.caught:g}",
            "  strength" + "".join(f"{point.strength:>8g}" for point in curve.points),
            "  caught  " + "".join(f"{point.caught / point.of:>8.0%}" for point in curve.points),
            "  changed " + "".join(f"{point.accused / point.of:>8.0%}" for point in curve.points),
        ]
    return "\n".join(lines)


def honest_text(seen: Sequence[ProbeVerdict]) -> str:
    """One line per change, with the findings that it caused."""
    lines = [f"{'honest change':<28}{'tried':>7}{'same word':>11}"]
    for change in HONEST:
        mine = [one for one in seen if one.probe.name == change.name]
        wrong = [one for one in mine if one.accused]
        lines.append(f"{change.name:<28}{len(mine):>7}{len(mine) - len(wrong):>11}")
        lines += [
            f"    {one.probe.base}: {one.clean} → {one.word}: {', '.join(map('/'.join, one.found))}"
            for one in wrong[:3]
        ]
    return "\n".join(lines)
