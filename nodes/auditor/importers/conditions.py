"""Were both servers the same apart from the declared change? (C01 C02 C04 C08 C10 A03 E01 E08)

As the sealed audit's ``same_conditions``, on what a pair of files has. Where a tool embeds the resolved arguments
(sglang) their absence is a FAIL: something took them out, or the server did not answer. Where a tool never writes them
(vLLM, AIPerf, GuideLLM) nothing was hidden, and what follows is a FLAG: the gain may be real, for a reason unknown.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.findings.capacity import capacity
from bankable.nodes.auditor.importers.leg import ForeignLeg
from bankable.nodes.auditor.importers.pair_case import PairCase
from bankable.nodes.auditor.reading.resolved import (
    LENGTH_CAPS,
    POOL,
    POOL_SIZERS,
    REQUEST_CAPS,
    ArgumentDifference,
    drop_volatile,
    find_differences,
    format_value,
)
from bankable.nodes.auditor.rule import Found, NotShown, Outcome, Remark, Unverifiable, fail, flag, info
from bankable.nodes.auditor.verdict import Action, Severity
from bankable.tools.levers import classify_field

ADVICE = "fix the value on both legs (for the KV pool: --max-total-tokens) and measure again"
FULL = 0.8
"""Peak pool use, as a share of the smaller pool, up to which sampled counters show that it never filled."""


def check(pair: PairCase) -> Iterator[Outcome]:
    yield from _one_configuration(pair)
    infos = [_arguments(leg) for leg in pair.legs]
    if not all(infos):
        yield from _unknown(pair, infos)
        return
    free: list[ArgumentDifference] = []
    for difference in find_differences(*infos):
        name = difference.plain
        if pair.declared is not None and name in pair.declared:
            continue
        derived = _derived(pair, name)
        if name in POOL | REQUEST_CAPS | LENGTH_CAPS and not (derived and name not in POOL):
            yield from _capacity(pair, difference)
        elif derived:
            yield Remark(f"{name}: follows from the declared lever")
        else:
            free.append(difference)
    yield from _levers(pair, free)
    yield from _engaged(pair, *infos)


def _arguments(leg: ForeignLeg) -> dict[str, object]:
    return drop_volatile(leg.first.view.server_info or {})


def _unknown(pair: PairCase, infos: list[dict[str, object]]) -> Iterator[Outcome]:
    bare = [leg for leg, found in zip(pair.legs, infos, strict=True) if not found]
    places = tuple(leg.where for leg in bare)
    if any(leg.embeds_arguments for leg in bare) or len(bare) < len(pair.legs):
        yield Unverifiable("server_info in the rounds of both legs", places)
        return
    names = " and ".join(sorted({leg.format for leg in bare}))
    yield NotShown(
        f"resolved server arguments ({names})", "put the server's /server_info answer beside each result", places
    )


def _derived(pair: PairCase, name: str) -> bool:
    return any(known is not None and name in known.derived for known in pair.knobs.values())


def _capacity(pair: PairCase, difference: ArgumentDifference) -> Iterator[Outcome]:
    """A pool or cap that moved without being the lever: shown inert, or a confound; worse when it starved the base."""
    if pair.declared is not None and pair.declared & POOL_SIZERS and difference.plain in POOL:
        yield Remark(f"{difference.plain}: the declared lever sizes the pool")
        return
    first, leg = pair.reference.first, pair.candidate.first
    whole = all(each.row is not None for one in pair.legs for each in one.first.rounds)
    found = list(capacity(first.view, leg.view, difference) if whole else _by_declared_lengths(pair, difference))
    yield from found
    numbers = difference.numbers()
    starved = numbers is not None and numbers[0] < numbers[1] and difference.plain in POOL
    if starved and any(isinstance(it, Found | Unverifiable) and it.severity is Severity.FAIL for it in found):
        yield fail(
            "a reference with the candidate's KV pool",
            f"{difference.plain}: {difference.reference} against {difference.candidate}, not shown to be idle",
            "give the reference the same pool; what it loses for want of memory is no gain of the change",
            pair.reference.where,
            pair.candidate.where,
            modes=("C01", "C13"),
            code="starved_reference",
        )


def _by_declared_lengths(pair: PairCase, difference: ArgumentDifference) -> Iterator[Outcome]:
    """As ``same_conditions.capacity``, for rounds without request lists: lengths are the declared ones."""
    logs = [leg.first.view.log for leg in pair.legs]
    known = [log for log in logs if log is not None and log.batches]
    longest = [each.longest for leg in pair.legs for each in leg.first.rounds]
    where = tuple(leg.where for leg in pair.legs)
    name, numbers = difference.plain, difference.numbers()
    if len(known) < len(logs) or not longest or None in longest or numbers is None:
        yield Unverifiable(f"server.log with scheduler counters, to show that {name} was inert", where)
        return
    running, usage = max(log.peak_running for log in known), max(log.peak_usage for log in known)
    request = max(tokens or 0 for tokens in longest)
    if name in REQUEST_CAPS:
        inert = running < min(numbers)
    elif name in LENGTH_CAPS:
        inert = request < min(numbers)
    else:
        inert = _pool_idle(pair, running * request, usage) and not any(log.retractions for log in known)
    said = (
        f"{name}: {difference.reference} against {difference.candidate}; peak running {running}, "
        f"peak pool use {usage:.2f}, longest request {request} tokens as declared"
    )
    if inert:
        yield info("a capacity that never bound", said, *where, modes=("C02",), code="inert_capacity")
    else:
        yield fail(
            "equal capacity, or one shown never to bind",
            said,
            ADVICE,
            *where,
            action=Action.REMEASURE,
            modes=("C01", "C13"),
            code="capacity_differs",
        )


def _pool_idle(pair: PairCase, most: int, usage: float) -> bool:
    sizes = [_arguments(leg).get("max_total_num_tokens") for leg in pair.legs]
    known = [float(size) for size in sizes if isinstance(size, int | float) and size > 0]
    return len(known) == len(sizes) and (most <= min(known) or usage * max(known) <= FULL * min(known))


def _levers(pair: PairCase, free: list[ArgumentDifference]) -> Iterator[Outcome]:
    where, declared = pair.candidate.where, pair.declared
    said = "; ".join(f"{it.plain}: {it.reference} → {it.candidate}" for it in free)[:500]
    arguments = [it for it in free if classify_field(it.plain) in ("lever", "identity")]
    if declared is None and len(free) == 1 and arguments:
        yield flag("a declared lever", said, "say what was changed, in a claim file", where, modes=("A03",))
    elif arguments or (free and declared is None):
        yield fail(
            "one difference between the legs",
            said,
            "change one thing at a time, and declare it",
            where,
            modes=("A03", "C04"),
            code="undeclared_difference",
        )
    elif free:
        yield flag("equal resolved arguments", said, "say why these values differ", where, modes=("C04",))


def _engaged(pair: PairCase, before: dict[str, object], after: dict[str, object]) -> Iterator[Outcome]:
    """The declared change is in what the candidate's server resolved, and not in the reference's (C10 E01 E08)."""
    if pair.lever is None:
        return
    where = pair.candidate.where
    for name, wanted in sorted(pair.lever.flags.items()):
        value = format_value(after, name)
        if name not in after:
            yield NotShown(f"whether {name} took effect: the server does not report it", "log what ran", (where,))
        elif format_value(before, name) == value:
            yield fail(
                f"{name}: {wanted} on the candidate alone"[:300],
                f"{name}: {value} on both legs"[:300],
                "find out why the server ignored the change; nothing was compared",
                where,
                modes=("C10", "E01", "E08"),
                code="not_engaged",
            )
        elif not same_value(str(wanted), value):
            yield flag(
                f"{name}: {wanted}"[:300],
                f"{name}: {value}"[:300],
                "report what the server runs, not what was asked",
                where,
                modes=("C10", "E02"),
                code="other_value",
            )
    if pair.lever.env:
        names = ", ".join(sorted(pair.lever.env))[:300]
        yield NotShown(f"whether {names} took effect: the server reports no environment", "log what ran", (where,))


def same_value(said: str, true: str) -> bool:
    """Whether two spellings name one value."""
    try:
        return abs(float(said) - float(true)) <= 1e-9 * max(1.0, abs(float(true)))
    except ValueError:
        return said.strip().lower() == true.strip().lower()


def _one_configuration(pair: PairCase) -> Iterator[Outcome]:
    """Every round and launch of a leg ran with the arguments of its first."""
    for leg in pair.legs:
        base = _arguments(leg)
        for each in leg.rounds:
            moved = find_differences(base, each.server_info) if base and each.server_info else []
            settings = [it for it in moved if it.name == it.plain and "absent" not in (it.reference, it.candidate)]
            if settings:
                said = "; ".join(f"{it.name}: {it.reference} → {it.candidate}" for it in settings)[:500]
                yield fail(
                    f"one configuration in the {leg.name}",
                    said,
                    "one leg is one configuration: measure again",
                    each.where,
                    action=Action.REMEASURE,
                    modes=("C01", "C04"),
                    code="moved_in_flight",
                )
                break
