"""What the rules say of readings that are made up, one thing at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bankable.kernels.diagnosis.advice import advise, offered_values
from bankable.kernels.diagnosis.layers.call_profile import InstructionCounts
from bankable.kernels.diagnosis.layers.code import Code
from bankable.kernels.diagnosis.layers.overhead import LaunchOverhead
from bankable.kernels.diagnosis.layers.performance import Performance
from bankable.kernels.diagnosis.layers.roof import Roof
from bankable.kernels.diagnosis.layers.system import ProfiledCall, System
from bankable.kernels.diagnosis.processor import judge
from bankable.kernels.diagnosis.readings import Readings
from bankable.kernels.operators import FAMILIES
from bankable.tools.evidence.harness import Peaks

ROOF = Roof(
    peaks=Peaks(copy_bandwidth=10e9, flop_rate=1000e9, cache_bytes=32 << 20, measured_at=0),
    vector_flop_rate=100e9,
    cache_bandwidth=100e9,
    cache_bytes=2 << 20,
    issue_rate=10e9,
    region_ns=1000,
    thread_ns=10000,
)
COUNTED = InstructionCounts(
    build="x86-64-v3",
    instructions=1e6,
    own=1e6,
    waiting=0,
    reads=3e5,
    writes=3e5,
    misses=1e4,
    last_misses=0,
    flops=1e6,
    spills=1e4,
)
PLAIN = Readings(
    "cpp-1",
    "512x2048",
    bytes_moved=4_000_000,
    flops=4_000_000,
    threads=2,
    roof=ROOF,
    counted=COUNTED,
    overhead=LaunchOverhead(call_ns=505_000, empty_ns=5_000),
)
"""400 µs of memory, 100 µs of instructions."""
SHAPES = [(4, 256), (512, 2048)]


def code(loop_spills: float | None, *missing: str) -> Code:
    return Code(instructions=100, loop_spills=loop_spills, missing=missing)


def counted(**changes: float) -> InstructionCounts:
    return COUNTED.model_copy(update=changes)


@pytest.mark.parametrize(
    ("changes", "bound", "said"),
    [
        ({}, "memory", "4,000,000 bytes take 400.00 µs"),
        ({"counted": counted(own=1e7, instructions=1e7)}, "compute", "10,000,000 instructions"),
        ({"counted": counted(flops=1e8)}, "compute", "100,000,000 floating-point operations"),
        ({"counted": counted(misses=1e6)}, "memory", "at the least"),
        ({"counted": counted(spills=2.1e5)}, "occupancy", "21% of the kernel's instructions read or write a place on"),
        ({"counted": counted(spills=9e5), "code": code(0.21)}, "occupancy", "more values are alive"),
        ({"counted": counted(spills=9e5), "code": code(0.19)}, "memory", "of inner loops as they run here only 19%"),
        ({"counted": counted(spills=9e5), "code": code(None, "no objdump")}, "occupancy", "more values are alive"),
        ({"counted": counted(spills=1.9e5)}, "memory", "19% of the kernel's instructions"),
        ({"counted": counted(waiting=6e5, own=4e5)}, "latency", "60% of the instructions start, join or guard"),
        ({"counted": counted(joins=300)}, "latency", "that is 300.00 of the kernel's 500.00 µs"),
        ({"counted": counted(starts=26)}, "latency", "that is 260.00 of the kernel's 500.00 µs"),
        ({"counted": counted(joins=10)}, "memory", "that is 10.00 of the kernel's 500.00 µs"),
        ({"overhead": LaunchOverhead(call_ns=9_000, empty_ns=5_000)}, "latency", "56% is launch overhead"),
        (
            {"overhead": LaunchOverhead(call_ns=3e6, empty_ns=5_000)},
            "latency",
            "neither explains the kernel's 2995.00 µs",
        ),
        ({"overhead": None}, "memory", "400.00 µs"),
        ({"counted": None}, "memory", "4,000,000 operations, by definition, take 4.00 µs"),
        ({"counted": None, "overhead": None}, "unknown", "neither a time nor a count"),
        ({"roof": None}, "unknown", "roof was not measured"),
        ({"missing": ("counters: no valgrind",)}, "memory", "missing: counters: no valgrind"),
    ],
)
def test_each_rule_by_itself(changes, bound, said):
    judged, evidence = judge(replace(PLAIN, **changes))
    assert judged == bound
    assert any(said in line for line in evidence), evidence


def test_small_data_comes_from_the_cache():
    assert replace(PLAIN, bytes_moved=1 << 20, counted=None).memory_ns == pytest.approx((1 << 20) / 100)
    assert replace(PLAIN, bytes_moved=(1 << 20) + 1, counted=None).memory_ns == pytest.approx(((1 << 20) + 1) / 10)


def test_tensors_between_operators_are_written_and_read_again():
    profiled = ProfiledCall(
        calls=20,
        call_us=9,
        ours_us=0,
        framework_us=8,
        gap_us=1,
        launches=8,
        operators=20,
        allocations=5,
        allocated_bytes=8e6,
        synchronisations=0,
    )
    live = replace(PLAIN, counted=None, system=System(mine=profiled))
    assert live.moved_bytes == 20_000_000
    assert any("16,000,000 of them tensors in between" in line for line in judge(live)[1])
    assert replace(live, counted=COUNTED).moved_bytes == 4_000_000, "a kernel that was counted says it itself"


def test_threads_share_instructions_only_where_they_are_asked_to():
    many = replace(PLAIN, counted=counted(own=1e7))
    assert many.compute_ns == pytest.approx(1e6)
    assert replace(many, counted=counted(own=1e7, joins=1)).compute_ns == pytest.approx(5e5)


def advice(bound, readings=PLAIN, **choices):
    family = FAMILIES["rms_norm"]
    return advise(bound, readings, family, family.defaults() | choices, SHAPES)


def test_advice_is_ranked_and_within_what_the_template_offers():
    allowed = offered_values(FAMILIES["rms_norm"], SHAPES)
    for bound in ("memory", "compute", "latency", "occupancy", "unknown"):
        for entry in advice(bound, vector_bits=256, unroll=2):
            assert entry.why
            assert set(entry.values) <= set(allowed.get(entry.lever, ()))
    assert [item.lever for item in advice("compute", vector_bits=256)] == [
        "thread_rows",
        "vector_bits",
        "fixed_cols",
        "unroll",
    ]
    assert advice("compute", vector_bits=256)[1].values == (512,)
    assert advice("compute")[1].lever == "fixed_cols", "vectors are as wide as they get"
    assert advice("compute")[1].values == (2048, 256), "the size of this shape first"
    assert {element.lever: element.values for element in advice("occupancy", unroll=4)}["unroll"] == (2, 1)
    assert advice("unknown") == ()


def test_threads_are_for_kernels_that_last():
    assert advice("memory")[0].values == (2, 64)
    short = replace(PLAIN, overhead=LaunchOverhead(call_ns=9_000, empty_ns=5_000))
    assert all(entry.lever != "thread_rows" for entry in advice("memory", short))
    assert all(item.lever != "thread_rows" for item in advice("memory", replace(PLAIN, threads=1)))
    hurt = advice("latency", replace(PLAIN, counted=counted(joins=1)), thread_rows=2)[0]
    assert (hurt.lever, hurt.values) == ("thread_rows", (0, 64))


def test_what_no_parameter_changes_comes_with_its_figures():
    tiny = replace(PLAIN, overhead=LaunchOverhead(call_ns=5_000, empty_ns=4_500))
    assert advice("latency", tiny)[0].why == "a faster kernel saves 10% at most; one call less saves 4.5 µs"
    synced = replace(PLAIN, counted=counted(joins=64, starts=2))
    assert advice("latency", synced)[0].why == "64 regions and barriers and 2 threads a call: one region is enough"
    wasteful = replace(PLAIN, counted=counted(flops=4e8))
    assert next(item for item in advice("compute", wasteful) if item.lever == "algorithm").why.startswith("100 times")
    near = replace(PLAIN, performance=Performance(call_ns=600_000))
    assert next(element for element in advice("memory", near) if element.lever == "fuse").why.startswith(
        "near the roof"
    )
    cold = replace(PLAIN, performance=Performance(call_ns=2_000_000))
    assert "4.0 times a warm one" in next(entry for entry in advice("memory", cold) if entry.lever == "fuse").why
