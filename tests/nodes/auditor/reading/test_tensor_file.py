"""A safetensors file is told from its header, and nothing is loaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bankable.evals.fixtures.build.benchmark import safetensors
from bankable.nodes.auditor.reading.tensor_file import HEADER_BYTES, find_format_error


def _file(folder: Path, header: bytes, data: bytes = b"", length: int | None = None) -> Path:
    path = folder / "x.safetensors"
    path.write_bytes((len(header) if length is None else length).to_bytes(8, "little") + header + data)
    return path


def _entry(start: object = 0, end: object = 4) -> dict[str, object]:
    return {"dtype": "F32", "shape": [1], "data_offsets": [start, end]}


def test_a_real_file_is_no_trouble(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(safetensors(5))
    assert find_format_error(path) == ""


def test_padding_in_the_header_is_no_trouble(tmp_path: Path) -> None:
    header = json.dumps({"__metadata__": {"a": "b"}, "x": _entry()}).encode() + b"   "
    assert find_format_error(_file(tmp_path, header, b"\0" * 4)) == ""


@pytest.mark.parametrize(
    ("header", "data", "length"),
    [
        (b"{}", b"", None),
        (b'{"x": 3}', b"", None),
        (json.dumps({"x": _entry()}).encode(), b"\0" * 3, None),
        (json.dumps({"x": _entry()}).encode(), b"\0" * 5, None),
        (json.dumps({"x": _entry(4, 0)}).encode(), b"", None),
        (json.dumps({"x": _entry(0, True)}).encode(), b"\0", None),
        (json.dumps({"x": {**_entry(), "dtype": 7}}).encode(), b"\0" * 4, None),
        (b"[1, 2]", b"", None),
        (b'{"x": ', b"", None),
        (b"{}", b"", 1 << 63),
        (b"[" * 100_000, b"", None),
        (b" " * (HEADER_BYTES + 1), b"", None),
        (b"", b"", None),
    ],
)
def test_anything_else_is_trouble(tmp_path: Path, header: bytes, data: bytes, length: int | None) -> None:
    assert find_format_error(_file(tmp_path, header, data, length))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_no_bytes_make_it_raise(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    assert isinstance(find_format_error(path), str)
