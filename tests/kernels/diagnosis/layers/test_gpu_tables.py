"""Tables of GPU profilers, in the form that their documentation gives, are read to the same figures."""

from __future__ import annotations

import json

import pytest

from bankable.kernels.build.offline import CompileFigures
from bankable.kernels.diagnosis.layers import ncu, rocprof
from bankable.kernels.diagnosis.layers.gpu import no_amd, no_nvidia
from bankable.kernels.diagnosis.layers.intra_kernel import Scope, read_hatchet
from bankable.kernels.diagnosis.layers.offline import occupancy
from bankable.kernels.diagnosis.layers.subject import LayerFailedError

NCU_HEAD = (
    '"ID","Process ID","Process Name","Host Name","Kernel Name","Context","Stream","Block Size","Grid Size","Device",'
    '"CC","Section Name","Metric Name","Metric Unit","Metric Value"'
)
ROCPROF_HEAD = (
    '"Correlation_Id","Dispatch_Id","Agent_Id","Queue_Id","Process_Id","Thread_Id","Grid_Size","Kernel_Id",'
    '"Kernel_Name","Workgroup_Size","LDS_Block_Size","Scratch_Size","VGPR_Count","Accum_VGPR_Count","SGPR_Count",'
    '"Counter_Name","Counter_Value","Start_Timestamp","End_Timestamp"'
)


def ncu_row(launch: int, metric: str, unit: str, value: str, kernel: str = "rms_norm_kernel") -> str:
    return (
        f'"{launch}","4711","python3.11","127.0.0.1","{kernel}","1","7","(128, 1, 1)","(64, 1, 1)","0","9.0",'
        f'"Command line profiler metrics","{metric}","{unit}","{value}"'
    )


def test_a_table_of_ncu_gives_means_over_the_launches_of_the_kernel():
    rows = [
        ncu_row(0, "gpu__time_duration.sum", "nsecond", "4,000"),
        ncu_row(1, "gpu__time_duration.sum", "usecond", "6"),
        ncu_row(0, "dram__throughput.avg.pct_of_peak_sustained_elapsed", "%", "81.5"),
        ncu_row(0, "sm__throughput.avg.pct_of_peak_sustained_elapsed", "%", "12"),
        ncu_row(0, "sm__warps_active.avg.pct_of_peak_sustained_active", "%", "n/a"),
        ncu_row(0, "launch__registers_per_thread", "register/thread", "31"),
        ncu_row(0, "dram__bytes.sum", "Mbyte", "1.5"),
        ncu_row(0, "dram__bytes.sum", "byte", "9", "fill_kernel"),
    ]
    text = "\n".join(["==PROF== Connected to process 4711", '{"calls": 5, "device": "cuda"}', NCU_HEAD, *rows])
    found = ncu.read_csv(text, "rms_norm_kernel")
    assert (found.launches, found.time_ns, found.memory_bytes, found.registers) == (2, 5000, 1.5e6, 31)
    assert (found.memory_share, found.compute_share, found.occupancy) == (0.815, 0.12, None)
    assert [entry.partition(":")[0] for entry in found.missing] == ["occupancy", "shared_bytes"]
    assert found.describe() == "rms_norm_kernel: 5.00 µs, memory 82%, compute 12%, 31 registers"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("==ERROR== ERR_NVGPUCTRPERM", "wrote no table"),
        ("", "wrote no table"),
        (f"{NCU_HEAD}\n{ncu_row(0, 'dram__bytes.sum', 'byte', '9', 'fill_kernel')}", "saw no launch"),
        (f'{NCU_HEAD}\n"torn', "saw no launch"),
    ],
)
def test_what_is_no_table_of_ncu_is_a_failed_layer(text, why):
    with pytest.raises(LayerFailedError, match=why):
        ncu.read_csv(text, "rms_norm_kernel")


def test_the_command_line_asks_for_base_units_and_cold_caches():
    command = ncu.profiling(["python", "run.py"])
    assert command[0] == "ncu"
    assert command[-2:] == ["python", "run.py"]
    assert command[command.index("--cache-control") + 1] == "all"
    assert set(command[command.index("--metrics") + 1].split(",")) == set(ncu.METRICS.values())


