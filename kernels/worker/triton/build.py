"""Compiles a launch for a GPU that need not be present, specialised as the JIT would for these very arguments.

The JIT compiles integers that are 1 in, and tells the compiler which pointers and integers are multiples of 16; without
that a kernel loads single elements where it could load vectors, and its figures are those of another kernel.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from bankable.kernels.operators.family import Dims
from bankable.kernels.operators.implementations import OPERATORS
from bankable.kernels.operators.triton_kernels import PLANS
from bankable.kernels.worker.messages import LaunchFigures
from bankable.kernels.worker.triton import amd, nvidia
from bankable.kernels.worker.triton.launch import KernelLaunch, KernelLaunches

POINTERS = {
    torch.bfloat16: "*bf16",
    torch.float16: "*fp16",
    torch.float32: "*fp32",
    torch.int32: "*i32",
    torch.int64: "*i64",
}
ALIGNED = ["tt.divisibility", 16]
NEAR = ["tt.pointer_range", 32]
"""Told to AMD's compiler of tensors below 2 GiB: it may use buffer instructions."""
WIDE_WAVES = "gfx9"
"""AMD GPUs whose names begin so run 64 lanes together, the others 32."""


def launches_of(family: str, dims: Dims, dtype: str) -> KernelLaunches:
    """The launches for a shape, of tensors that have no memory, but for what the host reads."""
    tensors = {
        spec.name: torch.full(spec.dims, spec.limit)
        if spec.host
        else torch.empty(spec.dims, dtype=getattr(torch, spec.dtype or dtype), device="meta")
        for spec in OPERATORS[family].family.inputs(dims)
    }
    return PLANS[family](tensors)[1]


def target_of(name: str) -> GPUTarget:
    """``sm_90`` or ``gfx942``."""
    if name.startswith("sm_"):
        return GPUTarget("cuda", int(name.removeprefix("sm_")), 32)
    return GPUTarget("hip", name, 64 if name.startswith(WIDE_WAVES) else 32)


def source_of(launch: KernelLaunch, target: GPUTarget) -> ASTSource:
    """The kernel with types, values compiled in, and what is known of the rest."""
    types: dict[str, str] = {}
    fixed: dict[str, int] = dict(launch.constants)
    alignments: dict[tuple[int], list[list[Any]]] = {}
    for place, name in enumerate(launch.kernel.arg_names):
        value = launch.arguments.get(name)
        if value is None or (isinstance(value, int) and value == 1):
            types[name] = "constexpr"
            fixed.setdefault(name, 1)
        elif isinstance(value, torch.Tensor):
            types[name] = POINTERS[value.dtype]
            small = target.backend == "hip" and value.nbytes < 1 << 31
            alignments[place,] = [ALIGNED, NEAR] if small else [ALIGNED]
        elif isinstance(value, float):
            types[name] = "fp32"
        else:
            types[name] = "i32" if -(1 << 31) <= value < 1 << 31 else "i64"
            if value % 16 == 0:
                alignments[place,] = [ALIGNED]
    return ASTSource(launch.kernel, types, fixed, alignments)


def figures(launch: KernelLaunch, name: str) -> LaunchFigures:
    """Compile one kernel for a target; what is known of it. Raises what Triton raises."""
    target = target_of(name)
    options = {"num_warps": launch.warps, "num_stages": launch.stages}
    compiled = triton.compile(source_of(launch, target), target=target, options=options)
    if target.backend == "hip":
        values = amd.figures(compiled.asm["amdgcn"])
    else:
        tools = Path(triton.__file__).resolve().parent / "backends" / "nvidia" / "bin"
        values = nvidia.figures(compiled.asm["cubin"], compiled.asm["ptx"], tools)
    values["missing"] = tuple(values["missing"])
    return LaunchFigures(launch.kernel.__name__, launch.warps, compiled.metadata.shared, **values)
