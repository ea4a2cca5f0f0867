"""The class of an overlay follows from what its source writes to."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankable.tools.levers.overlay import read_overlay
from bankable.tools.overlay.folder import runtime_files

RECORDED = Path(__file__).resolve().parents[3] / "evals" / "recorded" / "cpu-kernels.tar.xz"

OPERATOR = b"from sglang.srt.layers import layernorm\nlayernorm.RMSNorm.forward_native = print\n"


def _class(source: bytes, name: str = "sitecustomize.py") -> str:
    return read_overlay({name: source}).lever_class


def test_an_operator_in_place_of_an_operator_is_class_a() -> None:
    found = read_overlay({"mul/sitecustomize.py": OPERATOR, "mul/table.json": b'{"4x256": 2}', "mul/k.cpp": b"//"})
    assert (found.lever_class, len(found.reasons)) == ("A", 1)
    assert "sglang.srt.layers.layernorm.RMSNorm.forward_native" in found.reasons[0]


def test_a_patch_point_named_in_a_file_counts_as_written() -> None:
    point = b'{"module": "sglang.srt.layers.layernorm", "attribute": "RMSNorm.forward_native"}'
    assert read_overlay({"seam.json": point, "kernel.py": b"def forward(x):\n    return x\n"}).lever_class == "A"
    assert _class(b'[{"module": "sglang.srt.managers.scheduler", "attribute": "run"}]', "seam.json") == "B"


def test_reading_server_arguments_changes_nothing() -> None:
    reads = b"from sglang.srt.server_args import get_global_server_args\nn = get_global_server_args().tp_size\n"
    assert _class(OPERATOR + reads) == "A"


@pytest.mark.parametrize(
    "line",
    [
        b"import sglang.srt.managers.scheduler as s\ns.Scheduler.run = print\n",
        b"from sglang.srt.speculative import ngram\nsetattr(ngram, 'depth', 4)\n",
        b"import os\nos.environ['A'] = '1'\n",
        b"import os\nos.environ.setdefault('A', '1')\n",
        b"from sglang.srt.layers.quantization import fp8\nfp8.apply = print\n",
        b"import importlib\nm = importlib.import_module('sglang.srt.mem_cache.pool')\nm.size = 9\n",
    ],
)
def test_an_overlay_that_also_changes_serving_is_class_b(line: bytes) -> None:
    assert _class(line) == "B"
    assert _class(OPERATOR + line) == "B"


@pytest.mark.parametrize(
    "line",
    [
        b"exec('x = 1')\n",
        b"import ctypes\n",
        b"import importlib, sys\nimportlib.import_module(sys.argv[1])\n",
        b"def broken(:\n",
        b"getattr(__import__('os'), 'x')\n",
        b"setattr(find(), 'forward', print)\n",
        b"import torch\ntorch.backends.flags = print\n",
    ],
)
def test_what_cannot_be_followed_has_no_class(line: bytes) -> None:
    assert _class(OPERATOR + line) == "indeterminate"


def test_a_native_library_or_nothing_has_no_class() -> None:
    assert read_overlay({"a.py": OPERATOR, "k.so": b"\x7fELF"}).lever_class == "indeterminate"
    assert read_overlay({}).lever_class == "indeterminate"
    assert _class(b"x = 1\n") == "indeterminate"


POINT = {"module": "sglang.srt.layers.layernorm", "attribute": "RMSNorm.forward_native"}


def _overlay(kernel: str, flags: tuple[str, ...] = ("-O3", "-march=native", "-fopenmp", "-shared")) -> dict[str, bytes]:
    """As this project lays one: its runtime, a patch point, and a kernel in C++."""
    point = json.dumps({**POINT, "kernel": {"digest": "0" * 64, "flags": list(flags)}}).encode()
    return {**runtime_files(), "rms_norm/seam.json": point, "rms_norm/kernel.cpp": kernel.encode()}


PLAIN = '#include <cmath>\n#pragma omp simd\nextern "C" void bankable_run(float* x) { x[0] = std::sqrt(x[0]); }\n'


def test_our_own_runtime_and_a_plain_kernel_can_be_followed() -> None:
    assert read_overlay(_overlay(PLAIN)).lever_class == "A"


@pytest.mark.parametrize(
    "kernel",
    [
        "#include <dlfcn.h>\n",
        "#include <cstdlib>\n",
        '# include  "/etc/x.h"\n',
        "#define A system\nint f() { return A(0); }\n",
        'void f() { asm("nop"); }\n',
        'extern "C" long syscall(long, ...);\n',
        "#inc\\\nlude <dlfcn.h>\n",
        "??=include <dlfcn.h>\n",
        "%:include <dlfcn.h>\n",
        "void f() __attribute__((constructor));\n",
        "#import <x>\n",
    ],
)
def test_a_kernel_that_reaches_beyond_its_arguments_has_no_class(kernel: str) -> None:
    assert read_overlay(_overlay(PLAIN + kernel)).lever_class == "indeterminate"


@pytest.mark.parametrize("flag", ["-include/evil.h", "-fplugin=x.so", "-lpython3", "-DA=system", "@file", "-Wl,-z"])
def test_a_flag_that_adds_code_has_no_class(flag: str) -> None:
    assert read_overlay(_overlay(PLAIN, ("-O3", flag))).lever_class == "indeterminate"


@pytest.mark.parametrize("name", ["_bankable/replace.py", "sitecustomize.py"])
def test_a_runtime_that_was_edited_is_not_ours(name: str) -> None:
    files = _overlay(PLAIN)
    files[name] += b"import ctypes\n"
    assert read_overlay(files).lever_class == "indeterminate"


@given(st.dictionaries(st.sampled_from(["a.py", "b.json", "c.so"]), st.binary(max_size=200)))
def test_no_bytes_crash_the_reader(files: dict[str, bytes]) -> None:
    assert read_overlay(files).lever_class in ("A", "B", "indeterminate")


def test_the_runtime_of_an_earlier_version_is_still_known() -> None:
    """A bundle that was recorded with it keeps its class."""
    with tarfile.open(RECORDED) as archive:
        prefix = "kernels/comparisons/bundle/overlay/"
        members = [member for member in archive.getmembers() if member.name.startswith(prefix) and member.isfile()]
        laid = {entry.name.removeprefix(prefix): archive.extractfile(entry).read() for entry in members}
    assert laid["_bankable/replace.py"] != runtime_files()["_bankable/replace.py"]
    assert read_overlay(laid).lever_class == "A"
    laid["_bankable/replace.py"] += b"#"
    assert read_overlay(laid).lever_class == "indeterminate"
