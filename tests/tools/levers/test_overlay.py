"""The class of an overlay follows from what its source writes to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.levers.overlay import read_overlay

OPERATOR = b"from sglang.srt.layers import layernorm\nlayernorm.RMSNorm.forward_native = print\n"


def _class(source: bytes, name: str = "sitecustomize.py") -> str:
    return read_overlay({name: source}).lever_class


def test_an_operator_in_place_of_an_operator_is_class_a() -> None:
    found = read_overlay({"mul/sitecustomize.py": OPERATOR, "mul/table.json": b'{"4x256": 2}', "mul/k.cpp": b"//"})
    assert (found.lever_class, len(found.reasons)) == ("A", 1)
    assert "sglang.srt.layers.layernorm.RMSNorm.forward_native" in found.reasons[0]


def test_a_seam_named_in_a_file_counts_as_written() -> None:
    seam = b'{"module": "sglang.srt.layers.layernorm", "attribute": "RMSNorm.forward_native"}'
    assert read_overlay({"seam.json": seam, "kernel.py": b"def forward(x):\n    return x\n"}).lever_class == "A"
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


@given(st.dictionaries(st.sampled_from(["a.py", "b.json", "c.so"]), st.binary(max_size=200)))
def test_no_bytes_crash_the_reader(files: dict[str, bytes]) -> None:
    assert read_overlay(files).lever_class in ("A", "B", "indeterminate")
