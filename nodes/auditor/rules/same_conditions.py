"""Both servers resolved to the same arguments, apart from the lever and what follows from it without effect.

Compares the resolved ``server_info`` of every leg with that of the first reference (C01 C02 C04 C08 C10 C13 C14 Q10):

- identity and unrelated arguments must be equal; what is served can be no lever either;
- a capacity (KV pool, request cap) that moved without being the lever passes only when the leg's own server.log shows
  that it was inert: the pool is inert when peak running requests × longest request fits into the smaller pool, or when
  the peak use of either pool would have filled at most 80 % of the smaller one; a request cap is inert when the peak of
  running requests stayed below the smaller cap;
- what a declared lever is known to derive may differ where it is the same quantity under another name, or shown inert:
  sizes of captured graphs when no batch of either leg ran from a graph. What else the engine changes because of a lever
  (another page size, another schedule) may be where the gain comes from: the headline must say so, by name and value.
  The same holds for a pool that a lever of precision enlarged, unless it was inert.

Without the log, a moved capacity is unverifiable, and where the reference has the smaller pool it may have been
starved. A field that this version of the engine does not have is a FLAG, unless it has a different value in every
launch of the reference. Pools within half a per cent of each other are equal: pages and free memory round them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.findings.capacity import ADVICE, capacity
from bankable.nodes.auditor.findings.stated import LONGEST
from bankable.nodes.auditor.reading.resolved import (
    ALIASES,
    GRAPHS,
    LENGTH_CAPS,
    POOL,
    POOL_SIZERS,
    POOL_SIZES,
    REQUEST_CAPS,
    STATE,
    ArgumentDifference,
    drop_volatile,
    find_differences,
    format_value,
    modes_of,
)
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.rule import COMPARISONS, Found, Outcome, Remark, Rule, at, fail, flag, info
from bankable.nodes.auditor.verdict import Action, Severity
from bankable.tools.evidence.records import Plan, Side
from bankable.tools.levers import classify_field

FEWEST_LAUNCHES = 3


def check(case: Case) -> Iterator[Outcome]:
    yield from _another_experiment(case)
    first = case.legs[0]
    base = drop_volatile(first.server_info or {})
    seen: set[tuple[str, str, Side | None]] = set()
    counters = _counters(case)
    if counters:
        yield Remark(f"new in every launch of the reference itself, so no setting: {', '.join(sorted(counters))}"[:300])
    for leg in case.legs:
        for difference in find_differences(base, drop_volatile(leg.server_info or {})):
            key = (difference.name, difference.candidate, leg.side)
            if key not in seen and difference.name not in counters:
                seen.add(key)
                yield from _judge(case, first, leg, difference)
        yield from _moved_in_flight(leg)
    if case.planned is not None:
        yield from _report_ignored(case.planned, first)


def _another_experiment(case: Case) -> Iterator[Outcome]:
    """The served model cannot be declared away: another model is another experiment."""
    for name in case.lever.names():
        if name not in case.lever.overlays and classify_field(name) == "identity":
            yield fail(
                f"the same {name} on both legs",
                f"declared as the lever: {name}",
                "serve the same model on both legs; compare models with an accuracy study",
                at(case.lever_file),
                modes=("Q10", "C08"),
                code="identity_as_lever",
            )


def _judge(case: Case, first: LegView, leg: LegView, difference: ArgumentDifference) -> Iterator[Outcome]:
    lever = set(case.lever.names())
    candidate = leg.side is Side.CANDIDATE
    name = difference.plain
    observed = f"{name}: {difference.candidate}"[:300]
    where = at(leg.path("server_info.json"))
    if candidate and name in lever:
        return
    derived = candidate and any(argument is not None and name in argument.derived for argument in case.knobs.values())
    if difference.field in POOL | REQUEST_CAPS | LENGTH_CAPS:
        if candidate and lever & (POOL_SIZES if name in POOL | LENGTH_CAPS else REQUEST_CAPS):
            yield Remark(f"{observed} against {difference.reference}: the declared lever sizes this")
        elif candidate and (lever & POOL_SIZERS if name in POOL else derived):
            yield from _along(case, first, leg, difference)
        else:
            outcomes = list(capacity(first, leg, difference))
            yield from outcomes
            if candidate and any(outcome.severity is Severity.FAIL for outcome in outcomes):
                yield from _find_starved(first, leg, difference)
    elif derived and name in ALIASES:
        yield Remark(f"{observed} against {difference.reference}: the declared lever under another name")
    elif derived:
        yield from _check_forced(case, first, leg, difference)
    elif difference.name.startswith(STATE) or classify_field(difference.field) == "unknown":
        yield flag(
            f"{name}: {difference.reference}"[:300],
            observed,
            "say what this value is and why it differs",
            where,
            modes=("C04",),
            code="unexplained_state",
        )
    else:
        yield fail(
            f"{name}: {difference.reference}"[:300],
            observed,
            ADVICE,
            where,
            action=Action.REMEASURE,
            modes=modes_of(difference.field),
            code="undeclared_difference",
        )


def _find_starved(first: LegView, leg: LegView, difference: ArgumentDifference) -> Iterator[Found]:
    """A reference's loss for lack of memory is no gain of the change."""
    numbers = difference.numbers()
    if difference.plain in POOL and numbers is not None and numbers[0] < numbers[1]:
        yield fail(
            "a reference with the candidate's KV pool",
            f"{difference.plain}: {difference.reference} against {difference.candidate}, not shown to be idle",
            "give the reference the same pool; throughput lost to a smaller pool is no gain of the change",
            at(first.path("server_info.json")),
            at(leg.path("server_info.json")),
            modes=("C01", "C13"),
            code="starved_reference",
        )


