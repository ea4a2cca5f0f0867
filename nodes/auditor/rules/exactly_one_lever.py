"""A patch changes one thing (A03), a control changes nothing, and the claim names what the plan declared (A06).

Replaced operators may be confirmed as one group: each kernel was benchmarked alone and signed off by scope harness in
this run, and the claim is the group's, which credits it to none of them (A04).

A knob that only means something together with another one in the same lever (its registered condition) counts with it.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.rule import COMPARISONS, Outcome, Rule, at, fail, flag
from bankable.nodes.auditor.stacking import signed_off
from bankable.nodes.auditor.verdict import Action


def check(case: Case) -> Iterator[Outcome]:
    names, where = case.lever.names(), at(case.plan_file)
    scope = case.request.scope
    if scope == "baseline":
        if names:
            yield fail(
                "a control without a lever", f"lever {', '.join(names)}", "compare the reference with itself", where
            )
        return
    if not names:
        yield fail(
            "a declared change",
            "an empty lever",
            "declare what the candidate has and the reference has not",
            where,
            modes=("A06",),
            code="no_lever",
        )
    independent = _independent(case)
    if scope == "patch" and len(independent) > 1:
        yield fail(
            "exactly one lever",
            f"{len(independent)} levers: {', '.join(independent)}",
            "measure each change by itself; combine them in a bundle",
            where,
            modes=("A03",),
            code="two_levers",
        )
    yield from _credit(case)
    claimed = case.comparison.claim.lever if case.comparison.claim else None
    if claimed is not None and claimed != case.lever:
        yield fail(
            f"lever {', '.join(names)}",
            f"claimed lever {', '.join(claimed.names())}",
            "claim the lever that the plan declared before the first launch",
            at(case.claim_file),
            where,
            modes=("A06", "D14"),
            code="other_lever",
        )


def _credit(case: Case) -> Iterator[Outcome]:
    """The gain of a group is nobody's alone: which operator gave how much was not measured."""
    text = case.comparison.claim.headline if case.comparison.claim else ""
    operators = sorted(case.lever.overlays)
    named = [name for name in operators if name in text]
    if case.request.scope == "patch" and len(operators) > 1 and len(named) == 1:
        yield flag(
            f"credit for all of {', '.join(operators)}",
            f"headline names {named[0]} only",
            "name every operator of the group; what each gave by itself was not measured",
            at(case.claim_file),
            action=Action.DOWNGRADE_HEADLINE,
            modes=("A04",),
            code="credited_to_one",
        )


def _independent(case: Case) -> list[str]:
    """Names of the changes that count: operators whose kernels were signed off alone are one change together."""
    operators = sorted(case.lever.overlays)
    benchmarks = case.view.operators
    group = len(operators) > 1 and all(
        name in benchmarks and signed_off(case, name, benchmarks[name]) for name in operators
    )
    names = [name for name in case.lever.names() if not _companion(case, name)]
    return [name for name in names if not group or name not in operators[1:]]


def _companion(case: Case, name: str) -> bool:
    known = case.knobs[name]
    settings = case.lever.flags
    conditions = (known.condition or {}) if known is not None else {}
    return any(other in settings and settings[other] in allowed for other, allowed in conditions.items())


rule = Rule("exactly_one_lever", COMPARISONS, ("A03", "A04", "A06"), ("plan",), check)
