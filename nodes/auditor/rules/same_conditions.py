"""Both servers resolved to the same arguments, apart from the lever and what inertly follows from it.

Compares the resolved ``server_info`` of every leg with that of the first reference (C01 C02 C04 C08 C10 C13):

- identity and unrelated arguments must be equal;
- a capacity (KV pool, request cap) that moved without being the lever passes only when the leg's own server.log shows
  that it was inert: the pool is inert when peak running requests × longest request fits into the smaller pool, or when
  the peak use of either pool would have filled at most 80 % of the smaller one; a request cap is inert when the peak of
  running requests stayed below the smaller cap;
- what a declared lever is known to derive may differ.

Without the log, a moved capacity is unverifiable.
"""

from __future__ import annotations

from collections.abc import Iterator

from nodes.auditor.case import Case
from nodes.auditor.resolved import LENGTH_CAPS, POOL, POOL_SIZERS, REQUEST_CAPS, STATE, Difference, differences, steady
from nodes.auditor.rule import COMPARISONS, Outcome, Remark, Rule, Unverifiable, at, fail, flag, info
from nodes.auditor.verdict import Action
from nodes.auditor.view import LegView
from tools.levers import classify_field

FULL = 0.8
"""Peak pool use, as a share of the smaller pool, up to which sampled counters show that the pool never filled."""
ADVICE = "fix the value on both legs (for the KV pool: --max-total-tokens) and measure again"


def check(case: Case) -> Iterator[Outcome]:
    first = case.legs[0]
    base = steady(first.server_info or {})
    seen: set[tuple[str, str, str]] = set()
    for leg in case.legs:
        for difference in differences(base, steady(leg.server_info or {})):
            key = (difference.name, difference.candidate, leg.record.side.value if leg.record else "")
            if key not in seen:
                seen.add(key)
                yield from _judge(case, first, leg, difference)
        yield from _moved_in_flight(leg)
    yield from _ignored(case, first)


def _judge(case: Case, first: LegView, leg: LegView, difference: Difference) -> Iterator[Outcome]:
    lever = set(case.lever.names())
    candidate = leg.record is not None and leg.record.side.value == "candidate"
    name = difference.plain
    said = f"{name}: {difference.candidate}"[:300]
    where = at(leg.path("server_info.json"))
    if candidate and name in lever:
        return
    derived = candidate and any(known is not None and name in known.derived for known in case.knobs.values())
    if name in POOL | REQUEST_CAPS | LENGTH_CAPS and not (derived and name not in POOL):
        if candidate and lever & POOL_SIZERS:
            yield Remark(f"{said} against {difference.reference}: the declared lever sizes the pool")
            return
        yield from capacity(first, leg, difference)
    elif derived:
        yield Remark(f"{said} against {difference.reference}: follows from the declared lever")
    elif difference.name.startswith(STATE) or classify_field(name) == "unknown":
        yield flag(
            f"{name}: {difference.reference}"[:300], said, "say what this value is and why it differs", where,
            modes=("C04",), code="unexplained_state",
        )  # fmt: skip
    else:
        yield fail(
            f"{name}: {difference.reference}"[:300], said, ADVICE, where,
            action=Action.REMEASURE, modes=("C04", "C08"), code="undeclared_difference",
        )  # fmt: skip


def capacity(first: LegView, leg: LegView, difference: Difference) -> Iterator[Outcome]:
    """Judge a pool or a cap that moved without being the lever: inert by the logs, or a confound."""
    name, numbers = difference.plain, difference.numbers()
    where = (at(leg.path("server_info.json")), at(leg.path("server.log")))
    logs = [each.log for each in (first, leg) if each.log is not None and each.log.batches]
    if len(logs) < 2:
        yield Unverifiable(f"server.log with scheduler counters, to show that {name} was inert", where)
        return
    running, usage = max(log.peak_running for log in logs), max(log.peak_usage for log in logs)
    longest = max(
        i + o
        for each in (first, leg)
        for row in each.rows
        for i, o in zip(row.input_lens, row.output_lens, strict=True)
    )
    facts = f"peak running {running}, peak pool use {usage:.2f}, longest request {longest} tokens"
    if name in REQUEST_CAPS:
        inert = running < min(numbers) if numbers else False
    elif name in LENGTH_CAPS:
        inert = longest < min(numbers) if numbers else False
    else:
        inert = _pool_inert(first, leg, running, usage, longest) and not any(log.retractions for log in logs)
    said = f"{name}: {difference.reference} against {difference.candidate}; {facts}"
    if inert:
        yield info("a capacity that never bound", said, *where, modes=("C02",), code="inert_capacity")
    else:
        yield fail(
            "equal capacity, or one shown never to bind", said, ADVICE, *where,
            action=Action.REMEASURE, modes=("C01", "C13"), code="capacity_differs",
        )  # fmt: skip


def _pool_inert(first: LegView, leg: LegView, running: int, usage: float, longest: int) -> bool:
    sizes = [_pool_tokens(each) for each in (first, leg)]
    known = [size for size in sizes if size is not None]
    if len(known) < 2:
        return False
    return running * longest <= min(known) or usage * max(known) <= FULL * min(known)


def _pool_tokens(leg: LegView) -> float | None:
    found = steady(leg.server_info or {}).get("max_total_num_tokens")
    return float(found) if isinstance(found, int | float) and found > 0 else None


def _moved_in_flight(leg: LegView) -> Iterator[Outcome]:
    """Arguments as embedded in each round against those asked for after the launch."""
    base = steady(leg.server_info or {})
    for row in leg.rows:
        moved = [
            difference
            for difference in differences(base, row.server_info)
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


def _ignored(case: Case, first: LegView) -> Iterator[Outcome]:
    """Base settings that the server did not take: the same on both legs, so no confound, but not what is said."""
    resolved = first.server_info or {}
    for name, wanted in sorted(case.plan.reference.flags.items()):
        if name in resolved and wanted != "auto" and str(resolved[name]) != str(wanted) and resolved[name] != wanted:
            yield flag(
                f"{name}: {wanted}", f"{name}: {resolved[name]}"[:300],
                "the server ignores this flag; report what it runs, not what was asked for",
                at(first.path("server_info.json")), modes=("C10",), code="ignored_flag",
            )  # fmt: skip


rule = Rule(
    "same_conditions", COMPARISONS, ("C01", "C02", "C04", "C08", "C10", "C13"), ("plan", "rounds", "server_info"),
    check, gate=True,
)  # fmt: skip
