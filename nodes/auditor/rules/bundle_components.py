"""A bundle is made of what was accepted, all of it and nothing else (A04 A05 A06 E07 R01).

Proves: at least one component; each with a PASS or FLAG verdict of scope patch from this run; the bundle's lever is the
union of theirs, value for value, and no two of them set the same name; the headline does not credit the whole gain to
one of several components. The verdicts' own evidence digests are checked by replay.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.reading.sealed import ComponentView
from bankable.nodes.auditor.rule import Outcome, Rule, Unverifiable, at, fail, flag, info
from bankable.nodes.auditor.verdict import Action
from bankable.tools.evidence.records import Scalar

AGREES = 0.001
"""Between two reports of one gain, as a fraction."""


def check(case: Case) -> Iterator[Outcome]:
    union: dict[str, Scalar] = {}
    gains: list[tuple[str, float]] = []
    for component in case.view.components:
        where = at(f"components/{component.name}/verdict.json")
        yield from _check_accepted(case, component)
        if component.claim is None or component.claim.lever is None:
            yield Unverifiable(f"claim.json of {component.name}", (where,))
            continue
        lever = component.claim.lever
        for name, value in {**lever.flags, **lever.env}.items():
            if name in union:
                yield fail(
                    "components that change different things",
                    f"{name} is set by two of them",
                    "count each change once",
                    where,
                    modes=("A05",),
                    code="counted_twice",
                )
            union[name] = value
        yield from _agrees(case, component, component.claim.delta)
        if component.claim.delta is not None:
            gains.append((component.name, component.claim.delta))
    mine: dict[str, Scalar] = {**case.lever.flags, **case.lever.env}
    if mine != union:
        yield fail(
            f"the union of the accepted levers: {sorted(union.items())}"[:400],
            f"{sorted(mine.items())}"[:400],
            "build the bundle from the accepted patches, all of them unchanged",
            at(case.plan_file),
            modes=("A06", "E07"),
            code="not_the_union",
        )
    yield from _check_carried(case)
    yield from _credit(case, gains)


def _check_accepted(case: Case, component: ComponentView) -> Iterator[Outcome]:
    where = at(f"components/{component.name}/verdict.json")
    verdict = component.verdict or {}
    request = verdict.get("request")
    run = request.get("run_id") if isinstance(request, dict) else None
    if not component.accepted or verdict.get("scope") != "patch":
        yield fail(
            "a patch with a PASS or FLAG verdict",
            f"{component.name}: {verdict.get('verdict')}",
            "bundle accepted patches only",
            where,
            modes=("A06",),
            code="not_accepted",
        )
    elif run != case.request.run_id:
        yield fail(
            f"a verdict of run {case.request.run_id}",
            f"run {run}",
            "audit the patch in this run",
            where,
            modes=("R03",),
            code="stale",
        )


def _check_carried(case: Case) -> Iterator[Outcome]:
    """Parts that were stacked: the bundle proves them together, and nothing proves one of them."""
    names = [
        component.name
        for component in case.view.components
        if (component.verdict or {}).get("action") == Action.STACK.value
    ]
    if names:
        yield info(
            "parts with a proven gain, or stacked ones (faster in isolation only)",
            f"carried: {', '.join(names)}"[:300],
            *(at(f"components/{name}/verdict.json") for name in names),
            code="carried",
        )


def _agrees(case: Case, component: ComponentView, claimed: float | None) -> Iterator[Outcome]:
    """The component's claim and its verdict's recomputed gain are two reports of one measurement."""
    figures = (component.verdict or {}).get("metrics")
    deltas = [
        figure.get("delta")
        for figure in (figures if isinstance(figures, list) else [])
        if isinstance(figure, dict) and figure.get("name") == case.plan.metric
    ]
    true = deltas[0] if deltas and isinstance(deltas[0], int | float) else None
    if claimed is not None and true is not None and abs(claimed - true) > AGREES:
        yield fail(
            f"{component.name}: {true:+.2%} as its verdict recomputed",
            f"{claimed:+.2%} in its claim",
            "two reports of one measurement must agree; report the recomputed one",
            at(f"components/{component.name}/claim.json"),
            action=Action.REDO,
            modes=("R01",),
            code="reports_disagree",
        )


def _credit(case: Case, gains: list[tuple[str, float]]) -> Iterator[Outcome]:
    if len(gains) < 2 or case.measured.decision is None:
        return
    decision = case.measured.decision
    total = f"{decision.gain:+.1%}" if decision.has_ratio else decision.describe()
    parts = ", ".join(f"{name} {gain:+.1%}" for name, gain in gains)
    text = case.comparison.claim.headline if case.comparison.claim else ""
    named = [name for name in case.lever.names() if name in text]
    if len(named) == 1:
        yield flag(
            f"credit for all of {', '.join(case.lever.names())}",
            f"headline names {named[0]} only",
            f"decompose the gain of {total}: {parts}",
            at(case.claim_file),
            action=Action.DOWNGRADE_HEADLINE,
            modes=("A04",),
            code="credited_to_one",
        )
    else:
        yield info("gain of the bundle and of its parts, which do not add up", f"{total}; {parts}", at(case.claim_file))


rule = Rule(
    "bundle_components",
    frozenset({"bundle"}),
    ("A04", "A05", "A06", "E07", "R01"),
    ("plan", "rounds", "components"),
    check,
)
