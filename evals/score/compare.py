"""Compares two runs over the same fixtures: one auditor is better, worse, or not distinguishable from the other.

Paired by fixture. McNemar's exact test looks at the fixtures that flipped; a bootstrap over fixtures gives intervals of
the differences (Efron, Annals of Statistics 7, 1979; percentiles of 10,000 resamples from a fixed seed). Both must
agree before a difference is reported.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bankable.evals.runner.record import Judgment
from bankable.evals.score.scored import FixtureScore
from bankable.evals.score.summary import by_auditor
from bankable.tools.errors import UserError
from bankable.tools.statistics.mcnemar import PairedAccuracy, mcnemar

ALPHA, POWER = 0.05, 0.8
RESAMPLES = 10_000
MOST_FLIPS = 2000
"""A tendency that needs more flips than this counts as none."""

Bounds = tuple[float, float]
Mark = Callable[[FixtureScore], bool]


@dataclass(frozen=True)
class ShareDifference:
    """B minus A in one share."""

    name: str
    a: float
    b: float
    interval: Bounds
    """95 %, as fractions."""

    @property
    def difference(self) -> float:
        """B minus A."""
        return self.b - self.a


@dataclass(frozen=True)
class Flip:
    """A fixture that only one run judged correctly."""

    fixture: str
    better: bool
    """Right in B."""
    why: str
    """The verdict of the wrong one."""


@dataclass(frozen=True)
class RunComparison:
    """Both runs, over the fixtures that both judged."""

    fixtures: int
    left_out: int
    """Fixtures that only one of them judged."""
    paired: PairedAccuracy
    accuracy: ShareDifference
    rates: tuple[ShareDifference, ...]
    """False passes and false alarms."""
    flips: tuple[Flip, ...]
    changed: tuple[str, ...]
    """Fixtures that both judged correctly or both wrongly, with other verdict bytes or another verdict."""

    @property
    def decided(self) -> bool:
        """Whether test and interval agree that there is a difference."""
        low, high = self.accuracy.interval
        return self.paired.p_two_sided < ALPHA and (low > 0 or high < 0)

    @property
    def sentence(self) -> str:
        """The sentence for people."""
        p = f"McNemar's exact p = {self.paired.p_two_sided:.3g}"
        if self.decided:
            word = "better" if self.accuracy.difference > 0 else "worse"
            return f"B is {word}: {self.accuracy.difference:+.1%} of {self.fixtures} fixtures as keyed, {p}"
        return f"not decidable with these {self.fixtures} fixtures ({p}): {self._more}"

    @property
    def _more(self) -> str:
        won, lost = self.paired.only_candidate, self.paired.only_reference
        if won == lost:
            if not won:
                return "no fixture flipped; fixtures on which the two differ would be needed, at least 6 of them"
            return "as many flipped one way as the other; more fixtures of this kind would not decide"
        flips = flips_needed(max(won, lost) / (won + lost))
        if flips is None:
            return "hardly more flipped one way than the other; more fixtures of this kind would not decide"
        more = max(1, math.ceil(flips * self.fixtures / (won + lost)) - self.fixtures)
        return f"about {more} more fixtures of this kind would decide, if they go on like these"


def of_one(judgments: Sequence[Judgment], model: str, where: Path) -> list[Judgment]:
    """The judgments of one auditor: the only one, or that of ``model``. Raises ``UserError`` when that names none."""
    groups = by_auditor(judgments)
    of_model = {label: group for label, group in groups.items() if not model or model_of(label) == model}
    if len(of_model) != 1:
        problem = "no result of this model" if not of_model else "results of several judges"
        names = ", ".join(sorted({model_of(label) for label in groups} - {""}))
        fix = f"give --model with one of {names}" if names else "leave --model out: the rules alone judged"
        raise UserError(f"Cannot choose a judge: {problem}", str(where), fix)
    (chosen,) = of_model.values()
    return chosen


def model_of(label: str) -> str:
    """The model in an auditor's label, ``WHO MODEL VOTES DIGEST``; empty for the rules alone."""
    return label.partition(" ")[2].rsplit(" ", 2)[0]


