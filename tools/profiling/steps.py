"""Forward steps of a trace: where each begins and ends, and whether it was prefill or decode.

sglang wraps every forward pass in a span ``step[EXTEND bs=7 toks=3857]`` or ``step[DECODE bs=8]`` and the scheduler's
own work in ``scheduler.*`` spans (0.5.23, ``step_span_utils.py``). Traces without these are split at the embedding
look-ups: a step whose last matrix product has as many rows as the step has tokens makes logits for every token, which
only decoding does. (A prefill of one uncached token per request looks the same and is counted as decode.)
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal

from bankable.tools.profiling.nesting import common, length, merge_intervals
from bankable.tools.profiling.records import StepPhase
from bankable.tools.profiling.trace import OPERATOR, TraceEvent

_SPAN = re.compile(r"^step\[([A-Z0-9_]+) bs=(\d{1,9})(?: toks=(\d{1,12}))?")
_PHASES = {
    "EXTEND": StepPhase.PREFILL,
    "SPLIT_PREFILL": StepPhase.PREFILL,
    "DLLM_EXTEND": StepPhase.PREFILL,
    "DECODE": StepPhase.DECODE,
    "VERIFY": StepPhase.DECODE,
    "TARGET_VERIFY": StepPhase.DECODE,
    "DRAFT": StepPhase.DECODE,
    "DRAFT_EXTEND": StepPhase.DECODE,
    "DRAFT_EXTEND_V2": StepPhase.DECODE,
    "MIXED": StepPhase.MIXED,
}
_PREPARE, _RUN, _IDLE = "scheduler.get_next_batch_to_run", "scheduler.run_batch", "scheduler.idle"
_PRODUCTS = ("aten::mm", "aten::addmm")

Source = Literal["markers", "shapes", "none"]


@dataclass(frozen=True)
class Step:
    """One forward step with the scheduler's work for it: ``[start, end)`` on the clock of the trace."""

    phase: StepPhase
    requests: int
    tokens: int
    start: float
    end: float


@dataclass(frozen=True)
class Timeline:
    """The steps of one trace. Together they tile the window."""

    source: Source
    on_device: bool
    """Steps are spans on the GPU's clock line: a kernel belongs to the step it runs in."""
    steps: tuple[Step, ...]
    idle: tuple[tuple[float, float], ...]
    """When the scheduler had nothing to do."""

    @property
    def window(self) -> tuple[float, float]:
        return (self.steps[0].start, self.steps[-1].end) if self.steps else (0.0, 0.0)

    @cached_property
    def _starts(self) -> list[float]:
        return [step.start for step in self.steps]

    @cached_property
    def _idle_starts(self) -> list[float]:
        return [start for start, _ in self.idle]

    def at(self, moment: float) -> Step | None:
        """The step that this moment belongs to; ``None`` outside the window and while idle."""
        index = bisect_right(self._starts, moment) - 1
        if index < 0 or moment >= self.steps[index].end:
            return None
        gap = bisect_right(self._idle_starts, moment) - 1
        return None if gap >= 0 and moment < self.idle[gap][1] else self.steps[index]

    def busy(self) -> list[tuple[float, float]]:
        """The window less the idle spans."""
        cuts, (at, end) = [], self.window
        for start, stop in self.idle:
            cuts.append((at, min(start, end)))
            at = max(at, stop)
        return merge_intervals([*cuts, (at, end)])

    def wall(self, step: Step) -> float:
        """Length of a step without the idle time inside it."""
        return step.end - step.start - length(common([(step.start, step.end)], self.idle))


def find_steps(events: Sequence[TraceEvent]) -> Timeline:
    """The timeline of one trace; its source is ``none`` when no step can be told from another."""
    idle = tuple(
        merge_intervals((e.start, e.end) for e in events if e.name == _IDLE and e.category == "user_annotation")
    )
    for category in ("gpu_user_annotation", "user_annotation"):
        spans = [event for event in events if event.category == category]
        steps = _from_markers(spans)
        if steps:
            return Timeline("markers", category.startswith("gpu"), steps, idle)
    steps = _from_shapes(events)
    return Timeline("shapes" if steps else "none", False, steps, idle)


def _from_markers(spans: Sequence[TraceEvent]) -> tuple[Step, ...]:
    marks: list[tuple[TraceEvent, re.Match[str]]] = []
    for span in spans:
        match = _SPAN.match(span.name)
        if match and (not marks or span.start >= marks[-1][0].end):
            marks.append((span, match))
    begins = _begins([span for span, _ in marks], [span.start for span in spans if span.name == _PREPARE])
    ends = [*begins[1:], _last_end(marks[-1][0], spans)] if marks else []
    steps = []
    for (_, match), begin, end in zip(marks, begins, ends, strict=True):
        phase = _PHASES.get(match[1], StepPhase.OTHER)
        requests = int(match[2])
        steps.append(Step(phase, requests, int(match[3]) if match[3] else requests, begin, end))
    return tuple(steps)


def _begins(marks: Sequence[TraceEvent], prepared: Sequence[float]) -> list[float]:
    """Start of the scheduler's preparation of each step, or of the step itself where none is recorded."""
    begins: list[float] = []
    floor = float("-inf")
    for mark in marks:
        at = bisect_right(prepared, mark.start) - 1
        begins.append(prepared[at] if at >= 0 and prepared[at] >= floor else mark.start)
        floor = mark.end
    return begins


def _last_end(mark: TraceEvent, spans: Sequence[TraceEvent]) -> float:
    """End of the batch that the last step belongs to; a span that the profiler cut off ends with its export."""
    around = [s.end for s in spans if s.name == _RUN and s.finished and s.start <= mark.start and s.end >= mark.end]
    return min(around, default=mark.end)


def _from_shapes(events: Sequence[TraceEvent]) -> tuple[Step, ...]:
    operators = [event for event in events if event.category == OPERATOR]
    lookups = [at for at, event in enumerate(operators) if event.name == "aten::embedding"]
    steps = []
    for at, after in pairwise([*lookups, len(operators)]):
        inside = operators[at:after]
        tokens = _size(inside[0].dims, 1, 0)
        rows = next((_size(op.dims, 0, 0) for op in reversed(inside) if op.name in _PRODUCTS), None)
        if tokens is None or rows is None:
            continue
        end = operators[after].start if after < len(operators) else max(op.end for op in inside)
        phase = StepPhase.DECODE if rows == tokens else StepPhase.PREFILL
        steps.append(Step(phase, rows, tokens, inside[0].start, end))
    return tuple(steps)


def _size(dims: str, argument: int, axis: int) -> int | None:
    try:
        value = json.loads(dims)[argument][axis]
    except (ValueError, LookupError, TypeError):
        return None
    return value if isinstance(value, int) else None
