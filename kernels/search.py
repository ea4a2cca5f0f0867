"""A bounded search over a template's parameters: one parameter at a time from the best known choice, until none helps.

Every candidate is compiled, tried on all kinds of input, and timed beside the live implementation in processes of its
own. Held-out shapes take no part. What somebody else suggests is evaluated first, in the same way and out of the same
budget. Each evaluation is a line of ``search.jsonl``; a search that was stopped goes on from
there, and a source that was evaluated is not evaluated again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import orjson
from pydantic import ValidationError

from kernels.bakeoff import FLOOR, SAMPLES, WARMUPS, measured_peaks
from kernels.compiler import CompileError, Compiler
from kernels.contestant import live, of_kernel
from kernels.family import Choices, Dims, Family
from kernels.nursery import Nursery
from kernels.qualify import dims_of, qualify
from kernels.render import Source, render
from kernels.result import scores
from kernels.rounds import Rounds
from kernels.task import TaskFolder
from tools.evidence.harness import Protocol
from tools.evidence.records import Record
from tools.evidence.store import AppendLog

LOG = "search.jsonl"
Origin = Literal["search", "llm"]
ROUNDS = 2
"""Of each evaluation: enough to rank, far from enough to claim."""


class Evaluation(Record):
    """A line of ``search.jsonl``."""

    implementation: str
    choices: dict[str, int]
    outcome: Literal["measured", "compile_error", "wrong", "failed"]
    why: str = ""
    log_ratio: float | None = None
    """Mean of log(live / candidate) over the rounds; positive is faster."""
    source: Origin | None = None
    """Whose idea it was; not written down where no language model took part."""

    def line(self) -> dict[str, Any]:
        """As it stands in the log."""
        return self.model_dump(mode="json", exclude=None if self.source is not None else {"source"})


class Search:
    """One search in one task folder."""

    def __init__(
        self, folder: TaskFolder, compiler: Compiler, python: Path, threads: int = 1, origins: bool = False
    ) -> None:
        """``origins``: write down whose idea each candidate was."""
        self._folder, self._compiler, self._python, self._threads = folder, compiler, python, threads
        self._log = AppendLog(folder.path / LOG)
        self.done = evaluations(folder)
        self._keys = [shape.key for shape in folder.task.shapes if not shape.held_out]
        self._suggested: list[dict[str, int]] = []
        self._origins = origins
        self.fresh = 0
        """Evaluations made by this object; the others were read."""

    @property
    def best(self) -> Evaluation | None:
        """The fastest that is right."""
        return fastest(self.done.values())

    def suggest(self, choices: Choices) -> bool:
        """Have a choice evaluated next, after those suggested before; false when it is none, or is known already."""
        allowed = values(self._folder.family, [dims_of(key) for key in self._keys])
        if choices.keys() != allowed.keys() or any(value not in allowed[name] for name, value in choices.items()):
            return False
        source = render(self._folder.family, self._folder.task.dtype, choices)
        if source.implementation in self.done or dict(choices) in self._suggested:
            return False
        self._suggested.append(dict(choices))
        return True

    def run(self, budget: int, say: Callable[[str], None] = lambda _: None) -> Evaluation | None:
        """Evaluate up to ``budget`` sources, those of an earlier run counted in; returns the best."""
        with Nursery(self._python, self._threads) as nursery:
            cache = measured_peaks(nursery, self._folder.task.dtype, self._threads).cache_bytes
            improved = True
            while improved:
                improved = False
                known = self.best
                start = dict(known.choices) if known else self._folder.family.defaults()
                for choices, origin in self._turns(start):
                    entry = self._evaluate(choices, nursery, cache, budget, origin)
                    if entry is None:
                        return self.best
                    say(f"{entry.implementation} {entry.outcome} {entry.why}".strip())
                best = self.best
                improved = best is not None and best != known
        return self.best

    def _turns(self, start: Choices) -> Iterator[tuple[Choices, Origin]]:
        """Suggestions as they come, and the neighbours of a choice."""
        for choices in neighbours(self._folder.family, start, [dims_of(key) for key in self._keys]):
            while self._suggested:
                yield self._suggested.pop(0), "llm"
            yield choices, "search"
        while self._suggested:
            yield self._suggested.pop(0), "llm"

    def _evaluate(
        self, choices: Choices, nursery: Nursery, cache: int, budget: int, origin: Origin
    ) -> Evaluation | None:
        """A choice's evaluation, from the log or new; ``None`` when the budget is spent."""
        source = render(self._folder.family, self._folder.task.dtype, choices)
        if source.implementation in self.done:
            return self.done[source.implementation]
        if len(self.done) >= budget:
            return None
        entry = self._measured(source, choices, nursery, cache)
        if self._origins:
            entry = entry.model_copy(update={"source": origin})
        self._log.append(entry.line())
        self.done[entry.implementation] = entry
        self.fresh += 1
        return entry

    def _measured(self, source: Source, choices: Choices, nursery: Nursery, cache: int) -> Evaluation:
        task = self._folder.task
        compiled = self._compiler.compile(source)
        if isinstance(compiled, CompileError):
            return _entry(source.implementation, choices, "compile_error", compiled.reason[:300])
        kernel, reference = of_kernel(compiled), live(task.live_source, task.live_backend)
        tried = qualify(self._folder, kernel, nursery, self._keys, self._threads)
        if not tried.ok:
            return _entry(kernel.id, choices, "wrong", tried.why)
        protocol = Protocol(
            timer="perf_counter_ns", warmup_calls=WARMUPS, timed_calls=SAMPLES, cache="rotated", rounds=ROUNDS,
            floor=FLOOR,
        )  # fmt: skip
        rounds = Rounds(self._folder, protocol, self._threads, cache, self._keys)
        rows = [row for index in range(ROUNDS) for row in rounds.measure(index, [reference, kernel], nursery)]
        ranked = scores(task, rows, FLOOR)
        if not ranked:
            return _entry(kernel.id, choices, "failed", next((row.raised for row in rows if row.raised), None) or "")
        return _entry(kernel.id, choices, "measured", "", ranked[0].decision.mean)


