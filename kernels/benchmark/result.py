"""Computes the claim of an operator benchmark from its rows.

t(row) = median of its samples; T = Σ calls · t over the served shapes; d = log(T_live / T_candidate), one per round.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from bankable.kernels.benchmark.candidate import LIVE
from bankable.tools.evidence.harness import BenchmarkClaim, OpRun, Task
from bankable.tools.statistics.paired import Decision, decide

PEERS = ("torch", "torch_compile")
"""Backends that no overlay can carry: they are there to be compared with."""


@dataclass(frozen=True)
class CandidateScore:
    """One candidate against the live implementation."""

    implementation: str
    backend: str
    decision: Decision
    shapes: dict[str, float]
    """Ratio live / candidate: geometric mean over rounds."""

    @property
    def speedup(self) -> float:
        return math.exp(self.decision.mean)

    @property
    def interval(self) -> tuple[float, float] | None:
        """One-sided bounds; ``None`` after a single round."""
        if self.decision.n < 2:
            return None
        return math.exp(self.decision.lower), math.exp(self.decision.upper)


def is_sound(task: Task, row: OpRun) -> bool:
    """Whether a row is a measurement of a correct answer."""
    check = row.correctness
    if row.raised is not None or not row.samples_ns or row.intact is None or row.executed != row.implementation:
        return False
    if not (row.intact.clock and row.intact.synchronize and row.intact.checker) or row.resolved != row.source:
        return False
    if row.role == "reference":
        return True
    if check is None or check.relative_error is None or check.mismatch_share > task.tolerance.mismatch_share:
        return False
    return bool(check.poison_intact and check.changes_with_input and check.same_pointer_recheck)


def score_candidates(task: Task, rows: Sequence[OpRun], floor: float) -> list[CandidateScore]:
    """Every candidate whose rows are all sound, the fastest first."""
    served = {shape.key: shape.calls for shape in task.shapes if shape.calls and not shape.held_out}
    times: dict[str, dict[tuple[int, str], float]] = {}
    broken = {row.implementation for row in rows if not is_sound(task, row)}
    for row in rows:
        if row.implementation not in broken:
            cells = times.setdefault(row.implementation, {})
            cells[row.round, row.shape] = median(value for value in row.samples_ns if value is not None)
    live = times.get(LIVE, {})
    backends = {row.implementation: row.backend for row in rows}
    ranked = []
    for name, candidate_cells in times.items():
        if name == LIVE or not live:
            continue
        rounds = sorted({index for index, _ in live} & {index for index, _ in candidate_cells})
        keys = [
            key for key in served if all((index, key) in live and (index, key) in candidate_cells for index in rounds)
        ]
        logs = [
            math.log(
                math.fsum(served[key] * live[index, key] for key in keys)
                / math.fsum(served[key] * candidate_cells[index, key] for key in keys)
            )
            for index in rounds
            if keys
        ]
        if logs:
            ranked.append(
                CandidateScore(name, backends[name], decide(logs, floor=floor), _ratios(live, candidate_cells))
            )
    return sorted(ranked, key=lambda score: -score.decision.mean)


def find_slow_peers(task: Task, rows: Sequence[OpRun], factor: float, floor: float) -> dict[str, float]:
    """Torch's own implementations that need more than ``factor`` times the time of the best, and how many times."""
    ranked = score_candidates(task, rows, floor)
    times = {score.implementation: ranked[0].speedup / score.speedup for score in ranked if score.backend in PEERS}
    return {name: ratio for name, ratio in times.items() if ratio > factor}


def derive_claim(task: Task, rows: Sequence[OpRun], backend: str, floor: float) -> BenchmarkClaim:
    """The outcome: the best candidate with a real gain wins; a harness error where nothing ran."""
    ranked = score_candidates(task, rows, floor)
    winner = next((score for score in ranked if score.decision.verdict == "real"), None)
    ran = [row for row in rows if row.raised is None]
    broke = not any(row.role == "reference" for row in ran) or not any(row.role == "candidate" for row in ran)
    if winner is not None:
        headline = (
            f"{task.operator}: {winner.implementation} is {winner.speedup:.2f}× the live implementation, isolated"
        )
    elif broke:
        headline = f"{task.operator}: nothing could be measured"
    else:
        best = f"; the best was {ranked[0].speedup:.2f}×, undecided" if ranked else ""
        headline = f"{task.operator}: no candidate is shown to be faster{best}"
    return BenchmarkClaim(
        run_id=task.run_id,
        operator=task.operator,
        outcome="winner" if winner else "harness_error" if broke else "no_win",
        winner=winner.implementation if winner else None,
        winner_backend=winner.backend if winner else None,
        baseline=LIVE,
        baseline_backend=backend,
        speedup=winner.speedup if winner else None,
        interval=winner.interval if winner else None,
        shapes=winner.shapes if winner else {},
        headline=headline,
    )


def _ratios(live: dict[tuple[int, str], float], candidate: dict[tuple[int, str], float]) -> dict[str, float]:
    logs: dict[str, list[float]] = {}
    for cell in live.keys() & candidate.keys():
        logs.setdefault(cell[1], []).append(math.log(live[cell] / candidate[cell]))
    return {key: math.exp(fmean(values)) for key, values in sorted(logs.items())}
