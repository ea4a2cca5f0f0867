"""Compares several judges over the same fixtures: agreement of the judges, and stability of the rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bankable.evals.score.rate import Rate
from bankable.evals.score.scored import FixtureScore
from bankable.evals.score.summary import Summary


@dataclass(frozen=True)
class Models:
    """Stability over models; a fixture counts when every model judged it."""

    names: tuple[str, ...]
    gates: Rate | None
    """Fixtures on which the rules gave equal bytes in the runs of all models; ``None`` where they took no part."""
    judgments: Rate
    """Of the fixtures about which all were asked: those on which all repeats of all models gave one word."""
    verdicts: Rate
    """Fixtures with one final verdict over all repeats of all models."""
    differ: tuple[tuple[str, tuple[str, ...]], ...]
    """Fixtures without one, and the verdict of each model."""


def over_models(summaries: Sequence[Summary]) -> Models | None:
    """Compare the models of one run; ``None`` with fewer than two."""
    if len(summaries) < 2:
        return None
    by_name = [{fixture.fixture: fixture for fixture in summary.each} for summary in summaries]
    shared = sorted(set.intersection(*(set(fixtures) for fixtures in by_name)))
    rows = [[scores[name] for scores in by_name] for name in shared]
    gated = [
        gates
        for row in rows
        if (gates := [repeat.judgment.gates for one in row for repeat in one.repeats]) and all(gates)
    ]
    judged = [row for row in rows if all(fixture.asked for fixture in row)]
    return Models(
        names=tuple(summary.auditor for summary in summaries),
        gates=Rate.count(len(set(votes)) == 1 for votes in gated) if gated else None,
        judgments=Rate.count(len({call.word for one in row for call in one.asked}) == 1 for row in judged),
        verdicts=Rate.count(_one_word(row) for row in rows),
        differ=tuple((row[0].fixture, tuple(fixture.word for fixture in row)) for row in rows if not _one_word(row)),
    )


def _one_word(row: Sequence[FixtureScore]) -> bool:
    return len({repeat.word for one in row for repeat in one.repeats}) == 1


def text(models: Models) -> str:
    """For a terminal."""
    lines = [
        f"over {len(models.names)} models",
        f"equal verdict bytes of the rules   {models.gates or 'no rules asked'}",
        f"one word of the judges             {models.judgments}",
        f"one final word                     {models.verdicts}",
        *(f"differs  {name}: {' · '.join(words)}" for name, words in models.differ),
    ]
    return "\n".join(lines)
