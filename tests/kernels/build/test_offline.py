"""What is told of kernels without a GPU is what the compilers say; what they do not say is missing, and why."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bankable.kernels.build.offline import CompileFigures, compile_offline, lines
from bankable.kernels.operators import FAMILIES, SHAPES
from bankable.kernels.task.shapes import parse_shapes
from bankable.kernels.worker.triton import amd, nvidia
from bankable.kernels.worker.triton.mix import gcn_mix, sass_mix
from bankable.tools.errors import UserError
from bankable.tools.serving.environment import isolate_environment

ROOT = Path(__file__).resolve().parents[3]
TARGETS = ("sm_90", "gfx942")
SQUEEZED = """
import json, sys
from dataclasses import asdict, replace
import runpy; runpy.run_path(sys.argv[1] + "/tools/start.py")["register"]()
from bankable.kernels.worker.triton.build import figures, launches_of
(launch,) = launches_of("rms_norm", (1, 32768), "bfloat16")
launch = replace(launch, warps=2)
print(json.dumps([asdict(figures(launch, target)) for target in sys.argv[2:]]))
"""
"""A row of 32768 elements in the registers of two warps."""


def compiled(python: Path, family: str, shapes: str, *targets: str) -> list[CompileFigures]:
    chosen = FAMILIES[family]
    return compile_offline(chosen, parse_shapes(chosen, shapes, ""), chosen.usual, targets or TARGETS, python)


SECOND = {"decode_attention": "decode_attention_sum_kernel", "top_k_sampling": "top_k_sampling_cut_kernel"}
"""Of the families that take two launches."""
FIRST = {"prefill_linear": "linear_kernel"}
"""Of the families that share another one's kernel."""
PRODUCTS = ("decode_attention_kernel", "linear_kernel")
"""Which matrix units have to do."""


@pytest.mark.parametrize("family", SHAPES)
def test_every_kernel_compiles_for_both_makers(family, python):
    found = compiled(python, family, SHAPES[family].compiled)
    kernels = [FIRST.get(family, f"{family}_kernel"), *([SECOND[family]] if family in SECOND else [])]
    assert [(entry.target, entry.kernel) for entry in found] == [
        (target, name) for target in TARGETS for name in kernels
    ]
    for said in found:
        assert (said.failed, said.missing) == ("", ())
        assert said.registers is not None
        assert 8 <= said.registers <= (255 if said.kernel in PRODUCTS else 128)
        assert (said.spill_bytes, said.stack_bytes) == (0, 0)
        assert said.mix["global load"] >= 2
        assert said.mix["global store"] >= 1
        assert ("matrix" in said.mix) == (said.kernel in PRODUCTS)
        assert "local memory" not in said.mix
        assert (said.scalar_registers is None) == (said.target == "sm_90")


def test_aligned_rows_are_loaded_by_vectors(python):
    """4096 elements and as many weights in bf16: 16 bytes a load and thread are four loads for eight warps."""
    even, odd = compiled(python, "rms_norm", "64x4096,64x4095", "sm_90")
    assert (even.warps, even.mix["global load"]) == (8, 4)
    assert odd.mix["global load"] > 4 * even.mix["global load"]
    assert even.shared_bytes == 4 * 8, "one partial sum in fp32 for each warp"


def test_registers_that_do_not_suffice_are_spilled_and_told(python, tmp_path):
    done = subprocess.run(
        [str(python), "-c", SQUEEZED, str(ROOT), *TARGETS],
        cwd=tmp_path,
        capture_output=True,
        check=True,
        timeout=600,
        env=isolate_environment({"TRITON_CACHE_DIR": str(tmp_path)}),
    )
    for said in json.loads(done.stdout):
        assert said["spill_bytes"] > 0
        assert said["mix"]["local memory"] > 0
        assert said["missing"] == []


def test_a_kernel_that_takes_the_compiler_along_leaves_the_others(python):
    said = compiled(python, "rms_norm", "4x256", "sm_90", "sm_12", "gfx942")
    assert [entry.target for entry in said] == ["sm_90", "sm_12", "gfx942"]
    assert [bool(item.failed) for item in said] == [False, True, False]
    assert "\n" not in said[1].failed
    assert said[1].registers is None
    assert any(line == f"4x256 sm_12: {said[1].failed}" for line in lines(said))


def test_rows_that_are_too_long_are_refused_and_not_compiled(python):
    (said,) = compiled(python, "rms_norm", "1x32769", "sm_90")
    assert said.failed == "ValueError: rows of 32769 elements; a program holds 32768"


@pytest.mark.parametrize(
    ("family", "shapes", "target", "interpreter", "problem"),
    [
        ("rms_norm", "4x256", "sm90", "", "Cannot compile for sm90"),
        ("rms_norm", "4x256", "gfx942;rm", "", "Cannot compile for gfx942;rm"),
        ("rms_norm", "4x256", "sm_90", sys.executable, "the engine cannot import Triton"),
        ("rms_norm", "4x256", "sm_90", "/nowhere/python", "interpreter does not start"),
    ],
)
def test_a_mistake_is_a_users_mistake(family, shapes, target, interpreter, problem, python):
    with pytest.raises(UserError, match=problem):
        compiled(Path(interpreter) if interpreter else python, family, shapes, target)


