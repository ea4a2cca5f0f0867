"""Reads the floating-point tensors of a safetensors file far enough to see whether they can be real outputs.

Values are taken as bit patterns: nothing is converted, and nothing is unpickled. Source: the format description of the
safetensors library; the layouts of IEEE 754 and bfloat16.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bankable.nodes.auditor.reading.tensor_file import HEADER_BYTES, find_format_error

MOST_BYTES = 1 << 17
"""Bytes of each tensor that are read."""
_FLOATS = {"BF16": ("H", 0x7F80), "F16": ("H", 0x7C00), "F32": ("I", 0x7F800000), "F64": ("Q", 0x7FF0000000000000)}
"""Array type of the bit pattern, and its exponent bits: all set for infinities and NaN."""
_LENGTH = 8


@dataclass(frozen=True)
class TensorFacts:
    """What the beginning of one floating-point tensor holds."""

    name: str
    dtype: str
    """As in the file's header, such as ``BF16``."""
    shape: tuple[int, ...]
    elements: int
    """Elements that were read."""
    distinct: int
    """Different bit patterns among them."""
    not_finite: int
    """Infinities and NaN among them."""


def float_tensors(path: Path) -> tuple[TensorFacts, ...]:
    """Facts of each floating-point tensor of a well-formed file; nothing of a malformed one."""
    return () if find_format_error(path) else tuple(_read(path))


def _read(path: Path) -> Iterator[TensorFacts]:
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(_LENGTH), "little")
        header = json.loads(stream.read(min(length, HEADER_BYTES)))
        for name, entry in sorted(header.items()):
            if name == "__metadata__" or entry["dtype"] not in _FLOATS:
                continue
            kind, exponent = _FLOATS[entry["dtype"]]
            begin, end = entry["data_offsets"]
            values = array(kind)
            stream.seek(_LENGTH + length + begin)
            data = stream.read(min(end - begin, MOST_BYTES))
            values.frombytes(data[: len(data) - len(data) % values.itemsize])
            yield TensorFacts(
                name,
                entry["dtype"],
                tuple(size for size in entry["shape"] if isinstance(size, int)),
                len(values),
                len(set(values)),
                sum(value & exponent == exponent for value in values),
            )
