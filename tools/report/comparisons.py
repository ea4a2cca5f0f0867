"""Reads one comparison folder: plan, claim, launches, every timed round, and host samples."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from pydantic import ValidationError

from bankable.tools.evidence.devices import count_devices
from bankable.tools.evidence.records import GOODPUT, REQUEST_SPEED, BenchRun, Guard, Limit, Plan, describe_limits
from bankable.tools.exchange.admission import judge_admission
from bankable.tools.objective.attainment import count_good
from bankable.tools.objective.cost import cost_of_million_tokens, cost_of_thousand_requests
from bankable.tools.objective.energy import MeteredRound, TokenEnergy
from bankable.tools.objective.judging import find_request_speed
from bankable.tools.report.energy import describe_energy, find_leg_energy, read_metered_round
from bankable.tools.report.model import (
    SIDES,
    ReportComparison,
    ReportHostPoint,
    ReportLeg,
    ReportPlan,
    ReportRound,
    ReportSetting,
)
from bankable.tools.report.reading import ReportReader, clean, interval, mapping, number, sequence, whole
from bankable.tools.report.words import bounds, percent, quantity, share

MAX_COMPARISONS = 60
MAX_LEGS = 200
MAX_ROUNDS = 4000
MAX_POINTS = 600
UNITS = {
    "output_throughput": "tok/s",
    "total_throughput": "tok/s",
    "input_throughput": "tok/s",
    "request_throughput": "req/s",
    GOODPUT: "req/s",
    REQUEST_SPEED: "1/s",
}


def read_comparisons(reader: ReportReader, price: float | None = None) -> list[ReportComparison]:
    """All comparisons of the run, in order of their names, the control first; ``price`` of an hour of one device."""
    folders = reader.folders(reader.root / "comparisons", MAX_COMPARISONS)
    views = [view for folder in folders if (view := read_comparison(folder, price)).kind != "ladder"]
    order = {"control": 0, "patch": 1, "bundle": 2}
    return sorted(views, key=lambda view: (order.get(view.kind, 3), view.name))


def read_comparison(folder: Path, price: float | None = None) -> ReportComparison:
    """One comparison; what is missing is in its ``gaps``."""
    reader = ReportReader(folder)
    plan, claim = reader.json(folder / "plan.json"), reader.json(folder / "claim.json")
    metric = clean(plan.get("metric") or claim.get("metric"), 60) or "output_throughput"
    limits = _read_limits(plan)
    legs: list[ReportLeg] = []
    rounds: list[ReportRound] = []
    samples: list[tuple[float, ReportHostPoint, tuple[str, ...]]] = []
    energies: list[tuple[str, tuple[TokenEnergy, ...]]] = []
    admission = ""
    for leg in reader.folders(folder / "legs", MAX_LEGS):
        record = reader.json(leg / "leg.json")
        side, block = clean(record.get("side"), 20), whole(record.get("block"))
        if block is None or side not in SIDES:
            reader.gaps.append(f"{clean(leg.name, 80)} does not say which leg it is; it is not shown.")
            continue
        metered: list[MeteredRound | None] = []
        mine = [*_rounds(reader, leg, (metric, limits), (block, side), metered)][: MAX_ROUNDS - len(rounds)]
        rounds.extend(mine)
        legs.append(_leg(record, block, side, [r.value for r in mine]))
        if side == SIDES[1] and not admission and claim.get("decision") == "real":
            admission = _admission(plan, record, reader.json(leg / "server_info.json", needed=False))
        host = [*reader.lines(leg / "host.jsonl", needed=False)]
        samples.extend(_samples(host))
        energies.append((side, find_leg_energy(host, metered)))
    samples.sort(key=lambda sample: sample[0])
    return ReportComparison(
        name=clean(folder.name, 200),
        kind=clean(plan.get("kind"), 20) or "unknown",
        metric=metric,
        unit=UNITS.get(metric, "ms" if metric.endswith("_ms") else ""),
        lever=settings_of(plan.get("lever")),
        plan=_plan(plan) if plan else None,
        claim_headline=clean(claim.get("headline")),
        service=tuple(_service(claim)),
        guards=tuple(_guards(claim)),
        costs=(*_costs(plan, claim, price), *describe_energy(energies)),
        admission=clean(admission, 400),
        delta=number(claim.get("delta")),
        interval=interval(claim.get("interval")),
        decision=clean(claim.get("decision"), 30),
        legs=tuple(legs),
        rounds=tuple(rounds),
        gains=tuple(block_gains(legs)),
        host=_series(samples),
        tenants=tuple(name for name, _ in Counter(n for _, _, names in samples for n in names).most_common(5)),
        gaps=tuple(reader.gaps),
    )


def block_gains(legs: Sequence[ReportLeg]) -> list[tuple[int, float]]:
    """Gain of each block that has one reference and one candidate median: candidate / reference − 1.

    The median of logarithms and the logarithm of the median agree for an odd number of rounds and differ by less than
    the plot can show for an even one; the deciding figures are the auditor's, not these.
    """
    medians: dict[int, dict[str, float]] = {}
    for leg in legs:
        if leg.median is not None and leg.median > 0 and leg.status == "complete":
            medians.setdefault(leg.block, {})[leg.side] = leg.median
    return [
        (block, sides["candidate"] / sides["reference"] - 1)
        for block, sides in sorted(medians.items())
        if len(sides) == len(SIDES)
    ]


def settings_of(raw: object) -> tuple[ReportSetting, ...]:
    """Flags and variables of a lever or server configuration, and replaced operators with their implementation."""
    lever = mapping(raw)
    kernels = {name: mapping(part).get("implementation") for name, part in mapping(lever.get("overlays")).items()}
    every = {**mapping(lever.get("flags")), **mapping(lever.get("env")), **kernels}
    return tuple(
        ReportSetting(name=clean(name, 100), value=clean(value, 200)) for name, value in list(every.items())[:100]
    )


def _read_limits(plan: dict[str, Any]) -> tuple[Limit, ...]:
    try:
        return tuple(Limit.model_validate(raw) for raw in sequence(plan.get("limits"), 20))
    except ValidationError:
        return ()


def _figure(record: dict[str, Any], metric: str, limits: tuple[Limit, ...]) -> float | None:
    """The deciding figure of a round: as recorded, or from its requests where the record has none."""
    if metric not in (GOODPUT, REQUEST_SPEED):
        return number(record.get(metric))
    try:
        run = BenchRun.model_validate(record)
        return count_good(run, limits).rate if metric == GOODPUT else find_request_speed(run)
    except (ValueError, ZeroDivisionError):
        return None


def _service(claim: dict[str, Any]) -> Iterator[ReportSetting]:
    """Goodput and attainment of both sides, as claimed."""
    service = mapping(claim.get("service"))
    for side in SIDES if service else ():
        level = mapping(service.get(side))
        shares = mapping(level.get("by_limit"))
        within = ", ".join(f"{clean(key, 20)} {share(number(value))}" for key, value in list(shares.items())[:20])
        goodput, attainment = number(level.get("goodput")), number(level.get("attainment"))
        text = f"{quantity(goodput)} req/s, {share(attainment)} of the requests sent" + (
            f" ({within})" if within else ""
        )
        yield ReportSetting(name=f"within the limits, {side}", value=clean(text, 300))


def _costs(plan: dict[str, Any], claim: dict[str, Any], price: float | None) -> Iterator[ReportSetting]:
    """Costs of both sides at the claimed rates; none without a price."""
    changed = mapping(mapping(plan.get("lever")).get("flags"))
    flags = mapping(mapping(plan.get("reference")).get("flags"))
    for side in SIDES if price is not None and price > 0 else ():
        devices = count_devices({**flags, **changed} if side == SIDES[1] else flags)
        tokens = number(mapping(claim.get(side)).get("output_throughput"))
        good = number(mapping(mapping(claim.get("service")).get(side)).get("goodput"))
        parts = []
        if tokens is not None and (cost := cost_of_million_tokens(price or 0.0, devices, tokens)) is not None:
            parts.append(f"${cost:.4g} a million output tokens")
        if good is not None and (cost := cost_of_thousand_requests(price or 0.0, devices, good)) is not None:
            parts.append(f"${cost:.4g} a thousand requests within the limits")
        if parts:
            text = f"{', '.join(parts)}, at ${price:g} an hour of one device, {devices} in use"
            yield ReportSetting(name=side, value=text)


def _admission(plan: dict[str, Any], leg: dict[str, Any], server_info: dict[str, Any]) -> str:
    """Whether a public leaderboard would admit a win; empty where the plan is of another version."""
    try:
        whole_plan = Plan.model_validate(plan)
    except ValidationError:
        return ""
    overlaid = leg.get("overlay_digest") is not None
    device = clean(leg.get("device"), 20)
    return judge_admission(whole_plan.lever, whole_plan, server_info, device, overlaid=overlaid).describe()


def _guards(claim: dict[str, Any]) -> Iterator[ReportSetting]:
    """Harm of each guarded figure with its bounds, as claimed."""
    for raw in sequence(claim.get("guards"), 20):
        guard = mapping(raw)
        harm, margin = number(guard.get("harm")), number(guard.get("margin"))
        text = f"{percent(harm)} worse ({bounds(interval(guard.get('interval')))}), at most {percent(margin)}"
        outcome = clean(guard.get("outcome"), 20)
        yield ReportSetting(name=clean(guard.get("metric"), 60), value=f"{outcome}: {text}")


def _rounds(
    reader: ReportReader,
    leg: Path,
    deciding: tuple[str, tuple[Limit, ...]],
    place: tuple[int, str],
    metered: list[MeteredRound | None],
) -> list[ReportRound]:
    """The rounds of a launch. ``metered`` receives times and tokens of each."""
    rounds, metric = [], deciding[0]
    for at, record in enumerate(reader.lines(leg / "bench_runs.jsonl")):
        metered.append(read_metered_round(record))
        value = _figure(record, *deciding)
        if value is None:
            reader.gaps.append(f"{clean(leg.name, 80)}: a round has no {metric}.")
            continue
        index = whole(mapping(record.get("bankable")).get("index"))
        rounds.append(ReportRound(block=place[0], side=place[1], index=at if index is None else index, value=value))
    return rounds


def _leg(record: dict[str, Any], block: int, side: str, values: list[float]) -> ReportLeg:
    launched, ready = number(record.get("launched_at")), number(record.get("ready_at"))
    failure = mapping(record.get("failure"))
    return ReportLeg(
        leg_id=clean(record.get("leg_id"), 80),
        block=block,
        side=side,
        status=clean(record.get("status"), 20),
        rounds=len(values),
        median=median(values) if values else None,
        ready_s=ready - launched if launched is not None and ready is not None else None,
        failure=clean(f"{failure.get('kind')}: {failure.get('line')}" if failure else "", 400),
        identity=_identity(record),
    )


def _identity(record: dict[str, Any]) -> tuple[ReportSetting, ...]:
    engine = mapping(record.get("engine"))
    named = {
        "device": record.get("device"),
        "device set": record.get("device_set"),
        "host": record.get("host"),
        "driver": record.get("driver"),
        "sglang": engine.get("sglang"),
        "torch": engine.get("torch"),
        "python": engine.get("python"),
        "engine files (sha256)": engine.get("tree_digest"),
        "model (sha256)": record.get("model_digest"),
        **mapping(engine.get("versions")),
    }
    shown = [(name, value) for name, value in named.items() if value is not None][:40]
    return tuple(ReportSetting(name=clean(name, 60), value=clean(value, 200)) for name, value in shown)


def _samples(host: Sequence[dict[str, Any]]) -> list[tuple[float, ReportHostPoint, tuple[str, ...]]]:
    samples = []
    for raw in host:
        t, cpu, load = number(raw.get("t")), number(raw.get("cpu_percent")), number(raw.get("load_1m"))
        if t is None or cpu is None or load is None:
            continue
        tenants = [clean(mapping(tenant).get("name"), 60) for tenant in sequence(raw.get("tenants"), 50)]
        samples.append((t, ReportHostPoint(t=t, cpu_percent=cpu, load_1m=load, tenants=len(tenants)), tuple(tenants)))
    return samples


def _series(samples: Sequence[tuple[float, ReportHostPoint, tuple[str, ...]]]) -> tuple[ReportHostPoint, ...]:
    """At most ``MAX_POINTS`` points; of each group that is merged the busiest is kept, so that no spike vanishes."""
    if not samples:
        return ()
    first, size = samples[0][0], math.ceil(len(samples) / MAX_POINTS)
    groups = [samples[at : at + size] for at in range(0, len(samples), size)]
    points = [max(group, key=lambda sample: (sample[1].tenants, sample[1].cpu_percent))[1] for group in groups]
    return tuple(point.model_copy(update={"t": point.t - first}) for point in points)


def _objective(raw: dict[str, Any]) -> tuple[ReportSetting, ...]:
    """Limits and guards of the plan; empty where none were asked for."""
    limits = _read_limits(raw)
    settings = [ReportSetting(name="limits", value=describe_limits(limits))] if limits else []
    for item in sequence(raw.get("guards"), 20):
        try:
            guard = Guard.model_validate(item)
        except ValidationError:
            continue
        change = -guard.margin if guard.larger_is_better else guard.margin
        settings.append(ReportSetting(name=f"guard {guard.metric}", value=f"at most {percent(change)}"))
    return tuple(settings)


def _plan(raw: dict[str, Any]) -> ReportPlan:
    blocks = []
    for at, item in enumerate(sequence(raw.get("blocks"), 100)):
        block = mapping(item)
        order = " → ".join(clean(side, 20) for side in sequence(block.get("order"), 2))
        rounds = "".join(
            {"reference": "A", "candidate": "B"}.get(str(s), "?") for s in sequence(block.get("rounds"), 100)
        )
        seeds = clean(sequence(block.get("seeds"), 40), 300)
        warm = clean(block.get("warmup_seed"), 30)
        index = whole(block.get("index"))
        blocks.append(
            f"{at if index is None else index}: {order} · rounds {rounds} · declared seeds {seeds} · warm-up {warm}"
        )
    workload = mapping(raw.get("workload"))
    return ReportPlan(
        blocks=tuple(blocks),
        looks=clean(raw.get("looks"), 60),
        alpha=number(raw.get("alpha")) or 0.0,
        floor=number(raw.get("floor")) or 0.0,
        rounds_per_leg=whole(raw.get("rounds_per_leg")) or 0,
        launch_plan=clean(raw.get("launch_plan"), 40),
        seed=whole(raw.get("seed")) or 0,
        objective=_objective(raw),
        workload=tuple(
            ReportSetting(name=clean(name, 60), value=clean(value, 200))
            for name, value in workload.items()
            if value is not None
        ),
    )
