"""Measures on a GPU, in a process of its own under the engine's interpreter: ``measure(request, reply)``.

A request names families with their dtypes and shapes, rounds and samples. The first reply is the device with its
measured copy bandwidth; then, for each shape, one for each implementation, raw samples and all.

Each implementation is captured in CUDA graphs, one for each of several sets of inputs that are together larger than
the L2 cache; before each sample the cache is overwritten, and the launch waits in the queue behind that. So a sample
is the device's time with cold inputs, and no host's. Implementations take turns, in a new order each round. What our
kernels leave open is chosen before, by a first look at all of it, whose samples are kept and count for nothing else.

A rehearsal runs every kernel in Triton's interpreter, on any machine, and times nothing.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import math
import os
import platform
import random
import sys
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import torch
import triton

from bankable.kernels.operators.family import Choices, Dims, shape_key
from bankable.kernels.operators.implementations import OPERATORS
from bankable.kernels.operators.torch_operator import Operator, Outputs, Tensors
from bankable.kernels.operators.triton_kernels import PLANS
from bankable.kernels.worker.check import OutputComparison, reference
from bankable.kernels.worker.measure import inputs_of
from bankable.kernels.worker.messages import Absent, DeviceReady, MeasureRequest, ShapeMeasured
from bankable.kernels.worker.protocol import decode, send
from bankable.kernels.worker.triton.launch import TritonPlan

COPY_BYTES = 1 << 30
COPIES = 20
MOST_SETS = 8
WARM_UPS = 3
OURS = "triton"
Call = Callable[[Tensors], Outputs]


def measure(request: MeasureRequest, reply: Callable[[object], None]) -> None:
    """All shapes of a request; one that cannot be measured reports an error, and the others continue."""
    if not request.rehearse and not torch.cuda.is_available():
        reply(Absent("torch sees no CUDA device"))
        return
    reply(device(request.rehearse))
    for wanted in request.families:
        for dims in wanted.shapes:
            try:
                for measured in shape(OPERATORS[wanted.family], dims, wanted.dtype, request):
                    reply(measured)
            except Exception as problem:
                reply(ShapeMeasured(wanted.family, shape_key(dims), "", failed=_describe(problem)))


def device(rehearse: bool) -> DeviceReady:
    """What it was measured on, and the roof over all that moves memory: bytes a second, read and written."""
    versions = (str(torch.__version__), triton.__version__, platform.python_version())
    if rehearse:
        return DeviceReady("none, Triton's interpreter", *versions)
    about = torch.cuda.get_device_properties(0)
    source = torch.ones(COPY_BYTES, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    return DeviceReady(
        about.name,
        *versions,
        copy_bandwidth=2 * COPY_BYTES / min(timed(lambda: target.copy_(source)) for _ in range(COPIES)),
        memory_bytes=about.total_memory,
        l2_bytes=about.L2_cache_size,
        processors=about.multi_processor_count,
        cuda=torch.version.cuda,
        hip=torch.version.hip,
    )


def timed(run: Callable[[], object]) -> float:
    """Seconds on the device."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    run()
    end.record()
    torch.cuda.synchronize()
    return float(start.elapsed_time(end)) / 1e3


@dataclass(frozen=True)
class GpuCase:
    """One shape: sets of inputs, what is wanted of the first of them, and what empties the cache."""

    operator: Operator
    dims: Dims
    dtype: str
    sets: list[dict[str, torch.Tensor]]
    wanted: Outputs
    flush: torch.Tensor | None
    """``None`` in a rehearsal."""

    @property
    def allowed(self) -> float:
        return self.operator.family.allowed[self.dtype].relative_error

    def unmeasured(self, implementation: str, choices: Choices, look: bool = False) -> ShapeMeasured:
        """A reply that has neither error nor samples yet."""
        family = self.operator.family
        return ShapeMeasured(
            family.name,
            shape_key(self.dims),
            implementation,
            self.dtype,
            bytes_moved=family.bytes_moved(self.dims, self.dtype),
            allowed=self.allowed,
            choices=dict(choices),
            look=look,
        )

    def prepared(self, reply: ShapeMeasured, call: Call) -> tuple[ShapeMeasured, list[Any]]:
        """With how far a call is off, or why it cannot run; and a graph for each set of inputs, where it can be
        timed."""
        try:
            comparison = OutputComparison(self.allowed)
            comparison.add_all(self.operator.settled(self.sets[0], call(self.sets[0]), self.wanted), self.wanted)
            graphs = [] if self.flush is None else [captured(call, tensors) for tensors in self.sets]
            return replace(reply, error=comparison.error), graphs
        except Exception as problem:  # what cannot run is part of the result
            return replace(reply, failed=_describe(problem)), []

    def samples(self, graphs: list[Any], count: int) -> list[float]:
        """Seconds of as many calls, each with cold inputs; none without graphs."""
        samples_ms: list[float] = []
        if self.flush is None or not graphs:
            return samples_ms
        for index in range(count):
            self.flush.fill_(index % 251)
            samples_ms.append(timed(graphs[index % len(graphs)].replay))
        return samples_ms


