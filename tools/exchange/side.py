"""One side of a comparison, reduced to what other projects' formats hold: all its timed rounds together.

Rates are totals over the summed time of the rounds; latencies are of all answered requests of all rounds. One file
stands for several launches, and says how many: the interval over launches is in the verdict, and no format here has it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from bankable.tools.errors import UserError
from bankable.tools.evidence.records import BenchRun, HostSample, LegRecord, Plan, Side
from bankable.tools.exchange.admission import judge_admission
from bankable.tools.objective.energy import MeteredRound, MeterSample, TokenEnergy, find_energy
from bankable.tools.statistics.latency import percentiles


@dataclass(frozen=True)
class MeasuredSide:
    """One side's launches together."""

    plan: Plan
    side: Side
    legs: tuple[LegRecord, ...]
    """Complete launches, in order of their folders."""
    rounds: int
    """Timed rounds of all launches."""
    seconds: float
    """Summed duration of the rounds."""
    started: float
    """Start of the first round, Unix seconds."""
    ended: float
    """End of the last round, Unix seconds."""
    sent: int
    failed: int
    input_tokens: int
    output_tokens: int
    input_lens: tuple[int, ...]
    output_lens: tuple[int, ...]
    latencies: Mapping[str, tuple[float, ...]]
    """Seconds of each answered request, by ``ttft``, ``tpot`` and ``e2el``; of each gap by ``itl``."""
    server_info: Mapping[str, Any]
    """Resolved server arguments of the first launch."""
    energy: tuple[TokenEnergy, ...]
    """By each meter that covers every round of every launch; empty without one."""

    @property
    def output_rate(self) -> float:
        """Output tokens per second."""
        return self.output_tokens / self.seconds

    @property
    def input_rate(self) -> float:
        """Prompt tokens per second."""
        return self.input_tokens / self.seconds

    @property
    def request_rate(self) -> float:
        """Answered requests per second."""
        return (self.sent - self.failed) / self.seconds


def read_side(comparison: Path, side: Side) -> MeasuredSide:
    """Read one side of a comparison of a run. Raises ``UserError`` where nothing of it was measured."""
    try:
        plan = Plan.model_validate_json((comparison / "plan.json").read_bytes())
        folders = [path.parent for path in sorted(comparison.glob("legs/*/leg.json"))]
        pairs = [(folder, LegRecord.model_validate_json((folder / "leg.json").read_bytes())) for folder in folders]
        chosen = [(folder, leg) for folder, leg in pairs if leg.side is side and leg.status == "complete"]
        runs = [_read_lines(folder / "bench_runs.jsonl", BenchRun) for folder, _ in chosen]
    except (OSError, ValueError) as problem:
        reason = str(problem).splitlines()[0]
        raise UserError(f"Cannot export: {reason}", str(comparison), "give a comparison of a run") from problem
    flat = [run for launch in runs for run in launch]
    if not flat:
        raise UserError(f"Cannot export: no timed round of the {side.value}", str(comparison), "give a finished run")
    energies = [_find_energy(folder, launch) for (folder, _), launch in zip(chosen, runs, strict=True)]
    done = [(run, index) for run in flat for index, error in enumerate(run.errors) if not error]
    decodes = [(run, index, math.fsum(run.itls[index])) for run, index in done]
    return MeasuredSide(
        plan=plan,
        side=side,
        legs=tuple(leg for _, leg in chosen),
        rounds=len(flat),
        seconds=math.fsum(run.duration for run in flat),
        started=min(run.bankable.started for run in flat),
        ended=max(run.bankable.ended for run in flat),
        sent=sum(run.bankable.issued for run in flat),
        failed=sum(run.bankable.issued for run in flat) - len(done),
        input_tokens=sum(run.input_lens[index] for run, index in done),
        output_tokens=sum(run.output_lens[index] for run, index in done),
        input_lens=tuple(run.input_lens[index] for run, index in done),
        output_lens=tuple(run.output_lens[index] for run, index in done),
        latencies={
            "ttft": tuple(run.ttfts[index] for run, index in done),
            "tpot": tuple(
                decode / (run.output_lens[index] - 1) for run, index, decode in decodes if run.output_lens[index] > 1
            ),
            "itl": tuple(gap for run, index in done for gap in run.itls[index]),
            "e2el": tuple(run.ttfts[index] + decode for run, index, decode in decodes),
        },
        server_info=flat[0].server_info,
        energy=_join_energy(energies),
    )


def label_side(side: MeasuredSide, image: str | None) -> str:
    """Whether a leaderboard would admit this side, in words. ``image``: container image as the caller says."""
    lever = side.plan.lever if side.side is Side.CANDIDATE else None
    leg = side.legs[0]
    overlaid = leg.overlay_digest is not None
    return judge_admission(lever, side.plan, side.server_info, leg.device, image, overlaid=overlaid).describe()


def spots(values: Sequence[float], qs: Sequence[float]) -> dict[float, float]:
    """Percentiles by q; empty of nothing."""
    return dict(zip(qs, percentiles(values, qs), strict=True)) if values else {}


def _read_lines(path: Path, kind: type[BenchRun]) -> list[BenchRun]:
    return [kind.model_validate_json(line) for line in path.read_bytes().splitlines() if line.strip()]


def _find_energy(folder: Path, runs: Sequence[BenchRun]) -> tuple[TokenEnergy, ...]:
    path = folder / "host.jsonl"
    if not path.is_file():
        return ()
    samples = []
    for line in path.read_bytes().splitlines():
        try:
            sample = HostSample.model_validate_json(line)
        except ValueError:
            continue
        watts = [gpu["power_w"] for gpu in sample.gpu if "power_w" in gpu]
        complete = bool(watts) and len(watts) == len(sample.gpu)
        samples.append(MeterSample(sample.t, sample.package_joules, sum(watts) if complete else None))
    rounds = [MeteredRound(run.bankable.started, run.bankable.ended, run.total_output_tokens) for run in runs]
    return find_energy(samples, rounds)


def _join_energy(launches: Sequence[tuple[TokenEnergy, ...]]) -> tuple[TokenEnergy, ...]:
    """Means over the launches, by each meter that covers all of them."""
    meters = [{energy.meter: energy for energy in each} for each in launches]
    common = [meter for meter in (meters[0] if meters else ()) if all(meter in each for each in meters)]
    return tuple(
        TokenEnergy(
            fmean(each[meter].joules_per_token for each in meters), fmean(each[meter].watts for each in meters), meter
        )
        for meter in common
    )