def test_a_tool_that_is_not_there_is_said(tmp_path):
    found = nvidia.figures(b"", ".target sm_90a", tmp_path)
    assert set(found) == {"missing"}
    assert [entry.split(":")[0] for entry in found["missing"]] == ["registers and stack", "spills", "instructions"]
    assert all("does not run: No such file" in entry for entry in found["missing"])


def test_what_an_assembly_does_not_note_is_said():
    found = amd.figures("; ScratchSize: 16\n\tv_add_f32_e32 v0, v1, v2\n")
    assert (found["stack_bytes"], found["mix"]) == (16, {"float": 1})
    assert "registers: not in the assembly" in found["missing"]
    assert "spill_bytes" not in found


def test_blackwell_has_an_assembler_of_its_own():
    assert nvidia.assemblers(".target sm_90a\n") == ("ptxas", "ptxas-blackwell")
    assert nvidia.assemblers(".target sm_100a\n") == ("ptxas-blackwell",)


REFUSES = "#!/bin/sh\necho 'Unsupported .version 9.1; current version is 8.8' >&2\nexit 255\n"
REPORTS = "#!/bin/sh\necho 'Used 40 registers, 12 bytes spill stores, 12 bytes spill loads' >&2\n"
USAGE = "#!/bin/sh\necho ' REG:40 STACK:16 SHARED:0'\n"


def write_tools(folder: Path, **scripts: str) -> Path:
    for name, text in scripts.items():
        tool = folder / name.replace("_", "-")
        tool.write_text(text)
        tool.chmod(0o755)
    return folder


def test_a_version_that_one_assembler_refuses_is_given_to_the_newer_one(tmp_path):
    tools = write_tools(tmp_path, cuobjdump=USAGE, ptxas=REFUSES, ptxas_blackwell=REPORTS)
    found = nvidia.figures(b"", ".version 9.1\n.target sm_90a\n", tools)
    assert (found["registers"], found["stack_bytes"], found["spill_bytes"]) == (40, 16, 12)
    assert not any(entry.startswith("spills") for entry in found["missing"])


def test_spills_that_no_assembler_tells_are_unknown(tmp_path):
    tools = write_tools(tmp_path, cuobjdump=USAGE, ptxas=REFUSES, ptxas_blackwell=REFUSES)
    found = nvidia.figures(b"", ".version 9.1\n.target sm_90a\n", tools)
    assert "spill_bytes" not in found
    assert "spills: ptxas says Unsupported .version 9.1; current version is 8.8" in found["missing"]


def test_instructions_are_counted_by_what_they_do():
    sass = """
        /*0000*/                   LDC R1, c[0x0][0x28] ;
        /*0190*/              @!P2 LDG.E.128 R4, desc[UR12][R2.64] ;
        /*01a0*/                   FFMA R17, R12, R12, R17 ;
        /*01b0*/              @UP0 UIADD3 UR5, UR5, UR8, URZ ;
        /*01c0*/                   HGMMA.64x64x16.F32 R24, gdesc[UR4], RZ ;
        /*01d0*/                   F2FP.BF16.F32.PACK_AB R5, R7, R8 ;
        /*01e0*/                   FSETP.GT.AND P0, PT, |R0|, 8.50, PT ;
        /*01f0*/                   EXIT ;
.L_x_0:
        /*0200*/                   BRA `(.L_x_0);
        /*0210*/                   NOP;
    """
    assert sass_mix(sass) == {
        "constants": 1,
        "global load": 1,
        "float": 2,
        "integer": 1,
        "matrix": 1,
        "conversion": 1,
        "control": 1,
    }
    gcn = "\n".join(
        f"\t{line}"
        for line in (
            "s_load_dwordx2 s[2:3], s[0:1], 0x0",
            "buffer_load_dwordx4 v[4:7], v3, s[20:23], 0 offen",
            "v_mfma_f32_16x16x16_f16 v[0:3], v[4:5], v[6:7], v[0:3]",
            "v_fma_f32 v0, v1, v2, v3",
            "s_waitcnt vmcnt(0)",
            "v_cvt_f32_f16_e32 v0, v1",
            "scratch_store_dword off, v0, s33",
            "ds_read_b32 v0, v1",
            "s_nop 0",
            "v_lshlrev_b32_e32 v1, 3, v2",
            ".loc\t1 24 0",
        )
    )
    assert gcn_mix(gcn) == {
        "constants": 1,
        "global load": 1,
        "matrix": 1,
        "float": 1,
        "control": 1,
        "conversion": 1,
        "local memory": 1,
        "shared memory": 1,
        "integer": 1,
    }


def test_the_command_prints_figures_and_that_nothing_was_run():
    command = [sys.executable, "-m", "kernels", "offline", "silu_and_mul", "--shapes", "4x768", "--target", "gfx942"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=600)
    first, figures, mix, last = done.stdout.splitlines()
    assert first == "4x768 gfx942 silu_and_mul_kernel"
    assert figures.startswith("  warps 2, registers ")
    assert " instructions: " in mix
    assert last == "compiled, not run: there are no times"
