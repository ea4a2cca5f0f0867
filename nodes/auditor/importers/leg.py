"""What every reader makes of somebody's files: a leg of launches of rounds, and what is not in it, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median

from bankable.nodes.auditor.measured import FIELDS
from bankable.nodes.auditor.reading.reader import Json, Reader
from bankable.nodes.auditor.reading.rows import BenchRound
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.verdict import Evidence
from bankable.tools.evidence.records import Generation


@dataclass(frozen=True)
class Gap:
    """A record that the files do not have."""

    what: str
    """The record, such as ``per-request lists``."""
    fix: str
    """How the tool writes it, or what to give beside the file."""
    rule: str
    """The check that it leaves open."""
    decides: bool = True
    """Without it the verdict is at best FLAG. Otherwise a note says that it was not looked at."""


@dataclass(frozen=True)
class Check:
    """A number that the tool wrote, and the same number recomputed from finer records of the same file."""

    name: str
    """Decides the tolerance, see ``agrees``."""
    reported: float
    true: float


@dataclass(frozen=True)
class Round:
    """One timed round. Latencies in ms, throughput per second, durations in s."""

    file: str
    line: int | None
    reported: Mapping[str, float]
    """Figures as the tool wrote them, by field of ``LatencySummary``; only those that are there."""
    raw: Mapping[str, float]
    """The same recomputed from per-request records; empty when there are none."""
    checks: tuple[Check, ...] = ()
    row: BenchRound | None = None
    """The whole record, where the format has what sglang's has."""
    issued: int | None = None
    completed: int | None = None
    failed: int | None = None
    """``None``: the format does not say."""
    input_tokens: int | None = None
    output_tokens: int | None = None
    longest: int | None = None
    """Prompt and answer of the longest request, from its records or from declared lengths."""
    arguments: tuple[tuple[str, str], ...] = ()
    """The load generator's own."""
    server_info: Json | None = None
    """Resolved server arguments without what changes by itself."""

    def figure(self, name: str) -> float | None:
        """Recomputed where it can be, else as reported."""
        return self.raw.get(name, self.reported.get(name))

    @property
    def where(self) -> Evidence:
        return Evidence(file=self.file, line=self.line)


class LaunchView(LegView):
    """A launch as rules see it, with the rounds that a reader made of some other file."""

    def __init__(self, reader: Reader, folder: str, main: str, rounds: Sequence[Round]) -> None:
        super().__init__(reader, folder)
        self._main, self._rounds = main, rounds

    def path(self, name: str) -> str:
        """The rounds stand in the file as it was given."""
        return self._main if name == "bench_runs.jsonl" else super().path(name)

    @cached_property
    def rows(self) -> tuple[BenchRound, ...]:
        return tuple(each.row for each in self._rounds if each.row is not None)

    @cached_property
    def server_info(self) -> Json | None:
        found = self._reader.document(super().path("server_info.json"))
        return found or next((each.server_info for each in self._rounds if each.server_info), None)


@dataclass(frozen=True)
class Launch:
    """One server launch, as far as the files say: a file is taken as one."""

    view: LegView
    main: str
    """The file with the rounds."""
    rounds: tuple[Round, ...]
    outputs: tuple[Generation, ...] = ()
    """Greedy answers, where they were kept."""
    outputs_file: str = "outputs.jsonl"
    """Where they stand, or would stand."""
    summaries: tuple[str, ...] = ()
    """Files beside it that report figures of this launch."""

    def values(self, name: str) -> list[float]:
        """A figure of each round; empty when one round lacks it."""
        found = [each.figure(name) for each in self.rounds]
        return [value for value in found if value is not None] if None not in found else []


@dataclass(frozen=True)
class ForeignLeg:
    """One side of a comparison."""

    name: str
    """``reference`` or ``candidate``."""
    format: str
    launches: tuple[Launch, ...]
    gaps: tuple[Gap, ...] = ()
    embeds_arguments: bool = False
    """The tool writes the server's resolved arguments into its result: when they are absent, something went wrong."""

    @property
    def rounds(self) -> Iterator[Round]:
        for launch in self.launches:
            yield from launch.rounds

    @property
    def first(self) -> Launch:
        return self.launches[0]

    @property
    def outputs(self) -> tuple[Generation, ...]:
        """Greedy answers of the first launch that has any."""
        return next((launch.outputs for launch in self.launches if launch.outputs), ())

    @property
    def where(self) -> Evidence:
        return Evidence(file=self.first.main)

    def figure(self, name: str) -> float | None:
        """Median over launches of the median over rounds."""
        levels = [median(values) for launch in self.launches if (values := launch.values(name))]
        return median(levels) if levels else None


def round_of(row: BenchRound, file: str) -> Round:
    """A round from a full record."""
    return Round(
        file=file,
        line=row.line,
        reported={name: float(getattr(row.reported, name)) for name in FIELDS},
        raw={name: float(getattr(row.raw, name)) for name in FIELDS},
        row=row,
        issued=row.stamp.issued if row.stamp else len(row.output_lens),
        completed=row.completed,
        failed=row.failed,
        input_tokens=sum(row.input_lens),
        output_tokens=row.raw.total_output_tokens,
        longest=max((i + o for i, o in zip(row.input_lens, row.output_lens, strict=True)), default=None),
        arguments=row.arguments,
        server_info=row.server_info or None,
    )
