"""Sums over calls: the counters behind ``OpShare``, ``ChainShare`` and ``FamilyShare``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import fmean, median
from typing import TypeVar

from bankable.tools.profiling.records import (
    ChainShare,
    FamilyShare,
    OperatorFamily,
    OpShare,
    PhaseShare,
    ShapeShare,
    StepPhase,
)

MAX_SHAPES = 24
MAX_SYMBOLS = 12


Key = TypeVar("Key")


class Times(dict[Key, float]):
    """Microseconds added up by key; what was never added to is 0."""

    def __missing__(self, key: Key) -> float:
        return 0.0

    def largest(self, most: int | None = None) -> list[tuple[Key, float]]:
        """Largest first; equal ones in the order in which they came."""
        return sorted(self.items(), key=lambda entry: -entry[1])[:most]


@dataclass(slots=True)
class Bucket:
    """Everything that is added up under one name."""

    family: OperatorFamily
    times: list[float] = field(default_factory=list)
    """One per call, µs."""
    phase_us: Times[StepPhase] = field(default_factory=Times)
    phase_count: Counter[StepPhase] = field(default_factory=Counter)
    shape_us: Times[tuple[str, str]] = field(default_factory=Times)
    shape_phases: dict[tuple[str, str], Counter[StepPhase]] = field(default_factory=dict)
    symbols: Times[str] = field(default_factory=Times)
    launchers: Counter[str] = field(default_factory=Counter)
    blank_us: float = 0.0
    calls: int = 0
    """Top-level calls inside, for chains."""
    example: tuple[str, ...] = ()
    example_us: float = -1.0

    def add(self, us: float, phase: StepPhase, shape: tuple[str, str]) -> None:
        """One call. A call without dims counts as blank and under the empty shape."""
        self.times.append(us)
        self.phase_us[phase] += us
        self.phase_count[phase] += 1
        self.shape_us[shape] += us
        self.shape_phases.setdefault(shape, Counter())[phase] += 1
        if not shape[0]:
            self.blank_us += us

    @property
    def us(self) -> float:
        return sum(self.times)

    def settled_us(self) -> float:
        """What the calls would cost if a skewed collective did not wait (P02); other operators are left alone."""
        skewed = self.family is OperatorFamily.COMMUNICATION and self.times
        return min(self.us, median(self.times) * len(self.times)) if skewed else self.us

    def shapes(self) -> tuple[ShapeShare, ...]:
        """The costliest shapes."""
        own = self.us
        return tuple(
            ShapeShare(
                dims=shape[0],
                dtypes=shape[1],
                us=us,
                count=self.shape_phases[shape].total(),
                share=ratio(us, own),
                phases=dict(self.shape_phases[shape]),
            )
            for shape, us in self.shape_us.largest(MAX_SHAPES)
        )

    def phases(self, totals: Mapping[StepPhase, float]) -> tuple[PhaseShare, ...]:
        """Split by phase, in the order of the enumeration."""
        return tuple(
            PhaseShare(phase=p, us=us, count=self.phase_count[p], share=ratio(us, totals[p]))
            for p in StepPhase
            if (us := self.phase_us[p]) or self.phase_count[p]
        )


def ratio(part: float, whole: float) -> float:
    """``part / whole``, 0 when there is no whole."""
    return part / whole if whole > 0 else 0.0


@dataclass(frozen=True)
class Totals:
    """Denominators of the shares."""

    operator_us: float
    wall_us: float
    settled_us: float
    phase_us: Mapping[StepPhase, float]


def op_share(name: str, bucket: Bucket, totals: Totals) -> OpShare:
    """The record of one operator."""
    mean, middle = fmean(bucket.times), median(bucket.times)
    return OpShare(
        op=name,
        family=bucket.family,
        symbols=tuple(s for s, _ in bucket.symbols.largest(MAX_SYMBOLS)),
        symbols_omitted=max(0, len(bucket.symbols) - MAX_SYMBOLS),
        launched_by=tuple(s for s, _ in bucket.launchers.most_common(MAX_SYMBOLS)),
        us=bucket.us,
        count=len(bucket.times),
        share=ratio(bucket.us, totals.operator_us),
        wall_share=ratio(bucket.us, totals.wall_us),
        mean_us=mean,
        median_us=middle,
        skew=ratio(mean, middle) if middle > 0 else 1.0,
        settled_share=ratio(bucket.settled_us(), totals.settled_us),
        blank_us=bucket.blank_us,
        phases=bucket.phases(totals.phase_us),
        shapes=bucket.shapes(),
        shapes_omitted=max(0, len(bucket.shape_us) - MAX_SHAPES),
    )


def chain_share(name: str, bucket: Bucket, totals: Totals) -> ChainShare:
    """The record of one logical operator."""
    return ChainShare(
        name=name,
        family=bucket.family,
        us=bucket.us,
        count=len(bucket.times),
        share=ratio(bucket.us, totals.operator_us),
        calls_each=ratio(bucket.calls, len(bucket.times)),
        example=bucket.example,
        phases=bucket.phases(totals.phase_us),
        shapes=bucket.shapes(),
        shapes_omitted=max(0, len(bucket.shape_us) - MAX_SHAPES),
    )


def family_shares(buckets: Iterable[Bucket], totals: Totals) -> tuple[FamilyShare, ...]:
    """Operators added up by family, largest first."""
    us: Times[OperatorFamily] = Times()
    counts: Counter[OperatorFamily] = Counter()
    by_phase: dict[OperatorFamily, Times[StepPhase]] = {}
    for bucket in buckets:
        us[bucket.family] += bucket.us
        counts[bucket.family] += len(bucket.times)
        phases = by_phase.setdefault(bucket.family, Times())
        for phase, spent in bucket.phase_us.items():
            phases[phase] += spent
    return tuple(
        FamilyShare(
            family=family,
            us=total,
            share=ratio(total, totals.operator_us),
            count=counts[family],
            phases={p: ratio(v, totals.phase_us[p]) for p, v in by_phase[family].items()},
        )
        for family, total in us.largest()
    )
