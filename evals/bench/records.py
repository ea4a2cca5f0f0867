"""A recorded landscape: many configurations of one real server, several launches of each, every round kept.

A JSON-lines file: the first line is the header, every other line one launch. Lines of a batch are written together
when the batch is over; a batch that was cut short is recorded again, and the reader keeps the later one.
"""

from __future__ import annotations

import lzma
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from bankable.tools.errors import UserError
from bankable.tools.evidence.records import EngineIdentity, Failure, Record, Scalar, Workload
from bankable.tools.search.space import Dimension, Point, SearchSpace

SCHEMA_VERSION = 1
MAX_BYTES = 64 << 20
"""A landscape of 100 configurations is below 1 MiB."""


class GridKnob(Record):
    """One knob of the grid."""

    name: str
    """Flag of the server with underscores, or an environment variable where ``env`` is set."""
    values: list[Scalar | None]
    """The reference's value first; ``None`` is an absent flag."""
    env: bool = False
    """The knob is an environment variable, not a flag."""
    importance: float = 1.0
    """Expected effect relative to the other knobs, without a unit; orders the screening of a search."""


class Header(Record):
    """What was recorded, on what."""

    kind: Literal["header"] = "header"
    """Tells the header from the launches; always ``header``."""
    schema_version: int = SCHEMA_VERSION
    """Version of the landscape format; a reader refuses a newer one."""
    grid: list[GridKnob]
    """Knobs of the grid; ``LaunchRow.point`` indexes their values in this order."""
    workload: Workload
    """Requests of each round: the same for all launches."""
    model: str
    """Name, not a path."""
    device: Literal["cpu", "cuda", "rocm"]
    """Kind of device that the servers ran on."""
    engine: EngineIdentity
    """Versions and source digest of the engine that was launched."""
    cores: int
    """Logical CPU cores of the machine."""
    together: int
    """Servers that are up at the same time."""
    launches: int
    """Number of launches of each configuration."""
    rounds: int
    """Timed rounds of each launch, after one full warm-up round."""
    seed: int
    """Seed of the order in which configurations were launched."""
    synthetic: bool = False
    """True for a landscape that was made up; only tests have such."""


def check_header(recorded: Record, header: Record, out: Path) -> None:
    """Raise ``UserError`` when a file to go on with holds another landscape, and name the fields that differ."""
    differs = [name for name in type(header).model_fields if getattr(recorded, name) != getattr(header, name)]
    if differs:
        raise UserError(
            "Cannot record the landscape: the file holds another one",
            f"{out}: {', '.join(differs)}",
            "choose another --out",
        )


class RoundRow(Record):
    """One timed round."""

    started: float
    """Unix seconds."""
    seconds: float
    """Duration of the round, in seconds."""
    output_throughput: float
    """Tokens per second."""
    median_ttft_ms: float
    """Median time to first token over the requests, in milliseconds."""
    median_tpot_ms: float
    """Median time per output token after the first, over the requests, in milliseconds."""
    cpu_s: float
    """CPU time of the loaded server in the round, in seconds."""
    peer_cpu_s: float | None
    """CPU time of all idle servers together in the round, in seconds; ``None`` when there was none."""
    load_1m: float
    """Load average of the machine over one minute, in processes, read right after the round."""


class LaunchRow(Record):
    """One launch."""

    kind: Literal["launch"] = "launch"
    """Tells a launch from the header; always ``launch``."""
    batch: int
    """0-based number of the batch whose servers were up at the same time."""
    launch: int
    """0-based replicate."""
    point: list[int]
    """Index of the value of every knob of the grid."""
    flags: dict[str, Scalar]
    """Flags that the server was launched with, with underscores."""
    env: dict[str, str]
    """Environment variables that were set for the server."""
    rounds: list[RoundRow]
    """Timed rounds in their order; fewer than planned after a failure."""
    startup_s: float
    """Seconds from the start of the process to its first generated token, beside the other servers of its batch."""
    batch_startup_s: float
    """Seconds until all servers of the batch were up or had failed."""
    round_s: float
    """Seconds that its warm-up and timed rounds took."""
    failure: Failure | None = None
    """Why the launch or one of its rounds failed; ``None`` when all went well."""


class Landscape(Record):
    """A whole file."""

    header: Header
    """First line of the file."""
    launches: list[LaunchRow] = Field(min_length=1)
    """One row for each configuration and replicate, in no fixed order."""

    def space(self) -> SearchSpace:
        """The grid as a search space."""
        knobs = self.header.grid
        return SearchSpace(tuple(Dimension(k.name, tuple(k.values), k.env, k.importance) for k in knobs))

    def by_point(self) -> dict[Point, list[LaunchRow]]:
        """Launches of each configuration, in order of replicate."""
        rows_by_point: dict[Point, list[LaunchRow]] = {}
        for row in sorted(self.launches, key=lambda r: r.launch):
            rows_by_point.setdefault(tuple(row.point), []).append(row)
        return rows_by_point


def read_landscape(path: Path) -> Landscape:
    """A recorded landscape. Raises ``UserError`` for a file that is missing, too large, damaged or empty.

    An unfinished last line is left out: the recorder was stopped there.
    """
    header, rows = read_partial(path)
    if header is None or not rows:
        raise UserError(
            "Cannot read the landscape: no launch in this file",
            str(path),
            "record one with `python -m evals bench landscape`",
        )
    return Landscape(header=header, launches=rows)


def read_partial(path: Path) -> tuple[Header | None, list[LaunchRow]]:
    """What is there so far; nothing for a file that does not exist."""
    if not path.is_file():
        return None, []
    lines = _content(path).split(b"\n")
    header: Header | None = None
    rows: list[LaunchRow] = []
    for number, line in enumerate(lines[:-1], start=1):
        try:
            if header is None:
                header = Header.model_validate_json(line)
            else:
                rows.append(LaunchRow.model_validate_json(line))
        except ValidationError as error:
            problem = error.errors()[0]
            raise UserError(
                f"Cannot read the landscape: invalid line: {problem['msg']}",
                f"{path}:{number}",
                "restore or record the file again",
            ) from error
    if header is not None and header.schema_version > SCHEMA_VERSION:
        raise UserError("Cannot read the landscape: written by a newer version", str(path), "update bankable")
    if header is not None:
        _check_points(header, rows, path)
    return header, _latest(rows)


def _content(path: Path) -> bytes:
    """The file, unpacked if it is a ``.xz``, and never more than ``MAX_BYTES`` of it."""
    try:
        with lzma.open(path) if path.suffix == ".xz" else path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except (lzma.LZMAError, EOFError) as error:
        raise UserError(
            "Cannot unpack the landscape: damaged file", str(path), "restore or record the file again"
        ) from error
    if len(data) > MAX_BYTES:
        raise UserError(
            f"Cannot read the landscape: larger than {MAX_BYTES >> 20} MiB", str(path), "give a smaller recording"
        )
    return data


def _latest(rows: Iterable[LaunchRow]) -> list[LaunchRow]:
    """One row per configuration and replicate: the one written last."""
    latest: dict[tuple[int, tuple[int, ...]], LaunchRow] = {}
    for row in rows:
        latest[(row.launch, tuple(row.point))] = row
    return list(latest.values())


def _check_points(header: Header, rows: list[LaunchRow], path: Path) -> None:
    sizes = [len(k.values) for k in header.grid]
    for row in rows:
        inside = len(row.point) == len(sizes) and all(0 <= i < n for i, n in zip(row.point, sizes, strict=False))
        if not inside:
            raise UserError(
                f"Cannot read the landscape: launch at {row.point} is outside the grid",
                str(path),
                "record the file again",
            )
