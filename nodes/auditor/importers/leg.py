"""A launch imported from another tool's files; missing records are listed by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from functools import cached_property

from bankable.nodes.auditor.reading.reader import Reader
from bankable.nodes.auditor.reading.rows import BenchRound
from bankable.nodes.auditor.reading.view import AbsentRecord, LegView
from bankable.tools.evidence.records import Generation, Side


class ImportedLeg(LegView):
    """One server launch, as far as the files show: a result file is taken as one launch."""

    def __init__(
        self,
        reader: Reader,
        folder: str,
        side: Side,
        main: str | None,
        rows: Sequence[BenchRound],
        *,
        format: str = "",
        absent: tuple[AbsentRecord, ...] = (),
        answers_file: str | None = None,
        outputs: tuple[Generation, ...] | None = None,
        summaries: tuple[tuple[str, Mapping[str, float]], ...] = (),
        remarks: tuple[str, ...] = (),
    ) -> None:
        """``main``: the file with the rounds. ``outputs``: greedy answers of another form than ours, and their file."""
        super().__init__(reader, folder)
        self._side, self._main, self._rows = side, main, tuple(rows)
        self._answers_file, self._outputs = answers_file, outputs
        self.format, self.absent, self.summaries, self.remarks = format, absent, summaries, remarks

    def with_rows(self, rows: Sequence[BenchRound], *remarks: str) -> ImportedLeg:
        """The same launch with other rounds, and why."""
        leg = copy(self)
        leg.__dict__.pop("rows", None)
        leg._rows, leg.remarks = tuple(rows), (*self.remarks, *remarks)
        return leg

    @property
    def side(self) -> Side:
        """The side that the caller gave, whatever a record says."""
        return self._side

    def path(self, name: str) -> str:
        """The records of the files as given; several may share one."""
        own = super().path(name)
        if name == "bench_runs.jsonl" and self._main is not None:
            return self._main
        if name == "outputs.jsonl" and self._answers_file is not None:
            return self._answers_file
        if name == "server_info.json" and self._main is not None and not self._reader.exists(own):
            return self._main
        return own

    @cached_property
    def rows(self) -> tuple[BenchRound, ...]:
        return self._rows

    @cached_property
    def server_info(self) -> dict[str, object] | None:
        """The server's report as given beside the result; else as embedded in the first round."""
        document = self._reader.document(f"{self.folder}/server_info.json")
        return document or next((row.server_info for row in self.rows if row.server_info), None)

    @cached_property
    def outputs(self) -> tuple[Generation, ...]:
        return self._outputs if self._outputs is not None else super().outputs
