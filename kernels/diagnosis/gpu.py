"""What limits a kernel on a GPU: by hardware counters where available, else by its compiled form."""

from __future__ import annotations

from bankable.kernels.build.offline import CompileFigures
from bankable.kernels.diagnosis.layers.gpu_counters import GpuCounters
from bankable.kernels.diagnosis.layers.layer import text_of
from bankable.kernels.diagnosis.layers.offline import occupancy
from bankable.kernels.diagnosis.record import Advice, Bound, Diagnosis

BUSY = 0.6
"""Share of a unit's peak from which it is what limits, by the rule of thumb that profilers use as well."""
THIN = 0.25
"""Occupancy below which there are too few warps to hide the time that memory takes."""
LAUNCH_NS = 4000.0
"""About what a launch takes: a kernel that is shorter is over before the next one can be queued."""


def diagnose_by_counters(counters: GpuCounters) -> Diagnosis:
    """Of a kernel that ran."""
    memory, compute, held = counters.memory_share, counters.compute_share, counters.occupancy
    evidence = [
        f"{name} at {value:.0%} of the peak"
        for name, value in (("memory", memory), ("compute", compute))
        if value is not None
    ]
    bound: Bound = "unknown"
    evidence.append(text_of(counters.spill_bytes, "{} B of a thread in scratch memory", "scratch memory"))
    if held is not None:
        evidence.append(f"{held:.0%} of the warps that could be active are")
    if max(memory or 0.0, compute or 0.0) >= BUSY:
        bound = "memory" if (memory or 0.0) >= (compute or 0.0) else "compute"
    elif counters.time_ns is not None and counters.time_ns < LAUNCH_NS:
        bound = "latency"
        evidence.append(f"{counters.time_ns / 1e3:.2f} µs: shorter than a launch")
    elif counters.spill_bytes or (held is not None and held < THIN):
        bound = "occupancy"
    elif memory is not None and compute is not None:
        bound = "latency"
        evidence.append("no unit is busy: warps wait for each other, or there are too few of them")
    share = max(memory or 0.0, compute or 0.0) if memory is not None or compute is not None else None
    return Diagnosis(
        bound=bound,
        roofline_share=share,
        evidence=(*evidence, *(f"missing: {figure}" for figure in counters.missing)),
        advice=_advice(bound),
        implementation=counters.kernel,
    )


def diagnose_by_code(figures: CompileFigures) -> Diagnosis:
    """Of a kernel that was compiled and not run: only that registers do not suffice can be said, or that they do."""
    name = f"{figures.kernel or 'kernel'} for {figures.target}"
    if figures.failed:
        return Diagnosis(bound="unknown", evidence=(figures.failed,), implementation=name, shape=figures.shape)
    held = occupancy(figures)
    registers = text_of(figures.registers, "{} registers a thread", "registers")
    evidence = [f"{registers}, {text_of(figures.spill_bytes, '{} B of them spilled', 'spills')}"]
    if held is not None:
        evidence.append(f"{held:.0%} of a multiprocessor's warps fit at a time")
    short = bool(figures.spill_bytes) or (held is not None and held < THIN)
    evidence.append("compiled, not run: there are no times" + ("" if short else ", and the bound is unknown"))
    return Diagnosis(
        bound="occupancy" if short else "unknown",
        evidence=tuple(evidence),
        advice=_advice("occupancy") if short else (),
        implementation=name,
        shape=figures.shape,
    )


def _advice(bound: Bound) -> tuple[Advice, ...]:
    return {
        "memory": (Advice(lever="fuse", why="only fewer bytes help: fuse it with what comes before or after"),),
        "compute": (
            Advice(lever="matrix units", why="products that run on plain lanes could run there"),
            Advice(lever="precision", why="where the tolerance allows for a narrower type"),
        ),
        "latency": (
            Advice(lever="graph", why="capture the launches, so that the next one need not be queued by the host"),
            Advice(lever="fuse", why="fewer and longer kernels"),
        ),
        "occupancy": (
            Advice(lever="warps", why="more warps share a row, so that each thread holds less of it"),
            Advice(lever="block", why="a smaller tile needs fewer registers"),
        ),
        "unknown": (),
    }[bound]
