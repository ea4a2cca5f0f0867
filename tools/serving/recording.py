"""Opens a recorded run: its closed legs and their content."""

from __future__ import annotations

import tarfile
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from bankable.tools.errors import UserError
from bankable.tools.evidence.folder import read_run
from bankable.tools.evidence.records import LegRecord, ServerConfig
from bankable.tools.levers import knob


@dataclass(frozen=True)
class RecordedLeg:
    """A closed leg of the recording."""

    folder: Path
    leg: LegRecord

    @cached_property
    def rounds(self) -> list[dict[str, Any]]:
        """Timed rounds as they were written."""
        return read_lines(self.folder / "bench_runs.jsonl")

    @property
    def purpose(self) -> str:
        """``search``, ``profile`` or ``comparison``: a leg answers only launches of its own purpose."""
        return purpose(self.leg.comparison)


class Recording:
    """Recorded runs: a run folder, a folder of several, or the ``.tar.xz`` of either, unpacked for the while."""

    def __init__(self, path: Path) -> None:
        self._unpacked: tempfile.TemporaryDirectory[str] | None = None
        self.roots = sorted(
            file.parent for file in self._open(path).rglob("run.json") if file.parent.name != "evidence"
        )
        if not self.roots:
            raise UserError("Cannot replay: the recording holds no run", str(path), "give a run folder or its .tar.xz")
        self.head = read_run(self.root)
        self.legs = [
            RecordedLeg(file.parent, LegRecord.model_validate_json(file.read_bytes()))
            for root in self.roots
            for file in sorted(root.rglob("legs/*/leg.json"))
            if "bundle" not in file.relative_to(root).parts[:1]
        ]
        if not self.legs:
            raise UserError("Cannot replay: the recording holds no finished launch", str(path), "record a run first")

    @property
    def root(self) -> Path:
        """The first run: its settings are replayed."""
        return self.roots[0]

    def _open(self, path: Path) -> Path:
        if path.is_dir():
            return path
        if not path.is_file():
            raise UserError("Cannot replay: no recording there", str(path), "give a run folder or its .tar.xz")
        self._unpacked = tempfile.TemporaryDirectory(prefix="bankable-recording-")
        try:
            with tarfile.open(path) as archive:
                archive.extractall(self._unpacked.name, filter="data")
        except (tarfile.TarError, OSError, EOFError):
            raise UserError(
                "Cannot replay: the recording cannot be unpacked", str(path), "give an undamaged copy"
            ) from None
        return Path(self._unpacked.name)

    @property
    def started(self) -> float:
        """When its first server was launched."""
        return min(recorded.leg.launched_at for recorded in self.legs)

    def equal_blocks(self) -> list[tuple[RecordedLeg, RecordedLeg]]:
        """Blocks whose two legs ran the same configuration, settings at the engine's default aside."""
        pairs: dict[tuple[Path, int], list[RecordedLeg]] = {}
        for recorded in self.legs:
            if recorded.leg.status == "complete" and recorded.purpose == "comparison":
                pairs.setdefault((recorded.folder.parent, recorded.leg.block), []).append(recorded)
        return [
            (pair[0], pair[1])
            for pair in pairs.values()
            if len(pair) == 2 and _same_configuration(pair[0].leg, pair[1].leg)
        ]

    def close(self) -> None:
        """Remove what was unpacked."""
        if self._unpacked:
            self._unpacked.cleanup()


def purpose(comparison: str) -> str:
    """What the launches of a comparison are for: they differ in rounds and probes."""
    return comparison if comparison in ("search", "profile") else "comparison"


def _same_configuration(one: LegRecord, other: LegRecord) -> bool:
    return one.overlay_digest == other.overlay_digest and without_defaults(one.config) == without_defaults(other.config)


def without_defaults(config: ServerConfig) -> ServerConfig:
    """The configuration without flags that say what the engine does anyway."""
    flags = {
        name: value
        for name, value in config.flags.items()
        if not ((known_knob := knob(name)) and known_knob.default == value)
    }
    return ServerConfig(flags=flags, env=config.env)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The complete lines of a JSON-lines file; none when it is missing."""
    if not path.is_file():
        return []
    return [orjson.loads(line) for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