def case_of(operator: Operator, dims: Dims, dtype: str, seed: int, rehearse: bool) -> GpuCase:
    """Sets of inputs that are together larger than the cache."""
    cache = 0 if rehearse else torch.cuda.get_device_properties(0).L2_cache_size
    count = max(1, min(MOST_SETS, 2 * cache // operator.family.bytes_moved(dims, dtype) + 1))
    sets = [_inputs(operator, dims, dtype, seed, str(index), rehearse) for index in range(count)]
    flush = None if rehearse else torch.empty(2 * cache, dtype=torch.uint8, device="cuda")
    return GpuCase(operator, dims, dtype, sets, reference(operator, sets[0]), flush)


def shape(operator: Operator, dims: Dims, dtype: str, request: MeasureRequest) -> Iterator[ShapeMeasured]:
    """Every implementation at one shape: ours as a first look chose it, all right first, then timed in turns."""
    case = case_of(operator, dims, dtype, request.seed, request.rehearse)
    chosen = yield from first_look(case, PLANS[operator.family.name], request.look)
    replies: dict[str, ShapeMeasured] = {}
    graphs: dict[str, list[Any]] = {}
    for name, call in implementations(operator, chosen, request.rehearse).items():
        replies[name], graphs[name] = case.prepared(case.unmeasured(name, chosen if name == OURS else {}), call)
    samples: dict[str, list[float]] = {name: [] for name in replies}
    chance = random.Random(request.seed)
    for _ in range(request.rounds):
        for name in chance.sample(sorted(graphs), len(graphs)):
            samples[name] += case.samples(graphs[name], request.samples)
    for name, reply in replies.items():
        yield replace(reply, samples_s=tuple(samples[name]))


def first_look(case: GpuCase, plan: TritonPlan, count: int) -> Generator[ShapeMeasured, None, Choices]:
    """Every choice that a kernel leaves open, right first; returns the quickest. What is reported of it is measured
    again: of many looks the luckiest would be too good."""
    best, shortest = plan.defaults(), math.inf
    for choices in plan.every_choice():
        reply, graphs = case.prepared(case.unmeasured(OURS, choices, look=True), ours(plan, choices))
        reply = replace(reply, samples_s=tuple(case.samples(graphs, count)))
        right = reply.error is not None and reply.error <= case.allowed
        took = median(reply.samples_s) if reply.samples_s else math.inf
        if right and took < shortest:
            best, shortest = choices, took
        yield reply
    return best


def ours(plan: TritonPlan, choices: Choices) -> Call:
    """A plan's launches as a call."""

    def call(tensors: Tensors) -> Outputs:
        outputs, launches = plan(tensors, choices)
        for launch in launches:
            launch.run()
        return outputs

    return call


def captured(call: Call, tensors: Tensors) -> Any:
    """A graph of one call, after a few that compile and tune."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM_UPS):
            call(tensors)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        call(tensors)
    return graph


def implementations(operator: Operator, chosen: Choices, rehearse: bool) -> dict[str, Call]:
    """Ours, torch's own operators, the same compiled, and the vendor's where the engine has them."""
    vendor = operator.vendor
    calls: dict[str, Call] = {OURS: ours(PLANS[operator.family.name], chosen), "torch": operator.framework}
    if rehearse:
        return calls
    calls["torch_compile"] = torch.compile(operator.framework, dynamic=False)
    if vendor is not None:
        with contextlib.suppress(ImportError):
            calls["sgl_kernel"] = functools.partial(vendor, importlib.import_module("sgl_kernel"))
    return calls


def _inputs(
    operator: Operator, dims: Dims, dtype: str, seed: int, name: str, rehearse: bool
) -> dict[str, torch.Tensor]:
    made = inputs_of(operator, dims, dtype, seed, name, "normal")
    on_host = {spec.name for spec in operator.family.inputs(dims) if spec.host}
    return {key: tensor if rehearse or key in on_host else tensor.cuda() for key, tensor in made.items()}


def _describe(problem: Exception) -> str:
    return f"{type(problem).__name__}: {(str(problem).splitlines() or [''])[0]}"[:300]


def main() -> None:
    """Measure the request on standard input; the replies go to the file that the command line names."""
    replies = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    measure(decode(sys.stdin.readline(), MeasureRequest), lambda message: send(replies, message))