def rocprof_row(dispatch: int, counter: str, value: str, kernel: str = "rms_norm_kernel.kd") -> str:
    launch = f'{dispatch},{dispatch},"Agent 4",1,4711,4711,8192,15,"{kernel}",128,512,16,24,4,32'
    return f'{launch},"{counter}",{value},1000,6000'


def test_a_table_of_rocprof_gives_the_same_figures():
    rows = [
        rocprof_row(1, "VALUBusy", "20"),
        rocprof_row(2, "VALUBusy", "40"),
        rocprof_row(1, "MemUnitBusy", "75"),
        rocprof_row(1, "FETCH_SIZE", "512"),
        rocprof_row(1, "WRITE_SIZE", "512"),
        rocprof_row(1, "VALUBusy", "99", "other"),
    ]
    found = rocprof.read_csv("\n".join([ROCPROF_HEAD, *rows]), "rms_norm_kernel")
    assert (found.launches, found.registers, found.shared_bytes, found.spill_bytes) == (2, 24, 512, 16)
    assert (found.compute_share, found.memory_share, found.memory_bytes) == (0.3, 0.75, 1 << 20)
    assert (found.time_ns, found.missing) == (5000, ("OccupancyPercent",))
    with pytest.raises(LayerFailedError, match="saw no launch"):
        rocprof.read_csv(ROCPROF_HEAD, "rms_norm_kernel")
    with pytest.raises(LayerFailedError, match="without counters"):
        rocprof.read_csv("a,b\n1,2", "rms_norm_kernel")


def test_leaves_of_protons_tree_are_kernels():
    tree = [
        {
            "frame": {"name": "ROOT", "type": "function"},
            "metrics": {"count": 0, "time (ns)": 0},
            "children": [
                {
                    "frame": {"name": "rms_norm_kernel", "type": "function"},
                    "metrics": {"count": 5, "time (ns)": 20480},
                    "children": [],
                },
            ],
        },
        {"CUDA": {"0": {"arch": "90"}}},
    ]
    assert read_hatchet(json.dumps(tree)) == (Scope(name="rms_norm_kernel", count=5, time_ns=20480),)
    for text, why in (("{", "not JSON"), ("{}", "no tree"), ('[{"CUDA": {}}]', "no tree")):
        with pytest.raises(LayerFailedError, match=why):
            read_hatchet(text)


def test_a_machine_says_what_it_has(tmp_path):
    assert no_nvidia(tmp_path) == "no NVIDIA GPU: its driver is not loaded"
    assert no_amd(tmp_path) == "no AMD GPU: no /dev/kfd"
    for name in ("proc/driver/nvidia/version", "dev/nvidiactl", "dev/kfd"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert (no_nvidia(tmp_path), no_amd(tmp_path)) == ("", "")


@pytest.mark.parametrize(
    ("target", "warps", "registers", "shared", "share"),
    [
        ("sm_90", 4, 32, 0, 1.0),  # 65536 / (32 · 32) = 64 warps
        ("sm_90", 8, 255, 0, 0.125),  # 65536 / (256 · 32) = 8 warps: one block
        ("sm_90", 1, 16, 0, 0.5),  # 32 blocks of a warp each, whatever they use
        ("sm_90", 4, 32, 100 << 10, 0.125),  # two blocks, by their shared memory
        ("sm_86", 4, 32, 0, 1.0),  # 48 warps at most
    ],
)
def test_occupancy_is_what_registers_shared_memory_and_blocks_allow(target, warps, registers, shared, share):
    figures = CompileFigures(shape="1", target=target, warps=warps, registers=registers, shared_bytes=shared)
    assert occupancy(figures) == share


def test_occupancy_is_not_made_up():
    assert occupancy(CompileFigures(shape="1", target="sm_90", failed="no compiler", warps=4, registers=8)) is None
    assert occupancy(CompileFigures(shape="1", target="sm_90", warps=4)) is None
    assert occupancy(CompileFigures(shape="1", target="gfx942", warps=4, registers=8, occupancy=4)) == 0.5
