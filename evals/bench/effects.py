"""Estimates the effect of each configuration of a recorded landscape, with the machine's drift removed."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from statistics import mean, median

import numpy as np

from bankable.evals.bench.records import Landscape, LaunchRow
from bankable.tools.errors import UserError
from bankable.tools.search.space import Point


@dataclass(frozen=True)
class RecordedLaunch:
    """One launch of a configuration, as a search would have measured it."""

    cost_s: float
    """Server seconds: its share of the batch's start-up, and its rounds."""
    deviation: float
    """Deviation from the configuration's mean, in log ratio, widened for the degrees of freedom that the fit used."""
    failure: str | None
    """Kind of failure; the deviation of a failed launch has no meaning."""


@dataclass(frozen=True)
class Recorded:
    """One configuration."""

    truth: float
    """Log ratio against the reference: mean over its launches, batch effects taken out; −∞ if it never served."""
    launches: tuple[RecordedLaunch, ...]


@dataclass(frozen=True)
class Effects:
    """All configurations."""

    recorded: dict[Point, Recorded]
    reference_deviations: tuple[float, ...]
    """Deviations of the reference's launches."""
    noise_sd: float
    """Standard deviation of a launch's log throughput within a batch."""
    batch_sd: float
    """Standard deviation of the batch effects: the machine's drift."""

    def best(self) -> Point:
        """The configuration with the highest mean; the first one in a tie."""
        return max(self.recorded, key=lambda p: self.recorded[p].truth)

    def standard_error(self) -> float:
        """Of what is known of a configuration, at least: batch effects are estimates too."""
        return self.noise_sd / math.sqrt(mean(len(recorded.launches) for recorded in self.recorded.values()))

    def pass_s(self) -> float:
        """Server seconds to launch every configuration but the reference once."""
        return sum(mean(x.cost_s for x in r.launches) for p, r in self.recorded.items() if any(p))


def effects(landscape: Landscape) -> Effects:
    """Least squares of log throughput (median over a launch's rounds) on configuration and batch.

    Replicates mix configurations into batches anew, so that both sets of effects are estimable (Cochran & Cox,
    *Experimental Designs*, 1957, ch. 10). Deviations are widened by √(n / (n − p)), p the rank of the fit.
    Raises ``UserError`` when configurations are missing, the reference failed, or nothing is left to see noise by.
    """
    by_point = landscape.by_point()
    space = landscape.space()
    missing = space.size() - len(by_point)
    if missing:
        raise UserError(
            f"Cannot estimate effects: {missing} of {space.size()} configurations are not recorded",
            "landscape",
            "finish recording",
        )
    served = [row for row in landscape.launches if row.failure is None]
    points = sorted({tuple(row.point) for row in served})
    groups = sorted({row.batch for row in served})
    if space.reference not in points:
        raise UserError("Cannot estimate effects: no launch of the reference served", "landscape", "record it again")
    y = np.array([_log_throughput(row) for row in served])
    design = np.zeros((len(served), len(points) + len(groups)))
    for i, row in enumerate(served):
        design[i, points.index(tuple(row.point))] = 1.0
        design[i, len(points) + groups.index(row.batch)] = 1.0
    solution, _, rank, _ = np.linalg.lstsq(design, y, rcond=None)
    freedom = len(y) - int(rank)
    if freedom < 1:
        raise UserError(
            "Cannot estimate effects: too few launches to separate them from noise", "landscape", "record more launches"
        )
    residual = (y - design @ solution) * math.sqrt(len(y) / freedom)
    means = dict(zip(points, solution[: len(points)].tolist(), strict=True))
    deviations = {(row.launch, tuple(row.point)): d for row, d in zip(served, residual.tolist(), strict=True)}
    together = Counter(row.batch for row in landscape.launches)
    recorded = {
        point: Recorded(
            truth=means.get(point, -math.inf) - means[space.reference],
            launches=tuple(
                RecordedLaunch(
                    cost_s=row.batch_startup_s / together[row.batch] + row.round_s,
                    deviation=deviations.get((row.launch, point), 0.0),
                    failure=row.failure.kind if row.failure else None,
                )
                for row in rows
            ),
        )
        for point, rows in by_point.items()
    }
    return Effects(
        recorded=recorded,
        reference_deviations=tuple(
            launch.deviation for launch in recorded[space.reference].launches if launch.failure is None
        ),
        noise_sd=float(np.sqrt(np.mean(residual**2))),
        batch_sd=float(np.std(solution[len(points) :], ddof=1)) if len(groups) > 1 else 0.0,
    )


def _log_throughput(row: LaunchRow) -> float:
    return math.log(median(r.output_throughput for r in row.rounds))
