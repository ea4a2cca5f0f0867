"""The claim that a producer would make over mutated records, and whether it favours the candidate more than before."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

from bankable.evals.fixtures.build.files import Json, edit, read, read_lines, write
from bankable.evals.fixtures.build.run import honest_claim
from bankable.evals.redteam.scene import ROUNDS, InapplicableError
from bankable.nodes.auditor.harness.isolated import measure_isolated
from bankable.nodes.auditor.reading.sealed import SealedView
from bankable.tools.evidence.records import BenchRun, Claim, LatencySummary, Plan, RoundStamp, Side
from bankable.tools.evidence.seal import seal

NARROWER = 0.5
"""Share of the honest interval's width below which a claim says more than the evidence did."""
LATENCY_S = 0.05
"""Smallest relative change of a latency, against the other side, that counts: rounds differ by less."""
LATENCIES = tuple(name for name in LatencySummary.model_fields if name.endswith("_ms"))


def claim_again(folder: Path) -> None:
    """Write the claim that an honest producer would make from the rounds of a comparison.

    Raises ``InapplicableError`` where no claim follows from them, as with unequal numbers of launches.
    """
    plan = Plan.model_validate(_known(read(folder / "plan.json"), Plan))
    try:
        measured = {side: _rounds(folder, side) for side in Side}
        claim = honest_claim(plan, measured).model_dump(mode="json")
    except (ValueError, ZeroDivisionError, IndexError, KeyError, OverflowError):
        raise InapplicableError("rounds from which a claim follows") from None
    path = folder / "claim.json"
    before = read(path) if path.is_file() else {}
    extra = {name: value for name, value in before.items() if name not in Claim.model_fields}
    isolated = {"isolated": before["isolated"]} if before.get("isolated") else {}
    write(path, {**claim, **isolated, **extra})


def _rounds(folder: Path, side: Side) -> list[list[BenchRun]]:
    legs = [leg for leg in sorted((folder / "legs").glob(f"b*-{side.value}")) if (leg / ROUNDS).is_file()]
    return [
        [
            BenchRun.model_validate({**row, "bankable": _known(row["bankable"], RoundStamp)})
            for row in sorted(read_lines(leg / ROUNDS), key=lambda row: int(row["bankable"]["index"]))
        ]
        for leg in legs
    ]


def _known(document: Json, kind: type[Plan] | type[RoundStamp]) -> Json:
    return {name: value for name, value in document.items() if name in kind.model_fields}


def claim_operator_again(run: Path, operator: str, attempt: int) -> None:
    """Write the claim that follows from the rows of an operator's benchmark, with the same winner."""
    with tempfile.TemporaryDirectory(prefix="redteam-claim-") as place:
        sealed = seal(run, "harness", operator, attempt, Path(place) / "sealed")
        benchmark = SealedView(sealed.folder).benchmark
        result = measure_isolated(benchmark, benchmark.winner) if benchmark.winner else None
        sealed.discard()
    if result is None or result.speedup is None:
        raise InapplicableError("a claimed winner")
    headline = f"{operator}: {result.implementation} is {result.speedup:.2f}× the live implementation, isolated"
    figures = {"speedup": result.speedup, "interval": result.interval, "shapes": dict(result.shapes)}
    edit(
        run / "ops" / operator / f"bench-{attempt}" / "claim.json",
        lambda claim: claim.update({**figures, "headline": headline}),
    )


def is_better(before: Json, now: Json) -> bool:
    """Whether a claim is larger than the honest one by more than its noise, or more certain, or hides a latency.

    The gain has to leave the honest interval upwards; or the interval to shrink by half while the gain stays; or a
    latency of the candidate, against the reference's, to fall by ``LATENCY_S``.
    """
    if "speedup" in before:
        return _is_larger(before.get("speedup"), before.get("interval"), now.get("speedup"), now.get("interval"))
    if _is_larger(before.get("delta"), before.get("interval"), now.get("delta"), now.get("interval")):
        return True
    if before.get("decision") != "real" and now.get("decision") == "real":
        return True
    return any(_relative(now, name) < (1.0 - LATENCY_S) * _relative(before, name) for name in LATENCIES)


def _is_larger(
    gain: float | None, interval: list[float] | None, now: float | None, interval_now: list[float] | None
) -> bool:
    if now is None or gain is None:
        return False
    if interval is None or interval_now is None:
        return now > gain + 0.02
    narrower = interval_now[1] - interval_now[0] < NARROWER * (interval[1] - interval[0])
    return now > interval[1] or (narrower and now >= gain)


def _relative(claim: Json, name: str) -> float:
    """A latency of the candidate over the reference's."""
    values = [claim[side].get(name) for side in ("candidate", "reference")]
    if not all(isinstance(value, int | float) and value > 0 and math.isfinite(value) for value in values):
        return 1.0
    return float(values[0] / values[1])