def evaluations(folder: TaskFolder) -> dict[str, Evaluation]:
    """What searches in this task found so far, by implementation."""
    return {entry.implementation: entry for entry in _read(folder.path / LOG)}


def fastest(entries: Iterable[Evaluation]) -> Evaluation | None:
    """The best of those that are right."""
    right = [entry for entry in entries if entry.log_ratio is not None]
    return max(right, key=lambda entry: entry.log_ratio or 0.0, default=None)


def values(family: Family, shapes: list[Dims]) -> dict[str, tuple[int, ...]]:
    """What each parameter of a template may be, for these shapes."""
    fixed = {f"fixed_{axis}": family.axes.index(axis) for axis in family.specialised}
    return {
        **{it.name: it.values for it in family.parameters},
        **{name: (0, *sorted({dims[place] for dims in shapes})) for name, place in fixed.items()},
    }


def neighbours(family: Family, start: Choices, shapes: list[Dims]) -> Iterator[dict[str, int]]:
    """The choice itself, then every choice that differs from it in one parameter."""
    yield dict(start)
    for name, allowed in values(family, shapes).items():
        for value in allowed:
            if value != start[name]:
                yield {**start, name: value}


def _entry(
    name: str, choices: Choices, outcome: Literal["measured", "compile_error", "wrong", "failed"], why: str,
    ratio: float | None = None,
) -> Evaluation:  # fmt: skip
    return Evaluation(implementation=name, choices=dict(choices), outcome=outcome, why=why, log_ratio=ratio)


def _read(path: Path) -> Iterator[Evaluation]:
    """Whole lines of an earlier search; what cannot be read is evaluated again."""
    if not path.is_file():
        return
    for line in path.read_bytes().splitlines():
        try:
            yield Evaluation.model_validate(orjson.loads(line))
        except (ValueError, ValidationError):
            continue