def compare(a: Sequence[FixtureScore], b: Sequence[FixtureScore], seed: int = 0) -> RunComparison:
    """B against A. Raises ``UserError`` when they share no fixture or judged other evidence."""
    first, second = {fixture.fixture: fixture for fixture in a}, {fixture.fixture: fixture for fixture in b}
    shared = sorted(first.keys() & second.keys())
    if not shared:
        raise UserError("Cannot compare: the two have no fixture in common", "", "run both over the same fixtures")
    pairs = [(first[name], second[name]) for name in shared]
    other = [x.fixture for x, y in pairs if _evidence(x) != _evidence(y)]
    if other:
        raise UserError(
            f"Cannot compare: {len(other)} fixtures have other evidence in B",
            ", ".join(other[:3]),
            "run both with the same seed",
        )
    frauds = [pair for pair in pairs if pair[0].key.kind == "fraud"]
    honest = [pair for pair in pairs if pair[0].key.kind == "honest"]
    rates = [
        _difference(name, group, mark, seed)
        for name, group, mark in (
            ("frauds signed off", frauds, _passed),
            ("honest ones accused", honest, _accused),
        )
        if group
    ]
    return RunComparison(
        fixtures=len(pairs),
        left_out=len(first.keys() ^ second.keys()),
        paired=mcnemar([x.right for x, _ in pairs], [y.right for _, y in pairs]),
        accuracy=_difference("as their key says", pairs, lambda fixture: fixture.right, seed),
        rates=tuple(rates),
        flips=tuple(Flip(x.fixture, y.right, x.wrong or y.wrong) for x, y in pairs if x.right != y.right),
        changed=tuple(x.fixture for x, y in pairs if x.right == y.right and (x.word, x.wrong) != (y.word, y.wrong)),
    )


def flips_needed(share: float) -> int | None:
    """Flips until McNemar's test finds a true ``share`` to one side with 80 % chance; ``None`` if too many."""
    from scipy.stats import binom  # noqa: PLC0415 - takes two seconds to import, and most commands do not compare

    flips = np.arange(6, MOST_FLIPS + 1)
    needed = binom.isf(ALPHA / 2, flips, 0.5) + 1
    enough = flips[binom.sf(needed - 1, flips, share) >= POWER]
    return int(enough[0]) if enough.size else None


def _passed(fixture: FixtureScore) -> bool:
    return fixture.false_pass


def _accused(fixture: FixtureScore) -> bool:
    return fixture.false_alarm


def _evidence(fixture: FixtureScore) -> set[str]:
    return {scored.judgment.evidence for scored in fixture.repeats}


def _difference(
    name: str, pairs: Sequence[tuple[FixtureScore, FixtureScore]], mark: Mark, seed: int
) -> ShareDifference:
    marks = np.array([[mark(x), mark(y)] for x, y in pairs], dtype=float)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(marks), (RESAMPLES, len(marks)))
    each = (marks[:, 1] - marks[:, 0])[drawn].mean(axis=1)
    low, high = np.quantile(each, [0.025, 0.975])
    a, b = marks.mean(axis=0)
    return ShareDifference(name, float(a), float(b), (float(low), float(high)))


def text(comparison: RunComparison) -> str:
    """The sentence, the shares, and every fixture that flipped."""
    lines = [comparison.sentence, "", f"{'share of fixtures':<22}{'A':>8}{'B':>8}{'B − A':>9}   95 % interval"]
    for share in (comparison.accuracy, *comparison.rates):
        low, high = share.interval
        lines.append(
            f"{share.name:<22}{share.a:>8.1%}{share.b:>8.1%}{share.difference:>+9.1%}   {low:+.1%} to {high:+.1%}"
        )
    if comparison.left_out:
        lines += ["", f"{comparison.left_out} fixtures were judged in one of the two alone and are left out"]
    lines += [
        "",
        *(f"{'better' if flip.better else 'worse ':<8}{flip.fixture}: {flip.why}" for flip in comparison.flips),
    ]
    lines += [f"changed {name}: right or wrong in both, with another word or reason" for name in comparison.changed]
    return "\n".join(lines).rstrip()
