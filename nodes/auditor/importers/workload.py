"""Was the same work asked for and done in every round, and is all of it accounted for? (C08 D05 D06 D11 Q07 Q09)"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.findings.rounds import row_findings
from bankable.nodes.auditor.importers.leg import ForeignLeg, Round
from bankable.nodes.auditor.importers.pair_case import METRIC, PairCase
from bankable.nodes.auditor.importers.shown import gaps
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.rule import Outcome, fail
from bankable.nodes.auditor.verdict import Action

OUTPUT_SHARE = 0.02
"""Difference of output tokens between rounds that still is the same work."""
ADVICE = "use one workload and the same seeds on both legs"


def check(pair: PairCase) -> Iterator[Outcome]:
    for leg in pair.legs:
        for launch in leg.launches:
            for each in launch.rounds:
                yield from _accounted(launch.view, each)
        if not any(launch.rounds for launch in leg.launches):
            yield fail(
                f"rounds of the {leg.name}",
                "none in its files",
                "measure both legs",
                leg.where,
                modes=("D06",),
                code="no_rounds",
            )
    yield from _same(pair)
    yield from gaps(pair, "rows_complete")


def _accounted(view: LegView, each: Round) -> Iterator[Outcome]:
    if each.row is not None:
        yield from row_findings(view, each.row, None)
    elif None not in (each.issued, each.completed, each.failed) and each.issued != (each.completed or 0) + (
        each.failed or 0
    ):
        yield fail(
            f"{each.issued} requests sent = finished + failed",
            f"{each.completed} finished + {each.failed} failed",
            "keep every request that was sent",
            each.where,
            action=Action.REMEASURE,
            modes=("D11",),
            code="rows",
        )
    if each.failed:
        yield fail(
            "no failed requests",
            f"{each.failed} failed",
            "measure this round again",
            each.where,
            action=Action.REMEASURE,
            modes=("Q09", "D05"),
            code="failed_requests",
        )


def _same(pair: PairCase) -> Iterator[Outcome]:
    where = pair.candidate.where
    asked = [_asked(leg) for leg in pair.legs]
    shared = {name for name in asked[0] if name in asked[1]}
    moved = sorted(name for name in shared if asked[0][name] != asked[1][name])
    if moved:
        said = "; ".join(f"{name}: {asked[0][name]} → {asked[1][name]}" for name in moved)[:500]
        yield fail(
            "the same load in every round",
            said,
            ADVICE,
            where,
            action=Action.REMEASURE,
            modes=("C08",),
            code="different_workload",
        )
    counts = {(each.completed, each.input_tokens) for leg in pair.legs for each in leg.rounds}
    if len(counts) > 1:
        shown = sorted(counts, key=lambda pair_: (pair_[0] or 0, pair_[1] or 0))
        yield fail(
            "the same number of requests and prompt tokens in every round",
            f"{shown}"[:300],
            ADVICE,
            where,
            action=Action.REMEASURE,
            modes=("C08", "D11"),
            code="different_workload",
        )
    made = [each.output_tokens for leg in pair.legs for each in leg.rounds if each.output_tokens]
    if made and max(made) - min(made) > OUTPUT_SHARE * max(made):
        yield fail(
            f"about {max(made)} output tokens in every round",
            f"between {min(made)} and {max(made)}",
            "ask for fixed lengths and ignore end-of-text, so that both legs do the same work",
            where,
            action=Action.REMEASURE,
            modes=("Q07", "C08"),
            code="different_output_length",
        )
    kinds = {METRIC in each.raw for leg in pair.legs for each in leg.rounds}
    if len(kinds) > 1:
        yield fail(
            "rates of one kind on both legs",
            "one is recomputed from requests, the other only reported",
            "give the same kind of file for both legs",
            where,
            action=Action.REMEASURE,
            modes=("D14",),
            code="mixed_records",
        )


def _asked(leg: ForeignLeg) -> dict[str, tuple[str, ...]]:
    """Each load argument with the values that it has over the leg's rounds."""
    found: dict[str, set[str]] = {}
    for each in leg.rounds:
        for name, value in each.arguments:
            found.setdefault(name, set()).add(value)
    return {name: tuple(sorted(values)) for name, values in found.items()}
