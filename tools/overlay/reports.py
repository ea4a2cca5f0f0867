"""Reads the reports of a server's processes about their operators. The files are untrusted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bankable.tools.evidence.overlay import Marker
from bankable.tools.evidence.records import Digest, Scalar

MAX_BYTES = 4 << 20
MAX_FILES = 256


class _Operator(BaseModel):
    """One operator in one process."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    operator: str = Field(max_length=200)
    """Name of the operator."""
    mode: str
    """``replace``: a kernel stands in. Other modes only watch or capture."""
    module: Digest | str = Field(default="", max_length=64)
    """sha256 of the file that the patch point resolves to; empty where there is none."""
    requested: str = ""
    """Implementation that the overlay asks for."""
    resolved: str = ""
    """Implementation that is in place: the requested one, or ``live``."""
    engaged: bool = False
    """The kernel is in place and was called at least once."""
    calls: int = Field(default=0, ge=0)
    """Calls that the kernel itself counted."""
    live_calls: int = Field(default=0, ge=0)
    """Calls that the live implementation answered in its place."""
    source: str = Field(default="", max_length=64)
    """sha256 of the file of the adapter that is in place; empty where there is none."""
    parameters: dict[str, Scalar] = {}
    """Compile-time parameters of the kernel."""
    shapes: list[str] = Field(default=[], max_length=64)
    """Shapes of calls that were seen, as text."""
    error_vs_live: float | None = None
    """Largest relative error against the live implementation; ``None`` where no call was compared."""
    why: str = Field(default="", max_length=300)
    """Why the live implementation answers; empty when the kernel does."""


class _Report(BaseModel):
    """One process."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    pid: int
    """Id of the process."""
    worker: str = Field(max_length=100)
    """Rank in the server, such as ``tp0``, or ``pid`` with the process id where no rank is known."""
    overlays: list[str] = Field(max_length=64)
    """Names of the folders on ``PYTHONPATH`` that have a ``sitecustomize``; only the first one runs."""
    operators: list[dict[str, Any]] = Field(max_length=200)
    """One entry for each operator, in the form of ``_Operator``; checked one by one."""


@dataclass(frozen=True)
class OverlayState:
    """What a server's processes say about the operators of an overlay."""

    markers: tuple[Marker, ...] = ()
    """One per worker and replaced operator."""
    modules: dict[str, str] = field(default_factory=dict)
    """For each operator: sha256 of the source file that its patch point resolves to."""
    reasons: dict[str, str] = field(default_factory=dict)
    """For each operator that stayed live: why."""


def read_reports(folder: Path) -> OverlayState:
    """The state of a server whose reports are in ``folder``. An unreadable report counts as missing."""
    seen = [
        (report, _Operator.model_validate(item))
        for report in _reports(folder)
        for item in _drop_invalid(report.operators)
    ]
    markers: list[Marker] = []
    for name in sorted({operator.operator for _, operator in seen if operator.mode == "replace"}):
        mine = [
            (report, operator) for report, operator in seen if operator.operator == name and operator.mode == "replace"
        ]
        # The processes that serve import the module without ever calling it; they matter only where no other called.
        ran = [entry for entry in mine if entry[1].calls > 0] or mine[:1]
        markers += [_marker(report, operator) for report, operator in ran]
    modules = {operator.operator: operator.module for _, operator in seen if operator.module}
    modules |= {marker.name: marker.source_digest for marker in markers if marker.source_digest}
    return OverlayState(
        tuple(markers), modules, {operator.operator: operator.why for _, operator in seen if operator.why}
    )


def _drop_invalid(operators: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for entry in operators:
        try:
            _Operator.model_validate(entry)
        except ValidationError:
            continue
        yield entry


def _marker(report: _Report, operator: _Operator) -> Marker:
    return Marker(
        operator="overlay",
        name=operator.operator,
        requested=operator.requested,
        resolved=operator.resolved,
        engaged=operator.engaged,
        source="marker",
        worker=report.worker,
        pid=report.pid,
        source_digest=operator.source or None,
        parameters=operator.parameters,
        eager_calls=operator.calls,
        live_calls=operator.live_calls,
        shapes=tuple(operator.shapes),
        overlays=tuple(report.overlays),
        error_vs_live=operator.error_vs_live,
    )


def _reports(folder: Path) -> Iterator[_Report]:
    for document in documents(folder):
        try:
            yield _Report.model_validate(document)
        except ValidationError:
            continue


def documents(folder: Path) -> Iterator[Any]:
    """Content of the JSON files in a folder that a server's processes write to; unreadable files are left out."""
    for path in sorted(folder.glob("*.json"))[:MAX_FILES] if folder.is_dir() else ():
        try:
            if path.stat().st_size <= MAX_BYTES:
                yield orjson.loads(path.read_bytes())
        except (OSError, ValueError):
            continue
