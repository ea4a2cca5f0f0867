"""Aggregates traces into a ``Profile``: time by operator, family, logical operator and phase."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bankable.tools.errors import UserError
from bankable.tools.profiling.aggregates import Bucket, Times, Totals, chain_share, family_shares, op_share, ratio
from bankable.tools.profiling.chains import find_chains
from bankable.tools.profiling.families import family_of, operator_of
from bankable.tools.profiling.nesting import TimedEvent, common, length, merge_intervals, self_times
from bankable.tools.profiling.notes import notes_on
from bankable.tools.profiling.records import OperatorFamily, PhaseMix, Profile, StepPhase, TraceSource
from bankable.tools.profiling.steps import Source, Step, Timeline, find_steps
from bankable.tools.profiling.trace import KERNELS, LAUNCHES, OPERATOR, Trace, read_trace

MAX_OPS = 400


@dataclass
class _Sums:
    """Everything that is added up over traces and steps."""

    ops: dict[str, Bucket] = field(default_factory=dict)
    chains: dict[str, Bucket] = field(default_factory=dict)
    phase_us: Times[StepPhase] = field(default_factory=Times)
    phase_wall: Times[StepPhase] = field(default_factory=Times)
    steps: list[Step] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    window: float = 0.0
    idle: float = 0.0
    covered: float = 0.0
    outside: float = 0.0


@dataclass(frozen=True)
class _Call:
    """One operator call or kernel, and the moment that decides which step it belongs to."""

    timed: TimedEvent
    moment: float
    launcher: str | None
    shape: tuple[str, str]


def aggregate(traces: Sequence[Path]) -> Profile:
    """Add up one profiled window. Several traces are the ranks of one server: times and steps are summed over them.

    Operators are kernels when any trace has kernels, else the framework's CPU operators by self time. Only what lies
    in the window of whole steps counts (``Timeline.window``), or everything when no steps can be found.
    Raises ``UserError`` for no traces, unreadable ones, and ones without a single operator.
    """
    if not traces:
        raise UserError("Cannot profile: no trace to read", "", "profile a running server first")
    sums = _Sums()
    sources = []
    gpu = False
    for path in traces:
        trace = read_trace(path)
        on_gpu = any(event.category in KERNELS for event in trace.events)
        if gpu and not on_gpu:
            raise UserError(
                "Cannot profile: some traces have GPU kernels and some have not",
                str(path),
                "give traces of one profile",
            )
        gpu = gpu or on_gpu
        _add(sums, trace, on_gpu)
        sources.append(
            TraceSource(
                name=trace.name,
                digest=trace.digest,
                bytes=trace.size,
                events=trace.total,
                torn=trace.torn,
                with_stack=trace.with_stack,
                malformed=trace.malformed,
            )
        )
    if not sums.ops:
        raise UserError(
            "Cannot profile: the traces hold no operator inside a step",
            ", ".join(p.name for p in traces[:3]),
            "profile under load",
        )
    return _profile(sums, tuple(sources), gpu)


def _add(sums: _Sums, trace: Trace, gpu: bool) -> None:
    timeline = find_steps(trace.events)
    calls = list(_kernels(trace, timeline) if gpu else _operators(trace))
    if timeline.source == "none" and calls:
        start, end = min(c.moment for c in calls), max(c.timed.event.end for c in calls)
        timeline = Timeline("none", False, (Step(StepPhase.OTHER, 0, 0, start, end),), timeline.idle)
    sums.sources.append(timeline.source)
    sums.steps.extend(timeline.steps)
    busy = timeline.busy()
    first, last = timeline.window
    sums.window += last - first
    sums.idle += last - first - length(busy)
    for step in timeline.steps:
        sums.phase_wall[step.phase] += timeline.wall(step)
    spans = merge_intervals((c.timed.event.start, c.timed.event.end) for c in calls if c.timed.depth == 0)
    sums.covered += length(common(spans, busy))
    top: dict[tuple[str, float], tuple[StepPhase, list[TimedEvent]]] = {}
    for call in calls:
        step_at = timeline.at(call.moment)
        if step_at is None:
            sums.outside += call.timed.self_us
            continue
        _count(sums, call, step_at.phase)
        if call.timed.depth == 0 and not gpu:
            key = (call.timed.event.lane, step_at.start)
            top.setdefault(key, (step_at.phase, []))[1].append(call.timed)
    for phase, timed in top.values():
        _count_chains(sums, timed, phase)


def _operators(trace: Trace) -> Iterator[_Call]:
    for timed in self_times([event for event in trace.events if event.category == OPERATOR]):
        yield _Call(timed, timed.event.start, None, (timed.event.dims, timed.event.dtypes))


def _kernels(trace: Trace, timeline: Timeline) -> Iterator[_Call]:
    """Kernels, with name and shapes of the operator that launched them where the trace links the two."""
    launched = {e.correlation: e.start for e in trace.events if e.category in LAUNCHES and e.correlation is not None}
    operators = {e.external: e for e in trace.events if e.category == OPERATOR and e.external is not None}
    for event in trace.events:
        if event.category not in KERNELS:
            continue
        by = operators.get(event.external) if event.external is not None else None
        linked = None if timeline.on_device or event.correlation is None else launched.get(event.correlation)
        moment = event.start if linked is None else linked
        shape = (by.dims, by.dtypes) if by else ("", "")
        yield _Call(TimedEvent(event, event.duration, 0, event.end), moment, by.name if by else None, shape)


def _count(sums: _Sums, call: _Call, phase: StepPhase) -> None:
    symbol, launcher = call.timed.event.name, call.launcher
    framework = launcher if launcher is not None and launcher.startswith("aten::") else None
    name = operator_of(symbol, framework)
    bucket = sums.ops.get(name)
    if bucket is None:
        family = family_of(symbol)
        family = family if family is not OperatorFamily.OTHER or launcher is None else family_of(launcher)
        bucket = sums.ops[name] = Bucket(family_of(framework) if framework else family)
    bucket.add(call.timed.self_us, phase, call.shape)
    bucket.symbols[symbol] += call.timed.self_us
    if launcher is not None:
        bucket.launchers[launcher] += 1
    sums.phase_us[phase] += call.timed.self_us


def _count_chains(sums: _Sums, top: list[TimedEvent], phase: StepPhase) -> None:
    for chain in find_chains(top):
        bucket = sums.chains.setdefault(chain.name, Bucket(chain.family))
        bucket.add(chain.us, phase, chain.shape)
        bucket.calls += len(chain.calls)
        if chain.us > bucket.example_us:
            bucket.example_us, bucket.example = chain.us, tuple(call.event.name for call in chain.calls)


def _profile(sums: _Sums, sources: tuple[TraceSource, ...], gpu: bool) -> Profile:
    wall = sums.window - sums.idle
    settled = sum(bucket.settled_us() for bucket in sums.ops.values())
    operator_us = sum(bucket.us for bucket in sums.ops.values())
    totals = Totals(operator_us, wall, settled, sums.phase_us)
    ranked = sorted(sums.ops.items(), key=lambda item: (-item[1].us, item[0]))
    source = min(sums.sources, key=("none", "shapes", "markers").index)
    mixes = _mixes(sums, wall)
    tokens = {mix.phase: mix.tokens for mix in mixes}
    decoded = tokens.get(StepPhase.DECODE, 0)
    profile = Profile(
        traces=sources,
        device="gpu" if gpu else "cpu",
        phase_source=source,
        window_us=sums.window,
        idle_us=sums.idle,
        wall_us=wall,
        operator_us=operator_us,
        covered_us=sums.covered,
        outside_us=sums.outside,
        steps=0 if source == "none" else len(sums.steps),
        phases=mixes,
        tokens_per_decoded=tokens.get(StepPhase.PREFILL, 0) / decoded if decoded else None,
        first_phase=None if source == "none" else sums.steps[0].phase,
        idle_share=ratio(sums.idle, sums.window),
        host_share=max(0.0, 1.0 - ratio(sums.covered, wall)) if wall > 0 else 0.0,
        blank_shape_share=ratio(sum(bucket.blank_us for bucket in sums.ops.values()), operator_us),
        unphased_share=ratio(sums.phase_us[StepPhase.OTHER], operator_us),
        ops=tuple(op_share(name, bucket, totals) for name, bucket in ranked[:MAX_OPS]),
        ops_omitted=max(0, len(ranked) - MAX_OPS),
        ops_omitted_share=ratio(sum(bucket.us for _, bucket in ranked[MAX_OPS:]), operator_us),
        families=family_shares(sums.ops.values(), totals),
        chains=tuple(
            chain_share(name, bucket, totals)
            for name, bucket in sorted(sums.chains.items(), key=lambda item: (-item[1].us, item[0]))
        ),
    )
    return profile.model_copy(update={"notes": notes_on(profile)})


def _mixes(sums: _Sums, wall: float) -> tuple[PhaseMix, ...]:
    mixes = []
    for phase in StepPhase:
        steps = [step for step in sums.steps if step.phase is phase and step.requests]
        if steps:
            mixes.append(
                PhaseMix(
                    phase=phase,
                    steps=len(steps),
                    requests=sum(s.requests for s in steps),
                    tokens=sum(s.tokens for s in steps),
                    median_batch=median(s.requests for s in steps),
                    wall_us=sums.phase_wall[phase],
                    operator_us=sums.phase_us[phase],
                    wall_share=ratio(sums.phase_wall[phase], wall),
                )
            )
    return tuple(mixes)
