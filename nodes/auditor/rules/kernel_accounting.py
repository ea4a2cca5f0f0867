"""Each replaced operator is counted once, and only what was accepted is counted (A05 A06 E07).

The bundle's operators are those of its components, part for part. No two components have the same gain and bounds to
the last digit, and no two operators the same patch point or the same isolated speed-up: that is one change under two
names. A component that changes nothing accepted nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.harness.isolated import measure_isolated
from bankable.nodes.auditor.reading.sealed import ComponentView
from bankable.nodes.auditor.rule import Outcome, Rule, at, fail
from bankable.nodes.auditor.verdict import Severity
from bankable.tools.evidence.records import OverlayPart

MOST = 200
"""Components or operators that are compared pair by pair."""
ONCE = "count each change once, under one name"


def check(case: Case) -> Iterator[Outcome]:
    union: dict[str, OverlayPart] = {}
    for component in case.view.components:
        lever = component.claim.lever if component.claim is not None else None
        if lever is None:
            continue
        where = at(f"components/{component.name}/claim.json")
        if not lever.names():
            yield fail(
                "a component with an accepted change",
                f"{component.name} changes nothing",
                "validate a list of accepted changes that is not empty",
                where,
                modes=("A06",),
                code="nothing_accepted",
            )
        for name in sorted(lever.overlays.keys() & union.keys()):
            yield fail("operators that are replaced once", f"{name} twice", ONCE, where, modes=("A05",), code="twice")
        union.update(lever.overlays)
    if union != case.lever.overlays:
        yield fail(
            f"the accepted operators: {_describe(union)}"[:400],
            _describe(case.lever.overlays)[:400],
            "build the bundle from the accepted overlays, all of them unchanged",
            at(case.plan_file),
            modes=("A06", "E07"),
            code="not_the_union",
        )
    for first, second in combinations(case.view.components[:MOST], 2):
        if (gain := _gain(first)) is not None and gain == _gain(second):
            yield fail(
                "components with gains of their own",
                f"{first.name} and {second.name}: both {gain[0]:+.6%}",
                ONCE,
                at(f"components/{first.name}/claim.json"),
                at(f"components/{second.name}/claim.json"),
                modes=("A05",),
                code="identical_gains",
            )
    yield from _operators(case)


def _operators(case: Case) -> Iterator[Outcome]:
    for (first, one), (second, other) in combinations(list(case.view.operators.items())[:MOST], 2):
        where = at(one.path("task.json")), at(other.path("task.json"))
        if one.task is not None and other.task is not None and one.task.seam == other.task.seam:
            yield fail(
                "operators with patch points of their own",
                f"{first} and {second}: both {one.task.seam.attribute}"[:300],
                ONCE,
                *where,
                modes=("A05",),
                code="one_seam",
            )
            continue
        ratios = [measure_isolated(entry, entry.winner).speedup if entry.winner else None for entry in (one, other)]
        if ratios[0] is not None and ratios[0] == ratios[1]:
            yield fail(
                "operators with speed-ups of their own",
                f"{first} and {second}: both {ratios[0]:.9g}×",
                ONCE,
                *where,
                modes=("A05",),
                code="identical_speedups",
            )


def _gain(component: ComponentView) -> tuple[float, object] | None:
    claim = component.claim
    return None if claim is None or claim.delta is None or claim.interval is None else (claim.delta, claim.interval)


def _describe(overlays: dict[str, OverlayPart]) -> str:
    return (
        ", ".join(f"{name}={part.implementation}@{part.digest[:12]}" for name, part in sorted(overlays.items()))
        or "none"
    )


rule = Rule(
    "kernel_accounting",
    frozenset({"bundle"}),
    ("A05", "A06", "E07"),
    ("plan", "rounds", "components"),
    check,
    gives=(Severity.FAIL,),
)
