"""A patch changes one thing (A03), a control changes nothing, and the claim names what the plan declared (A06).

Replaced operators may be confirmed as one group: each kernel was benchmarked alone and signed off by scope harness in
this run, and the claim is the group's, which credits it to none of them (A04).

A knob that only means something together with another one in the same lever (its registered condition), or that the
other one derives, counts with it. Where no plan declares the lever, the claim does; where nobody does, the only setting
in which the servers differ is taken for it, and has to be declared.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.reading.resolved import drop_volatile
from bankable.nodes.auditor.rule import COMPARISONS, Outcome, Remark, Rule, at, fail, flag
from bankable.nodes.auditor.stacking import is_signed_off
from bankable.nodes.auditor.verdict import Action


def check(case: Case) -> Iterator[Outcome]:
    names, where = case.lever.names(), at(case.lever_file)
    if case.scope == "baseline":
        if names:
            yield fail(
                "a control without a lever", f"lever {', '.join(names)}", "compare the reference with itself", where
            )
        return
    if not case.declared:
        yield from _find_undeclared(case)
        return
    if not names and not case.sold_as_kernel:
        yield fail(
            "a declared change",
            "an empty lever",
            "declare what the candidate has and the reference has not",
            where,
            modes=("A06",),
            code="no_lever",
        )
    independent = _independent(case)
    if case.scope == "patch" and len(independent) > 1:
        yield fail(
            "exactly one lever",
            f"{len(independent)} levers: {', '.join(independent)}",
            "measure each change by itself; combine them in a bundle",
            where,
            modes=("A03",),
            code="two_levers",
        )
    yield from _credit(case)
    for claim in case.claims if case.planned is not None else ():
        if claim.lever is not None and claim.lever != case.lever:
            yield fail(
                f"lever {', '.join(names)}",
                f"claimed lever {', '.join(claim.lever.names())}",
                "claim the lever that the plan declared before the first launch",
                at(claim.file),
                where,
                modes=("A06", "D14"),
                code="other_lever",
            )


def _find_undeclared(case: Case) -> Iterator[Outcome]:
    """Without a declared change: one difference may be the change; more than one is judged where it shows."""
    if case.inferred_lever is None:
        infos = [drop_volatile(leg.server_info or {}) for leg in case.legs]
        if infos and all(infos) and all(info == infos[0] for info in infos):
            yield Remark("no change was declared, and all servers resolved to equal arguments: an A/A comparison")
        else:
            yield Remark("no change was declared: the gain cannot be credited to a change")
    else:
        yield flag(
            "a declared lever",
            f"undeclared: {case.lever.text()}"[:300],
            "say what was changed, in a claim file",
            at(case.lever_file),
            modes=("A03",),
            code="undeclared_lever",
        )


def _credit(case: Case) -> Iterator[Outcome]:
    """The gain of a group cannot be attributed to one operator: their shares were not measured."""
    operators = sorted(case.lever.overlays)
    named = [name for name in operators if name in case.headline]
    if case.scope == "patch" and len(operators) > 1 and len(named) == 1:
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
    """Names of the changes that count: operators whose kernels were signed off in isolation are one change together."""
    operators = sorted(case.lever.overlays)
    benchmarks = case.view.operators
    group = len(operators) > 1 and all(
        name in benchmarks and is_signed_off(case, name, benchmarks[name]) for name in operators
    )
    names = [name for name in case.lever.names() if not _companion(case, name)]
    return [name for name in names if not group or name not in operators[1:]]


def _companion(case: Case, name: str) -> bool:
    """Whether a setting only means something with another one of the lever, or follows from it."""
    lever_knob = case.knobs[name]
    settings = case.lever.flags
    conditions = (lever_knob.condition or {}) if lever_knob is not None else {}
    needed = any(other in settings and settings[other] in allowed for other, allowed in conditions.items())
    return needed or any(
        other != name and argument is not None and name in argument.derived for other, argument in case.knobs.items()
    )


rule = Rule("exactly_one_lever", COMPARISONS, ("A03", "A04", "A06"), ("lever",), check)
