"""A figure that a tool does not give is told as unknown, in every layer; a measured zero is told as zero."""

from __future__ import annotations

import pytest

from bankable.kernels.build.offline import CompileFigures
from bankable.kernels.diagnosis.gpu import diagnose_by_code, diagnose_by_counters
from bankable.kernels.diagnosis.layers.call_profile import InstructionCounts
from bankable.kernels.diagnosis.layers.code import Code
from bankable.kernels.diagnosis.layers.gpu_counters import GpuCounters
from bankable.kernels.diagnosis.layers.offline import OfflineFigures

COUNTS = {
    "build": "x86-64-v3",
    "instructions": 900,
    "own": 800,
    "waiting": 0,
    "reads": 10,
    "writes": 5,
    "misses": 0,
    "last_misses": 0,
}


@pytest.mark.parametrize(("spill_bytes", "text"), [(None, "spills unknown"), (0, "0 B spilled"), (16, "16 B spilled")])
def test_spills_of_a_compiled_gpu_kernel(spill_bytes: int | None, text: str):
    figures = CompileFigures(shape="1", target="sm_90", warps=4, registers=32, spill_bytes=spill_bytes, shared_bytes=0)
    told = OfflineFigures(figures=(figures,)).describe()
    assert told == f"sm_90: 32 registers, {text}, 0 B shared, occupancy up to 100%"


def test_a_compiler_that_gives_no_figures_gives_no_zeros():
    figures = CompileFigures(shape="1", target="gfx942")
    told = OfflineFigures(figures=(figures,)).describe()
    assert told == "gfx942: registers unknown, spills unknown, shared memory unknown, occupancy unknown"
    said = diagnose_by_code(figures)
    assert said.bound == "unknown"
    assert said.evidence[0] == "registers unknown, spills unknown"
    assert diagnose_by_code(figures.model_copy(update={"registers": 32, "spill_bytes": 0})).evidence[0] == (
        "32 registers a thread, 0 B of them spilled"
    )


def test_scratch_memory_of_a_gpu_kernel_that_ran():
    def evidence(spill_bytes: float | None) -> tuple[str, ...]:
        return diagnose_by_counters(GpuCounters(kernel="k", launches=1, spill_bytes=spill_bytes)).evidence

    assert evidence(None) == ("scratch memory unknown",)
    assert evidence(0) == ("0 B of a thread in scratch memory",)
    assert evidence(64) == ("64 B of a thread in scratch memory",)


def test_spills_of_a_cpu_kernel():
    unread = Code(missing=("the code is not read: no objdump (Debian: binutils)",))
    assert (unread.instructions, unread.spills, unread.loop_spills) == (None, None, None)
    assert unread.describe().startswith("compiled; instructions and spills unknown: the code is not read")
    read = Code(instructions=120, spills=0, loop_spills=0.0)
    assert read.describe() == "120 instructions: no vectors; 0 on the stack, 0% of inner loops"


@pytest.mark.parametrize(("spills", "text"), [(None, ", spills unknown;"), (0, ", 0 on the stack;")])
def test_spills_of_a_counted_call(spills: float | None, text: str):
    assert text in InstructionCounts.model_validate({**COUNTS, "spills": spills}).describe()
