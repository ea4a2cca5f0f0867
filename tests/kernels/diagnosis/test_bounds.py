"""Kernels that were made to be bound in a known way are diagnosed so, on the machine that the tests run on.

What is asserted follows from counts, and from ratios of times of one process that are far from one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bankable.kernels.build.compiler import Compiler
from bankable.kernels.diagnosis.diagnose import ENOUGH, Examined, examine
from bankable.kernels.diagnosis.layers.runner import LayerWorker
from bankable.kernels.diagnosis.layers.subject import Subject
from bankable.kernels.diagnosis.layers.tool import version_of, x86
from bankable.kernels.operators import FAMILIES
from bankable.kernels.sandbox.fork_server import ForkServer
from bankable.kernels.task.folder import TaskFolder, write_task
from bankable.kernels.task.shapes import parse_shapes
from tests.kernels.diagnosis.bound_kernels import CHAINS, COPY, HOG, PRODUCT, REGIONS, THREADS, kernel

pytestmark = pytest.mark.skipif(
    not (x86() and version_of("valgrind") and version_of("objdump")),
    reason="counts instructions by valgrind, on x86-64",
)
TINY, MIDDLE, LARGE = "4x256", "64x1024", "256x2048"


@pytest.fixture(scope="module")
def task(fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> TaskFolder:
    family = FAMILIES["rms_norm"]
    shapes = parse_shapes(family, f"{TINY}:10,{MIDDLE}:10,{LARGE}:10", "")
    return write_task(tmp_path_factory.mktemp("bounds") / "run", family, "float32", shapes, fork_server, threads=1)


@pytest.fixture(scope="module")
def worker() -> Iterator[LayerWorker]:
    with LayerWorker() as running:
        yield running


@pytest.fixture
def look(task: TaskFolder, worker: LayerWorker, compiler: Compiler, python: Path):
    def examined(body: str, shape: str) -> Examined:
        subject = Subject.of_source(task, kernel(body), shape, python, cache=compiler.cache)
        return examine(subject, only=ENOUGH, worker=worker, plugins={})

    return examined


def test_a_copy_is_bound_by_memory(look):
    found = look(COPY, LARGE)
    assert found.diagnosis.bound == "memory"
    assert found.readings.memory_ns > 3 * found.readings.compute_ns
    assert found.diagnosis.roofline_share > 0
    assert found.readings.counted.flops == 256 * 2048, "one product for each element"
    assert found.readings.counted.misses >= 2 * 256 * 2048 * 4 / 64, "each cache line is missed once, of both tensors"


@pytest.mark.parametrize("body", [CHAINS, PRODUCT], ids=["chains", "product"])
def test_arithmetic_is_bound_by_computing(look, body):
    found = look(body, MIDDLE)
    assert found.diagnosis.bound == "compute"
    assert found.readings.compute_ns > 3 * found.readings.memory_ns
    wanted = {CHAINS: 2 * 256 * 64 * 1024, PRODUCT: 2 * 64 * 64 * 1024}[body]
    assert found.readings.counted.flops == pytest.approx(wanted, rel=0.01)
    assert found.diagnosis.advice[0].lever == "algorithm", "executes far more than RMSNorm needs"


def test_a_tiny_kernel_is_bound_by_its_launch(look):
    found = look(COPY, TINY)
    assert found.diagnosis.bound == "latency"
    assert found.diagnosis.overhead_share >= 0.5
    assert found.diagnosis.advice[0].lever == "fuse"
    assert found.diagnosis.levers()["fixed_cols"][0] == 256, "the size of this shape before the others"


def test_more_values_than_registers_are_a_matter_of_occupancy(look):
    found = look(HOG, MIDDLE)
    assert found.diagnosis.bound == "occupancy"
    assert found.readings.counted.spills > 0.25 * found.readings.counted.own
    assert found.readings.code.loop_spills > 0.4
    assert found.diagnosis.levers()["vector_bits"] == (256,)


@pytest.mark.parametrize("body", [THREADS, REGIONS], ids=["thread-a-row", "region-a-row"])
def test_needless_synchronisation_is_latency(look, body):
    found = look(body, MIDDLE)
    counted = found.readings.counted
    assert found.diagnosis.bound == "latency"
    assert (counted.starts if body == THREADS else counted.joins) == pytest.approx(64, rel=0.05)
    assert counted.waiting > 0.5 * counted.instructions
    assert found.diagnosis.advice[0].lever == "synchronisation"
    assert any("threads" in line for line in found.diagnosis.evidence)


def test_the_roof_is_measured_once_for_all_of_them(look):
    assert all(look(COPY, shape).results["roof"].cached for shape in (TINY, MIDDLE, LARGE))
