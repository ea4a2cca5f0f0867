"""Reads the load ladder of a run for its report: points with intervals, frontier, a configuration for each load."""

from __future__ import annotations

import orjson
from pydantic import ValidationError

from bankable.tools.evidence.records import FrontierClaim, Limit, PointClaim, describe_limits
from bankable.tools.report.frontier_model import ReportFrontier, ReportLoad, ReportPoint
from bankable.tools.report.model import ReportVerdict
from bankable.tools.report.reading import ReportReader, clean, mapping, sequence

FOLDER = "ladder"
"""Name of the comparison."""


def read_frontier(reader: ReportReader, verdicts: list[ReportVerdict]) -> ReportFrontier | None:
    """The ladder's claim and what the auditor says of it; ``None`` for a run without one."""
    folder = reader.root / "comparisons" / FOLDER
    raw = reader.json(folder / "claim.json", needed=False)
    if not raw:
        return None
    try:
        claim = FrontierClaim.model_validate_json(orjson.dumps(raw))
        limits = _limits(reader.json(folder / "plan.json"))
    except (ValidationError, TypeError):
        reader.gaps.append("The claim of the load ladder is not one that this version knows; it is not shown.")
        return None
    return ReportFrontier(
        headline=clean(claim.headline, 400),
        verdict=next((verdict.verdict for verdict in verdicts if verdict.scope == "frontier"), ""),
        limits=limits,
        blocks=claim.blocks,
        contenders=tuple(dict.fromkeys(clean(point.contender, 100) for point in claim.points)),
        points=tuple(map(_point, claim.points)),
        loads=tuple(
            ReportLoad(
                load=clean(point.load, 40),
                contender=clean(point.contender, 100),
                undecided=tuple(clean(name, 100) for name in point.undecided),
                best=point.load == claim.best,
            )
            for point in claim.operating_points
        ),
    )


def _limits(plan: dict[str, object]) -> str:
    limits = tuple(Limit.model_validate(mapping(entry)) for entry in sequence(plan.get("limits"), 20))
    return describe_limits(limits)


def _point(point: PointClaim) -> ReportPoint:
    return ReportPoint(
        contender=clean(point.contender, 100),
        load=clean(point.load, 40),
        launches=point.launches,
        throughput=point.throughput,
        throughput_interval=point.throughput_interval,
        interactivity=point.interactivity,
        interactivity_interval=point.interactivity_interval,
        goodput=point.goodput,
        attainment=point.attainment,
        dominated_by=tuple(clean(name, 160) for name in point.dominated_by),
    )
