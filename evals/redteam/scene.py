"""What a mutation works on: one comparison or operator benchmark in a copy of a run, and a source of chance."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bankable.evals.fixtures.build.files import Json, read, read_lines, write_lines
from bankable.evals.redteam.rows import settle

ROUNDS, HOST, LOG, LEG = "bench_runs.jsonl", "host.jsonl", "server.log", "leg.json"
INFO, OUTPUTS, ANSWERS = "server_info.json", "outputs.jsonl", "accuracy.jsonl"
OPERATOR_ROWS = "opbench_runs.jsonl"


class InapplicableError(Exception):
    """The run lacks the records that a mutation changes."""


@dataclass(frozen=True)
class Scene:
    """One comparison, or one attempt at an operator's benchmark, that is mutated in place."""

    folder: Path
    """``comparisons/<name>``, or ``ops/<operator>`` in scope harness."""
    rng: random.Random
    """Source of every choice."""
    attempt: int = 1
    """Attempt of the operator benchmark; 1 for a comparison."""

    def legs(self, side: str) -> list[Path]:
        """Complete launches of one side, in block order. Raises ``InapplicableError`` without any."""
        legs = [leg for leg in sorted((self.folder / "legs").glob(f"b*-{side}")) if (leg / ROUNDS).is_file()]
        if not legs:
            raise InapplicableError(f"launches of the {side}")
        return legs

    def both(self) -> list[Path]:
        """Complete launches of both sides."""
        return [*self.legs("reference"), *self.legs("candidate")]

    def legs_with(self, side: str, name: str) -> list[Path]:
        """Complete launches of one side that have a file with content. Raises ``InapplicableError`` without any."""
        legs = [leg for leg in self.legs(side) if (leg / name).is_file() and (leg / name).stat().st_size]
        if not legs:
            raise InapplicableError(name)
        return legs

    def two(self, side: str, name: str = ROUNDS) -> tuple[Path, Path]:
        """Two launches of one side that both have a file. Raises ``InapplicableError`` where there are fewer."""
        legs = self.legs_with(side, name)
        if len(legs) < 2:
            raise InapplicableError("two launches of a side")
        first, second = self.rng.sample(legs, 2)
        return first, second

    @property
    def bench(self) -> Path:
        """Folder of the operator benchmark's attempt. Raises ``InapplicableError`` for a comparison."""
        folder = self.folder / f"bench-{self.attempt}"
        if not (folder / OPERATOR_ROWS).is_file():
            raise InapplicableError(OPERATOR_ROWS)
        return folder


def each_round(legs: Sequence[Path], change: Callable[[Json], object]) -> None:
    """Change every round of some launches and settle its figures."""
    for leg in legs:
        rows = read_lines(leg / ROUNDS)
        for row in rows:
            change(row)
        write_lines(leg / ROUNDS, [settle(row) for row in rows])


def rounds_of(leg: Path) -> list[Json]:
    """Rounds of a launch. Raises ``InapplicableError`` where one lists no requests."""
    rows = read_lines(leg / ROUNDS)
    if not rows or any(not row.get("ttfts") for row in rows):
        raise InapplicableError("per-request lists")
    return rows


def spans_of(leg: Path) -> list[tuple[float, float]]:
    """Start and end of each timed round of a launch, Unix seconds."""
    return [(row["bankable"]["started"], row["bankable"]["ended"]) for row in read_lines(leg / ROUNDS)]


def is_timed(leg: Path, seconds: float, margin: float = 2.0) -> bool:
    """Whether a moment is within ``margin`` seconds of a timed round."""
    return any(started - margin <= seconds <= ended + margin for started, ended in spans_of(leg))


def concurrency_of(row: Json) -> int:
    """Requests in flight at most, as the load generator was told; all of them where it was not."""
    limit = row.get("max_concurrency")
    return int(limit) if isinstance(limit, int | float) and limit >= 1 else len(row["ttfts"])


def workload_of(scene: Scene) -> Json:
    """The plan's workload. Raises ``InapplicableError`` without a plan."""
    path = scene.folder / "plan.json"
    if not path.is_file():
        raise InapplicableError("plan.json")
    workload: Json = read(path)["workload"]
    return workload
