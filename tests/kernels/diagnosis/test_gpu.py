"""A GPU kernel is judged by its counters, or as far as its compiled form goes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from bankable.kernels.build.offline import CompileFigures
from bankable.kernels.diagnosis.gpu import diagnose_by_code, diagnose_by_counters
from bankable.kernels.diagnosis.layers.gpu_counters import GpuCounters
from bankable.tools.serving.environment import isolate_environment

ROOT = Path(__file__).resolve().parents[3]
TWICE = """
import json, sys
from dataclasses import asdict, replace
import runpy; runpy.run_path(sys.argv[1] + "/tools/start.py")["register"]()
from bankable.kernels.worker.triton.build import figures, launches_of
(plain,) = launches_of("rms_norm", (64, 4096), "bfloat16")
squeezed = replace(launches_of("rms_norm", (1, 32768), "bfloat16")[0], warps=2)
print(json.dumps([asdict(figures(launch, "sm_90")) for launch in (plain, squeezed)]))
"""
"""A row of 4096 elements as it is launched, and one of 32768 in the registers of two warps."""


@pytest.mark.parametrize(
    ("figures", "bound"),
    [
        ({"memory_share": 0.85, "compute_share": 0.2, "occupancy": 0.1}, "memory"),
        ({"memory_share": 0.3, "compute_share": 0.75}, "compute"),
        ({"memory_share": 0.1, "compute_share": 0.1, "time_ns": 2500.0, "occupancy": 0.1}, "latency"),
        ({"memory_share": 0.3, "compute_share": 0.3, "time_ns": 9e4, "occupancy": 0.12}, "occupancy"),
        ({"memory_share": 0.3, "compute_share": 0.3, "occupancy": 0.9, "spill_bytes": 64.0}, "occupancy"),
        ({"memory_share": 0.3, "compute_share": 0.3, "time_ns": 9e4, "occupancy": 0.9}, "latency"),
        ({}, "unknown"),
    ],
)
def test_counters_decide(figures, bound):
    said = diagnose_by_counters(GpuCounters(kernel="rms_norm_kernel", launches=5, missing=("occupancy",), **figures))
    assert said.bound == bound
    assert bool(said.advice) == (bound != "unknown")
    assert said.evidence[-1] == "missing: occupancy"
    assert said.roofline_share == (max(figures["memory_share"], figures["compute_share"]) if figures else None)


def test_huge_register_use_shows_in_the_compiled_kernel(python, tmp_path):
    done = subprocess.run(
        [str(python), "-c", TWICE, str(ROOT)],
        cwd=tmp_path,
        capture_output=True,
        check=True,
        timeout=600,
        env=isolate_environment({"TRITON_CACHE_DIR": str(tmp_path)}),
    )
    plain, squeezed = (
        diagnose_by_code(CompileFigures.model_validate({"shape": "x", "target": "sm_90", **said}))
        for said in json.loads(done.stdout)
    )
    assert plain.bound == "unknown", "it was not run"
    assert "the bound is unknown" in plain.evidence[-1]
    assert squeezed.bound == "occupancy"
    assert squeezed.advice[0].lever == "warps"
    assert "registers a thread, 0 B of them spilled" in plain.evidence[0]
    assert ", 0 B of them spilled" not in squeezed.evidence[0]


def test_a_kernel_that_does_not_compile_has_no_bound():
    said = diagnose_by_code(CompileFigures(shape="1x1", target="sm_90", failed="ValueError: too long"))
    assert (said.bound, said.evidence, said.advice) == ("unknown", ("ValueError: too long",), ())
