"""Legs and comparisons as typed records, read on first access."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from bankable.nodes.auditor.reading.reader import Json, Reader
from bankable.nodes.auditor.reading.reported import ReportedClaim
from bankable.nodes.auditor.reading.rows import BenchRound, read_rows
from bankable.nodes.auditor.reading.server_log import LogFacts, scan_log
from bankable.tools.evidence.overlay import Marker
from bankable.tools.evidence.records import Answer, Engagement, Generation, HostSample, LegRecord, Plan, Side
from bankable.tools.recorder.seeds import with_drawn_seeds


@dataclass(frozen=True)
class AbsentRecord:
    """A record that the files of one tool never have, or have in another form."""

    what: str
    """The record, such as ``per-request lists``."""
    fix: str
    """How to make the tool write it, or what to give beside the file."""
    rule: str
    """The rule that stays undecided without it."""
    decides: bool = True
    """Whether the verdict is at best FLAG without it; otherwise a note says that it was not checked."""


class LegView:
    """One server launch: its record and its raw files; also the base of a launch from another tool's files."""

    absent: tuple[AbsentRecord, ...] = ()
    """Records that the tool behind these files does not write."""
    format: str = ""
    """Name of the tool's format; empty for this project's own legs."""
    remarks: tuple[str, ...] = ()
    """What the reader of these files did with them: records left out, definitions that differ."""
    summaries: tuple[tuple[str, Mapping[str, float]], ...] = ()
    """(file, figures by field of ``LatencySummary``) of files beside the rounds that report figures of this launch."""

    def __init__(self, reader: Reader, folder: str) -> None:
        self._reader, self.folder = reader, folder

    def path(self, name: str) -> str:
        """Path of one of the leg's files, relative to the sealed folder."""
        return f"{self.folder}/{name}"

    def has(self, name: str) -> bool:
        return self._reader.exists(self.path(name))

    @cached_property
    def name(self) -> str:
        return self.folder.rsplit("/", 1)[-1]

    @cached_property
    def record(self) -> LegRecord | None:
        return self._reader.model(self.path("leg.json"), LegRecord)

    @property
    def side(self) -> Side | None:
        """The side of the comparison that this launch is on; ``None`` without a record of it."""
        return self.record.side if self.record is not None else None

    @property
    def complete(self) -> bool:
        """Whether the launch was closed without a failure."""
        return self.record is not None and self.record.status == "complete"

    @cached_property
    def rows(self) -> tuple[BenchRound, ...]:
        """Timed rounds in the order of their indices; where these do not number all of them, in the file's order."""
        rows = tuple(read_rows(self._reader, self.path("bench_runs.jsonl")))
        indices = [row.stamp.index if row.stamp is not None else -1 for row in rows]
        if sorted(indices) != list(range(len(rows))):
            return rows
        return tuple(row for _, row in sorted(zip(indices, rows, strict=True), key=lambda pair: pair[0]))

    @cached_property
    def server_info(self) -> Json | None:
        """As queried after the launch; otherwise as embedded in the first round."""
        info = self._reader.document(self.path("server_info.json"))
        return info or next((row.server_info for row in self.rows if row.server_info), None)

    @cached_property
    def log(self) -> LogFacts | None:
        name = self.path("server.log")
        return scan_log(self._reader.blocks(name)) if self._reader.exists(name) else None

    @cached_property
    def outputs(self) -> tuple[Generation, ...]:
        return self._reader.records(self.path("outputs.jsonl"), Generation)

    @cached_property
    def answers(self) -> tuple[Answer, ...]:
        return self._reader.records(self.path("accuracy.jsonl"), Answer)

    @cached_property
    def engagement(self) -> tuple[Engagement, ...]:
        """One record per declared setting; for a replaced operator one ``Marker`` per worker."""
        name = self.path("engagement.jsonl")
        records = (
            self._reader.validate(entry, Marker if entry.get("operator") == "overlay" else Engagement, name, line)
            for line, entry in self._reader.objects(name)
        )
        return tuple(record for record in records if record is not None)

    @property
    def markers(self) -> tuple[Marker, ...]:
        """Reports of replaced operators from inside the server."""
        return tuple(record for record in self.engagement if isinstance(record, Marker))

    @cached_property
    def host(self) -> tuple[HostSample, ...]:
        return self._reader.records(self.path("host.jsonl"), HostSample)


@dataclass(frozen=True)
class BlockView:
    """Both complete legs of one block: the pair that yields one difference."""

    index: int
    """Number of the block in the plan, from 0."""
    reference: LegView
    candidate: LegView

    def legs(self) -> tuple[LegView, LegView]:
        return self.reference, self.candidate


class ComparisonView:
    """A plan, a claim and the legs measured for them."""

    ignored: tuple[str, ...] = ()
    """Of another tool's folders: what was found in them and not used."""

    def __init__(self, reader: Reader, folder: str, nonce: str | None = None) -> None:
        """``nonce``: what the recorder drew for the seeds after the plan; ``None`` where the plan's own count."""
        self._reader, self.folder, self._nonce = reader, folder, nonce

    def path(self, name: str) -> str:
        return f"{self.folder}/{name}"

    @cached_property
    def plan(self) -> Plan | None:
        """As declared, with the data seeds that count."""
        plan = self._reader.model(self.path("plan.json"), Plan)
        return with_drawn_seeds(plan, self._nonce) if plan is not None and self._nonce is not None else plan

    @cached_property
    def claim(self) -> ReportedClaim | None:
        return self._reader.model(self.path("claim.json"), ReportedClaim)

    @cached_property
    def legs(self) -> tuple[LegView, ...]:
        """Every leg folder, failed launches included."""
        return tuple(LegView(self._reader, f"{self.folder}/legs/{name}") for name in self._names)

    @cached_property
    def _names(self) -> list[str]:
        return self._reader.folders(f"{self.folder}/legs")

    @cached_property
    def blocks(self) -> tuple[BlockView, ...]:
        """The last pair of complete legs of each block, in block order."""
        pairs: dict[int, BlockView] = {}
        sides: dict[tuple[int, str], dict[Side, LegView]] = {}
        for leg in self.legs:
            if leg.record is None or leg.record.status != "complete" or not leg.rows:
                continue
            attempt = leg.name.split(leg.record.side.value, 1)[-1]
            sides.setdefault((leg.record.block, attempt), {})[leg.record.side] = leg
        for (index, _), pair in sorted(sides.items(), key=lambda entry: entry[0]):
            if len(pair) == len(Side):
                pairs[index] = BlockView(index, pair[Side.REFERENCE], pair[Side.CANDIDATE])
        return tuple(pairs[index] for index in sorted(pairs))

    def side(self, side: Side) -> tuple[LegView, ...]:
        """The legs of one side that are in a block, in block order."""
        return tuple(block.reference if side is Side.REFERENCE else block.candidate for block in self.blocks)
