"""Measures one block of a ladder: a fresh launch of each configuration, all loads in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from bankable.tools.evidence.records import Block, Contender, Failure, Ladder, LegRecord, Plan, Side
from bankable.tools.measurement.engagement import engagement
from bankable.tools.measurement.ladder_plan import find_lever
from bankable.tools.measurement.leg import LegWriter, publish
from bankable.tools.measurement.progress import ProgressEvent
from bankable.tools.measurement.run_context import RunContext
from bankable.tools.serving.driver import LaunchFailed, RoundFailed, RoundLoad, Server


def leg_name(block: int, contender: str) -> str:
    """Folder name of a leg: ``b03-reference``."""
    return f"b{block:02d}-{contender}"


class LadderBlock:
    """One block; its configurations are launched together, or one after the other in a group each."""

    def __init__(
        self, context: RunContext, plan: Plan, ladder: Ladder, block: Block, loads: Mapping[str, Sequence[int]]
    ) -> None:
        """``loads``: by configuration, places of the loads that it is to serve."""
        self.context, self.plan, self.ladder, self.block, self.loads = context, plan, ladder, block, loads
        self._writers: dict[str, LegWriter] = {}
        self._servers: dict[str, Server] = {}
        self._failures: dict[str, Failure] = {}

    def measure(self, contenders: Sequence[Contender]) -> dict[str, LegRecord]:
        """Launch these configurations at once, load one at a time, and close their legs in every case."""
        context, plan = self.context, self.plan
        self._writers = {entry.name: self._open_leg(entry) for entry in contenders}
        names = ", ".join(self._writers)
        context.tell(ProgressEvent("launch", f"{plan.name} block {self.block.index}: {names}", plan.name))
        answers = context.driver.launch([writer.request() for writer in self._writers.values()])
        for name, answer in zip(self._writers, answers, strict=True):
            if isinstance(answer, LaunchFailed):
                self._failures[name] = answer.failure
            else:
                self._servers[name] = answer
        with self._stopping():
            for entry in contenders:
                self._try(entry.name, partial(self._prepare, entry))
            for place in range(len(self.ladder.loads)):
                self._serve(place, [entry.name for entry in contenders])
        records = {name: self._close(name, writer) for name, writer in self._writers.items()}
        for writer in self._writers.values():
            publish(context, writer.folder)
        for record in records.values():
            context.tell(ProgressEvent("leg", f"{record.leg_id} {record.status}", plan.name))
        return records

    def _open_leg(self, entry: Contender) -> LegWriter:
        folder = self.context.folder.comparison(self.plan.name) / "legs" / leg_name(self.block.index, entry.name)
        side = Side.REFERENCE if entry == self.ladder.contenders[0] else Side.CANDIDATE
        return LegWriter(self.context, folder, self.plan.name, self.block.index, side, entry.config)

    def _try(self, name: str, step: Callable[[], None]) -> None:
        """One step of a configuration that has not failed; a failure ends its part of the block."""
        if name in self._failures:
            return
        try:
            step()
        except RoundFailed as problem:
            self._failures[name] = problem.failure

    def _prepare(self, entry: Contender) -> None:
        """Engagement, warm-up, and in the first block the probes that show whether answers are the same."""
        writer, server = self._writers[entry.name], self._servers[entry.name]
        writer.server_info(server)
        lever = find_lever(self.plan.reference, entry.config)
        records = engagement(lever, server.identity.env, server.server_info(), server.identity.engine)
        writer.lines("engagement.jsonl", records)
        lost = next((record for record in records if not record.engaged), None)
        if lost is not None:
            line = f"{lost.name}={lost.requested} did not take effect: the server has {lost.resolved}"
            raise RoundFailed(Failure(kind="unsupported", line=line))
        largest = self.ladder.loads[max(self.loads[entry.name])].workload
        writer.warm(server, RoundLoad(largest, self.block.warmup_seed, -1), self._peers(entry.name))
        if self.block.index == 0:
            with writer.span("probe"):
                prompts = self.context.prompts
                writer.lines("outputs.jsonl", [*server.generate(prompts, 0), *server.generate(prompts, 1)])
            with writer.span("probe"):
                writer.lines("accuracy.jsonl", server.answer(self.context.questions))
        self.context.check()

    def _serve(self, place: int, names: Sequence[str]) -> None:
        """All rounds at one load: in the order of the block, then in its mirror, and so on."""
        for turn in range(self.ladder.rounds_per_load):
            index = place * self.ladder.rounds_per_load + turn
            for name in names if turn % 2 == 0 else names[::-1]:
                if place in self.loads[name]:
                    self._try(name, partial(self._round, name, place, index))

    def _round(self, name: str, place: int, index: int) -> None:
        load = self.ladder.loads[place]
        request = RoundLoad(load.workload, self.block.seeds[index], index)
        timed = self._writers[name].round(self._servers[name], request, self._peers(name))
        text = f"{self._writers[name].leg_id} {load.name} round {index % self.ladder.rounds_per_load}"
        self.context.tell(ProgressEvent("round", text, self.plan.name, timed.output_throughput))

    def _peers(self, name: str) -> list[Server]:
        return [server for other, server in self._servers.items() if other != name]

    def _close(self, name: str, writer: LegWriter) -> LegRecord:
        server = self._servers.get(name)
        stopped = server.close() if server is not None else self.context.driver.clock()
        return writer.prepare(server.identity if server is not None else None, stopped, self._failures.get(name))

    @contextmanager
    def _stopping(self) -> Iterator[None]:
        """Stop every server on the way out, also when a signal or an error is the reason."""
        try:
            yield
        finally:
            for server in self._servers.values():
                server.close()