def _counters(case: Case) -> frozenset[str]:
    """Unknown fields with different values in all launches of the reference: readings, not settings.

    A lever cannot cause them. Two launches may differ by chance; three of one configuration do not.
    """
    launches = [drop_volatile(leg.server_info or {}) for leg in case.counted(Side.REFERENCE)]
    if len(launches) < FEWEST_LAUNCHES:
        return frozenset()
    unknown = {name for name in launches[0] if classify_field(name.removeprefix(STATE)) == "unknown"}
    return frozenset(
        name for name in unknown if len({format_value(launch, name) for launch in launches}) == len(launches)
    )


def _is_stated(case: Case, difference: ArgumentDifference) -> bool:
    """Whether the headline names the setting that moved too, with its new value."""
    text = case.headline[:LONGEST]
    names = POOL if difference.plain in POOL else {difference.plain}
    named = any(re.search(rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])", text) for name in names)
    value = re.escape(difference.candidate)
    return named and re.search(rf"(?<![A-Za-z0-9_.]){value}(?![A-Za-z0-9_])", text) is not None


def _along(case: Case, first: LegView, leg: LegView, difference: ArgumentDifference) -> Iterator[Outcome]:
    """A pool or cap that moved as a consequence of the lever: part of the gain, unless it was harmless."""
    for outcome in capacity(first, leg, difference):
        if isinstance(outcome, Found) and outcome.severity is Severity.FAIL and _is_stated(case, difference):
            yield info(
                outcome.expected,
                f"{outcome.observed}, as the headline says"[:400],
                *outcome.evidence,
                modes=("C13", "A02"),
                code="capacity_told",
            )
        elif isinstance(outcome, Found) and outcome.severity is Severity.FAIL:
            yield flag(
                outcome.expected,
                outcome.observed,
                "say in the headline that this moved too, or fix it on both legs",
                *outcome.evidence,
                action=Action.DOWNGRADE_HEADLINE,
                modes=("C13", "A02"),
                code="capacity_moved_along",
            )
        else:
            yield outcome


def _check_forced(case: Case, first: LegView, leg: LegView, difference: ArgumentDifference) -> Iterator[Outcome]:
    """A field that follows from the lever and is not the lever itself."""
    observed, where = f"{difference.plain}: {difference.candidate}"[:300], at(leg.path("server_info.json"))
    logs = [each.log for each in (first, leg) if each.log is not None and each.log.batches]
    if difference.plain in GRAPHS and len(logs) == 2 and not any(log.graphs for log in logs):
        yield info(
            f"{difference.plain}: {difference.reference}"[:300],
            f"{observed}; no batch ran from a graph",
            where,
            modes=("C02",),
            code="inert_graphs",
        )
    elif _is_stated(case, difference):
        yield info(
            f"{difference.plain}: {difference.reference}"[:300],
            f"{observed}, as the headline says"[:400],
            where,
            modes=("C02", "A02"),
            code="forced_and_told",
        )
    else:
        yield flag(
            f"{difference.plain}: {difference.reference}"[:300],
            f"{observed}, changed by the engine because of the lever"[:300],
            "say in the headline what else this lever changes, or set it on both legs",
            where,
            action=Action.DOWNGRADE_HEADLINE,
            modes=("C02", "A02"),
            code="forced_along",
        )


def _moved_in_flight(leg: LegView) -> Iterator[Outcome]:
    """Arguments as embedded in each round against those queried after the launch."""
    base = drop_volatile(leg.server_info or {})
    for row in leg.rows:
        moved = [
            difference
            for difference in find_differences(base, row.server_info)
            if not difference.name.startswith(STATE) and "absent" not in (difference.reference, difference.candidate)
        ]
        if moved:
            yield fail(
                f"{moved[0].name}: {moved[0].reference}"[:300],
                f"{moved[0].name}: {moved[0].candidate} in round {row.line}"[:300],
                "one launch is one configuration: measure again",
                at(leg.path("bench_runs.jsonl"), row.line),
                at(leg.path("server_info.json")),
                action=Action.REMEASURE,
                modes=("C01", "C04"),
                code="moved_in_flight",
            )
            return


def _report_ignored(plan: Plan, first: LegView) -> Iterator[Outcome]:
    """Base settings that the server did not take: the same on both legs, so no confound, but not as declared."""
    resolved = first.server_info or {}
    for name, wanted in sorted(plan.reference.flags.items()):
        if name in resolved and wanted != "auto" and str(resolved[name]) != str(wanted) and resolved[name] != wanted:
            yield flag(
                f"{name}: {wanted}",
                f"{name}: {resolved[name]}"[:300],
                "the server ignores this flag; report what it runs, not what was asked for",
                at(first.path("server_info.json")),
                modes=("C10",),
                code="ignored_flag",
            )


rule = Rule(
    "same_conditions",
    COMPARISONS,
    ("C01", "C02", "C04", "C08", "C10", "C13", "C14", "Q10"),
    ("lever", "rounds", "server_info"),
    check,
    gate=True,
)
