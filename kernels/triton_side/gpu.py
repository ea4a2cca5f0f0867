"""Measures on a GPU, in a process of its own under the engine's interpreter: ``measure(job, reply)``.

A job names families with their shapes, a dtype, rounds and samples. The first reply is the device with its measured
copy bandwidth; then, for each shape, one for each implementation, raw samples and all.

Each implementation is captured in CUDA graphs, one for each of several sets of inputs that are together larger than the
L2 cache; before each sample the cache is overwritten, and the launch waits in the queue behind that. So a sample is the
device's time with cold inputs, and no host's. Implementations take turns, in a new order each round.

A rehearsal runs every kernel in Triton's interpreter, on any machine, and times nothing.
"""

from __future__ import annotations

import importlib
import platform
import random
from collections.abc import Callable, Iterator
from typing import Any

import torch
import triton

from kernels.engine_side.check import Comparison, reference
from kernels.engine_side.measure import inputs_of
from kernels.engine_side.operator import Operator, Outputs, Tensors
from kernels.engine_side.operators import OPERATORS
from kernels.family import Dims, shape_key
from kernels.triton_side.plans import PLANS

COPY_BYTES = 1 << 30
COPIES = 20
MOST_SETS = 8
WARM_UPS = 3
Json = dict[str, Any]
Call = Callable[[Tensors], Outputs]


def measure(job: Json, reply: Callable[[Json], None]) -> None:
    """All shapes of a job; one that cannot be measured says so, and the others go on."""
    if not job["rehearse"] and not torch.cuda.is_available():
        reply({"absent": "torch sees no CUDA device"})
        return
    reply(device(job["rehearse"]))
    for family, shapes in job["families"].items():
        for dims in map(tuple, shapes):
            try:
                for entry in shape(OPERATORS[family], dims, job):
                    reply(entry)
            except Exception as problem:
                reply({"family": family, "shape": shape_key(dims), "implementation": "", "failed": _said(problem)})


def device(rehearse: bool) -> Json:
    """What it was measured on, and the roof over all that moves memory: bytes a second, read and written."""
    found = {"torch": torch.__version__, "triton": triton.__version__, "python": platform.python_version()}
    if rehearse:
        return found | {"device": "none, Triton's interpreter", "copy_bandwidth": None}
    about = torch.cuda.get_device_properties(0)
    source = torch.ones(COPY_BYTES, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    return found | {
        "device": about.name, "memory_bytes": about.total_memory, "l2_bytes": about.L2_cache_size,
        "processors": about.multi_processor_count, "cuda": torch.version.cuda, "hip": torch.version.hip,
        "copy_bandwidth": 2 * COPY_BYTES / min(timed(lambda: target.copy_(source)) for _ in range(COPIES)),
    }  # fmt: skip


def timed(run: Callable[[], object]) -> float:
    """Seconds on the device."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    run()
    end.record()
    torch.cuda.synchronize()
    return float(start.elapsed_time(end)) / 1e3


def shape(operator: Operator, dims: Dims, job: Json) -> Iterator[Json]:
    """Every implementation at one shape: right first, then timed in turns."""
    family, rehearse = operator.family, job["rehearse"]
    moved = family.bytes_moved(dims, job["dtype"])
    cache = 0 if rehearse else torch.cuda.get_device_properties(0).L2_cache_size
    count = max(1, min(MOST_SETS, 2 * cache // moved + 1))
    sets = [_inputs(operator, dims, job, str(index)) for index in range(count)]
    wanted, allowed = reference(operator, sets[0]), family.allowed[job["dtype"]].relative_error
    found: dict[str, Json] = {}
    graphs: dict[str, list[Any]] = {}
    for name, call in implementations(operator, rehearse).items():
        entry: Json = {
            "family": family.name, "shape": shape_key(dims), "dtype": job["dtype"], "implementation": name,
            "bytes_moved": moved, "allowed": allowed, "error": None, "samples_s": [], "failed": "",
        }  # fmt: skip
        found[name] = entry
        try:
            comparison = Comparison(allowed)
            for got, want in zip(call(sets[0]), wanted, strict=True):
                comparison.add(got, want)
            entry["error"] = comparison.error
            if not rehearse:
                graphs[name] = [captured(call, tensors) for tensors in sets]
        except Exception as problem:  # what cannot run is part of the result
            entry["failed"] = _said(problem)
    if graphs:
        chance, flush = random.Random(job["seed"]), torch.empty(2 * cache, dtype=torch.uint8, device="cuda")
        for _ in range(job["rounds"]):
            for name in chance.sample(sorted(graphs), len(graphs)):
                found[name]["samples_s"] += _round(graphs[name], flush, job["samples"])
    yield from found.values()


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


def implementations(operator: Operator, rehearse: bool) -> dict[str, Call]:
    """Ours, torch's own operators, the same compiled, and the vendor's where the engine has them."""
    family = operator.family

    def ours(tensors: Tensors) -> Outputs:
        outputs, launch = PLANS[family.name](tensors)
        launch.run()
        return outputs

    found: dict[str, Call] = {"triton": ours, "torch": operator.framework}
    if rehearse:
        return found
    found["torch_compile"] = torch.compile(operator.framework, dynamic=False)
    try:
        vendor = importlib.import_module("sgl_kernel")
    except ImportError:
        return found
    calls: dict[str, Call] = {
        "rms_norm": lambda it: (vendor.rmsnorm(it["x"], it["weight"], family.scalars["eps"]),),
        "silu_and_mul": lambda it: (vendor.silu_and_mul(it["x"]),),
    }
    return found | ({"sgl_kernel": calls[family.name]} if family.name in calls else {})


def _inputs(operator: Operator, dims: Dims, job: Json, name: str) -> dict[str, torch.Tensor]:
    place = "cpu" if job["rehearse"] else "cuda"
    made = inputs_of(operator, dims, job["dtype"], job["seed"], name, "normal")
    return {key: tensor.to(place) for key, tensor in made.items()}


def _round(graphs: list[Any], flush: torch.Tensor, samples: int) -> list[float]:
    found = []
    for index in range(samples):
        flush.fill_(index % 251)
        found.append(timed(graphs[index % len(graphs)].replay))
    return found


def _said(problem: Exception) -> str:
    return f"{type(problem).__name__}: {(str(problem).splitlines() or [''])[0]}"[:300]
