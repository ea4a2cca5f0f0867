"""Reads the recorded calls of an operator from a capturing launch. The files are untrusted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bankable.tools.evidence.records import Digest
from bankable.tools.overlay.reports import documents

MAX_SHAPES = 400
_KEY = re.compile(r"[0-9]{1,12}(?:x[0-9]{1,12}){0,7}")


class CapturedShape(BaseModel):
    """One combination of sizes that the live server called an operator with."""

    model_config = ConfigDict(frozen=True)

    dims: tuple[int, ...] = Field(min_length=1, max_length=8)
    """In the axes of the operator's family."""
    sizes: tuple[tuple[int, ...], ...] = Field(max_length=32)
    """Of each tensor argument."""
    strides: tuple[tuple[int, ...], ...] = Field(max_length=32)
    """Of each tensor argument, in elements."""
    dtypes: tuple[str, ...] = Field(max_length=32)
    """Of each tensor argument, by torch's name."""
    calls: Mapping[str, int]
    """Number of calls by phase."""
    sampled: bool
    """Inputs and outputs of one call were kept."""

    @property
    def key(self) -> str:
        return "x".join(map(str, self.dims))

    @property
    def total(self) -> int:
        return sum(self.calls.values())

    @property
    def phase(self) -> str:
        """The phase of most calls."""
        return max(sorted(self.calls), key=lambda name: self.calls[name], default="mixed")


class Captured(BaseModel):
    """One operator in the process that called it most."""

    model_config = ConfigDict(frozen=True)

    operator: str
    """Name of the operator."""
    mode: str
    """What the overlay does with the operator; always ``capture`` here."""
    module: Digest
    """sha256 of the file that the live implementation stands in."""
    live_path: str
    """Path of the file that the live implementation stands in, on the server's machine."""
    other_calls: int = Field(ge=0)
    """Number of calls of shapes beyond those that are counted apart."""
    uncovered_calls: int = Field(ge=0)
    """Number of calls that the family does not describe: another dtype, a residual, a window."""
    shapes: tuple[CapturedShape, ...] = Field(max_length=MAX_SHAPES)
    """Combinations of sizes that were counted apart, at most ``MAX_SHAPES``."""

    @property
    def calls(self) -> int:
        return self.other_calls + sum(shape.total for shape in self.shapes)


@dataclass(frozen=True)
class CaptureFolder:
    """Reports and samples of one launch."""

    path: Path

    def operators(self) -> dict[str, Captured]:
        """Every operator that was called at least once."""
        largest: dict[str, Captured] = {}
        for captured in (entry for report in documents(self.path) for entry in _read_captures(report)):
            best = largest.get(captured.operator)
            if captured.calls > (best.calls if best is not None else 0):
                largest[captured.operator] = captured
        return largest

    def sample(self, operator: str, key: str, part: str) -> Path | None:
        """A sample's ``inputs`` or ``expected``; ``None`` where there is none."""
        path = self.path.resolve() / f"{operator}.{key}.{part}.safetensors"
        return path if _KEY.fullmatch(key) and path.is_file() and not path.is_symlink() else None


def _read_captures(report: Any) -> list[Captured]:
    try:
        lines = [line for line in report["operators"] if line["mode"] == "capture"]
    except (KeyError, TypeError):
        return []
    captures = []
    for line in lines:
        try:
            captures.append(Captured.model_validate(line))
        except ValidationError:
            continue
    return captures
