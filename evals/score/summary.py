"""Summary of a run over the fixtures: confusion, rates, recall per rule and mode, stability, time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bankable.evals.fixtures.keys import Key
from bankable.evals.runner.record import Judgment
from bankable.evals.score.rate import Clustered, Rate
from bankable.evals.score.scored import FixtureScore, Scored, scores
from bankable.evals.score.spent import Spent, sum_spending
from bankable.evals.score.split import Split, split

WORDS = ("PASS", "FLAG", "FAIL")


@dataclass(frozen=True)
class SummaryRow:
    """One rule, scope or mode."""

    name: str
    frauds: int
    caught: int
    honest: int
    accused: int

    @property
    def recall(self) -> float | None:
        """Share of its frauds that were caught; ``None`` without any."""
        return self.caught / self.frauds if self.frauds else None


@dataclass(frozen=True)
class Summary:
    """All figures. Whatever is a share counts each fixture once."""

    fixtures: int
    repeats: int
    """Of the fixture with the most."""
    confusion: Mapping[tuple[str, str], int]
    """(allowed verdicts, actual verdict) → fixtures; ``differs`` where repeats disagree."""
    false_pass: Rate
    """Frauds that were signed off."""
    false_alarm: Rate
    """Honest fixtures that were accused."""
    as_keyed: Rate
    rules: tuple[SummaryRow, ...]
    modes: tuple[SummaryRow, ...]
    scopes: tuple[SummaryRow, ...]
    stability: Rate | None
    """Of the objective gates: fixtures on which the rules gave equal bytes; ``None`` where none was judged twice."""
    same_judgments: Rate | None
    """Share of fixtures on which the judge gave one verdict for one set of concerns; ``None`` as above."""
    passed_verdicts: Clustered | None
    """Verdicts that signed a fraud off; ``None`` without repeats."""
    alarmed_verdicts: Clustered | None
    """Verdicts that accused an honest fixture; ``None`` without repeats."""
    spent: Spent | None
    """On the judge; ``None`` where none was asked."""
    split: Split
    seconds: float
    """Seconds of all audits together, including cached results."""
    median_seconds: float
    cached: int
    """Judgments taken over from the cache."""
    wrong: tuple[tuple[str, str], ...]
    """Fixture and its difference from the key."""
    each: tuple[FixtureScore, ...]
    """By id."""
    auditor: str

    @property
    def skill(self) -> str:
        """sha256 of the judge's skill; empty without a judge."""
        return next((call.skill for fixture_score in self.each for call in fixture_score.asked), "")

    def describe_verdict(self, fixture: str) -> str:
        """The verdict of a fixture, or of every repeat where they differ; a dash where it was not judged."""
        words = next(
            (
                [one.word for one in fixture_score.repeats]
                for fixture_score in self.each
                if fixture_score.fixture == fixture
            ),
            ["–"],
        )
        return words[0] if len(set(words)) == 1 else " ".join(words)

    @property
    def expectations(self) -> list[str]:
        """Rows of the confusion matrix, mildest first."""
        rows = {row for row, _ in self.confusion}
        return sorted(rows, key=lambda row: [WORDS.index(word) for word in row.split(" or ")])


def summarize(judgments: Sequence[Judgment], keys: Mapping[str, Key]) -> Summary:
    """Score one auditor's judgments. Raises ``UserError`` on results of unknown fixtures."""
    fixtures = scores(judgments, keys)
    repeated = [fixture for fixture in fixtures if len(fixture.repeats) > 1]
    seconds = [judgment.seconds for judgment in judgments]
    return Summary(
        fixtures=len(fixtures),
        repeats=max((len(fixture.repeats) for fixture in fixtures), default=0),
        confusion=Counter((" or ".join(fixture.key.verdict), fixture.word) for fixture in fixtures),
        false_pass=Rate.count(fixture.false_pass for fixture in fixtures if fixture.key.kind == "fraud"),
        false_alarm=Rate.count(fixture.false_alarm for fixture in fixtures if fixture.key.kind == "honest"),
        as_keyed=Rate.count(fixture.right for fixture in fixtures),
        rules=table(fixtures, lambda fixture: (fixture.key.rule,)),
        modes=table(fixtures, lambda fixture: fixture.key.modes),
        scopes=table(fixtures, lambda fixture: (fixture.repeats[0].judgment.scope,)),
        stability=_rate(fixture.stable for fixture in fixtures),
        same_judgments=_rate(fixture.same_judgment for fixture in fixtures),
        passed_verdicts=_clustered(repeated, "fraud", lambda fixture: fixture.false_pass),
        alarmed_verdicts=_clustered(repeated, "honest", lambda fixture: fixture.false_alarm),
        spent=sum_spending(judgments),
        split=split(fixtures),
        seconds=sum(seconds),
        median_seconds=median(seconds) if seconds else 0.0,
        cached=sum(judgment.cached for judgment in judgments),
        wrong=tuple((fixture.fixture, wrong) for fixture in fixtures if (wrong := fixture.wrong)),
        each=fixtures,
        auditor=judgments[0].auditor if judgments else "",
    )


def by_auditor(judgments: Iterable[Judgment]) -> dict[str, list[Judgment]]:
    """Judgments of each auditor, in the order in which they come."""
    by_label: dict[str, list[Judgment]] = {}
    for judgment in judgments:
        by_label.setdefault(judgment.auditor, []).append(judgment)
    return by_label


def _rate(marks: Iterable[bool | None]) -> Rate | None:
    present = [mark for mark in marks if mark is not None]
    return Rate.count(present) if present else None


def _clustered(fixtures: Sequence[FixtureScore], kind: str, mark: Callable[[Scored], bool]) -> Clustered | None:
    return (
        Clustered.count([map(mark, fixture.repeats) for fixture in fixtures if fixture.key.kind == kind])
        if fixtures
        else None
    )


def table(fixtures: Iterable[FixtureScore], names: Callable[[FixtureScore], Iterable[str]]) -> tuple[SummaryRow, ...]:
    """Frauds and honest fixtures grouped by ``names``."""
    groups: dict[str, list[FixtureScore]] = {}
    for fixture in fixtures:
        for name in names(fixture):
            groups.setdefault(name, []).append(fixture)
    return tuple(
        SummaryRow(
            name=name,
            frauds=sum(fixture.key.kind == "fraud" for fixture in group),
            caught=sum(fixture.caught for fixture in group),
            honest=sum(fixture.key.kind == "honest" for fixture in group),
            accused=sum(fixture.false_alarm for fixture in group),
        )
        for name, group in sorted(groups.items())
    )
