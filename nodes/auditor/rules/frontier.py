"""The frontier over configurations and loads follows from the requests: points recomputed, dominance proven (D09 D14).

Every launch is of a configuration of the plan and serves whole loads: each round has the requests, lengths, arrivals
and seed that the plan gives to its load; no block and no load of a configuration is missing before one that is there.
From the per-request lists: throughput per device, interactivity and goodput of each point with their intervals; which
points dominate which, at declared looks, with Holm's correction over all pairs of planned points
(``bankable.tools.statistics.frontier``); the configuration of each load. Against it: each figure, dominance and choice
of the claim. A dominance that is claimed and not proven fails, and so does a point that was measured and is not stated.
Answers of each configuration are held against the true baseline's.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.findings.ladder import judge_answers, judge_leg
from bankable.nodes.auditor.findings.reported import RATE, wrong
from bankable.nodes.auditor.ladder import DerivedFrontier, DerivedPoint, contender_of, describe_frontier
from bankable.nodes.auditor.measured import find_plan_fault
from bankable.nodes.auditor.reading.frontier_claim import ReportedFrontier, ReportedPoint
from bankable.nodes.auditor.rule import FRONTIER, Found, Outcome, Rule, Unverifiable, at, fail, flag, info
from bankable.nodes.auditor.verdict import Action
from bankable.tools.evidence.records import Ladder, Plan, Side, point_key
from bankable.tools.statistics.frontier import Estimate
from bankable.tools.statistics.pocock import nominal_alpha

LEVEL_SLACK = 0.0005
SHARE = 0.001
"""Tolerance of a share of requests."""


def check(case: Case) -> Iterator[Outcome]:
    plan = case.plan
    ladder = plan.ladder
    if ladder is None:
        yield Unverifiable("configurations and loads in the plan", (at(case.plan_file),))
        return
    if fault := _find_fault(plan, ladder):
        yield _fail("a ladder of distinct loads and configurations, with declared looks", fault, case.plan_file, "D10")
        return
    yield from _launches(case, plan, ladder)
    frontier = case.frontier
    if frontier is None:
        yield Unverifiable("requests with gaps between tokens in every round", (at(case.candidate_file),))
        return
    yield from _complete(case, ladder)
    claim = case.reported_frontier
    if claim is None:
        yield Unverifiable("the claim of the ladder", (at(case.claim_file),))
    else:
        yield from _figures(case, plan, frontier, claim)
        yield from _dominance(case, frontier, claim)
        yield from _choices(case, plan, ladder, frontier, claim)
    yield info(
        "a frontier of recomputed points", describe_frontier(plan, frontier), at(case.candidate_file), code="frontier"
    )


def _find_fault(plan: Plan, ladder: Ladder) -> str:
    """Why no frontier can rest on a plan; empty where one can."""
    for what, names in (
        ("load", [load.name for load in ladder.loads]),
        ("load", [load.workload.model_dump_json() for load in ladder.loads]),
        ("configuration", [entry.name for entry in ladder.contenders]),
        ("configuration", [entry.config.model_dump_json() for entry in ladder.contenders]),
    ):
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            return f"{what} {twice[0][:200]} is there twice"
    looks = plan.looks
    if not looks or list(looks) != sorted(set(looks)) or looks[0] < 1:
        return f"looks {list(looks)}"
    if plan.alpha > nominal_alpha(looks) + LEVEL_SLACK:
        return f"a level of {plan.alpha:g}"
    return find_plan_fault(plan)


def _launches(case: Case, plan: Plan, ladder: Ladder) -> Iterator[Outcome]:
    legs = case.comparison.legs
    blocks = Counter(leg.record.block for leg in legs if leg.record is not None)
    for leg in legs:
        if leg.record is None:
            yield _fail("a closed launch", "leg.json is missing", leg.path("leg.json"), "D06")
        elif not leg.complete:
            yield flag(
                "no launch fails",
                f"{leg.name}: {leg.record.failure.kind if leg.record.failure else 'failed'}",
                "look at its server.log; a configuration that fails is left out of later blocks",
                at(leg.path("leg.json")),
                modes=("H17",),
                code="launch_failed",
            )
        else:
            yield from judge_leg(plan, ladder, leg, blocks[leg.record.block] - 1)
    first = [leg for leg in case.legs if leg.record is not None and leg.record.block == 0]
    baseline = next((leg for leg in case.true_baseline.side(Side.REFERENCE) if leg.outputs), None)
    yield from judge_answers(baseline, first)


def _complete(case: Case, ladder: Ladder) -> Iterator[Found]:
    """Every configuration serves every load in the first block, and blocks follow each other without a gap."""
    failed = {leg.name.partition("-")[2] for leg in case.comparison.legs if not leg.complete}
    served = {point.key: sorted(point.launches) for point in case.derived_points}
    for entry in ladder.contenders:
        for load in ladder.loads:
            key = point_key(entry.name, load.name)
            blocks = served.get(key, [])
            if not blocks and entry.name in failed:
                continue
            if not blocks or blocks != list(range(len(blocks))):
                observed = f"{key} in blocks {blocks}" if blocks else f"{key} was never served"
                yield _fail(
                    "every load of every configuration from the first block on, without a gap",
                    observed,
                    case.candidate_file,
                    "D11",
                    "point_left_out",
                )
    known = [leg for leg in case.legs if contender_of(ladder, leg) is not None]
    twice = Counter((leg.record.block, leg.name) for leg in known if leg.record is not None)
    if any(count > 1 for count in twice.values()):
        yield _fail("one launch of a configuration in a block", "more", case.candidate_file, "D11")


def _figures(case: Case, plan: Plan, frontier: DerivedFrontier, claim: ReportedFrontier) -> Iterator[Found]:
    """Each stated figure against the requests; every measured point is stated once, and no other."""
    stated = Counter(point_key(point.contender, point.load) for point in claim.points)
    derived = {point.key: point for point in frontier.points}
    for key in derived.keys() - stated.keys():
        yield _fail("every measured point in the claim", f"{key} is not stated", case.claim_file, "D11", "point_hidden")
    for key, count in stated.items():
        if key not in derived or count > 1:
            what = f"{key} was not measured" if key not in derived else f"{key} is stated {count} times"
            yield _fail("measured points, once each", what, case.claim_file, "D14", "point_invented")
    for point in claim.points:
        own = derived.get(point_key(point.contender, point.load))
        if own is not None:
            yield from _point(case, plan, frontier, point, own)


def _point(
    case: Case, plan: Plan, frontier: DerivedFrontier, stated: ReportedPoint, own: DerivedPoint
) -> Iterator[Found]:
    where = at(case.claim_file)
    if stated.launches is not None and stated.launches != len(own.launches):
        yield wrong(f"{own.key}: {len(own.launches)} launches", f"claimed {stated.launches}", where)
    pairs: list[tuple[str, float | None, float | None]] = []
    for name, value, bounds, true in (
        ("throughput", stated.throughput, stated.throughput_interval, frontier.throughput[own.key]),
        ("interactivity", stated.interactivity, stated.interactivity_interval, frontier.interactivity[own.key]),
    ):
        pairs.append((name, value, true.mean))
        pairs += _bounds(name, bounds, true)
    if plan.limits:
        service = own.find_goodput(plan)
        if service is not None:
            pairs += [("goodput", stated.goodput, service[0]), ("attainment", stated.attainment, service[1])]
    elif stated.goodput is not None:
        yield wrong("no goodput without limits in the plan", f"{own.key}: claimed {stated.goodput:g}", where)
    for name, claimed, value in pairs:
        if claimed is None or value is None:
            if claimed is not None:
                yield wrong(f"{own.key}: no {name} from one launch", f"claimed {claimed:.4g}", where)
            continue
        if not math.isclose(claimed, value, rel_tol=RATE, abs_tol=SHARE if name == "attainment" else 1e-9):
            yield wrong(f"{own.key}: {name} {value:.4f} from the requests", f"claimed {claimed:.4f}", where)


def _bounds(
    name: str, stated: tuple[float | None, float | None] | None, true: Estimate
) -> list[tuple[str, float | None, float | None]]:
    low, high = true.interval if true.interval is not None else (None, None)
    claimed = stated if stated is not None else (None, None)
    return [(f"lower bound of {name}", claimed[0], low), (f"upper bound of {name}", claimed[1], high)]


def _dominance(case: Case, frontier: DerivedFrontier, claim: ReportedFrontier) -> Iterator[Found]:
    for point in claim.points:
        key = point_key(point.contender, point.load)
        proven = set(frontier.dominators.get(key, ()))
        for name in sorted(set(point.dominated_by) - proven):
            yield _fail(
                f"a proof that {name[:200]} dominates {key}",
                "its launches do not show it at a declared look, after correction for all pairs",
                case.claim_file,
                "D09",
                "dominance_not_proven",
            )
        hidden = sorted(proven - set(point.dominated_by))
        if hidden and key in frontier.dominators:
            yield _fail(f"{key} dominated by {hidden[0]}", "not claimed", case.claim_file, "D14", "dominance_hidden")


def _choices(
    case: Case, plan: Plan, ladder: Ladder, frontier: DerivedFrontier, claim: ReportedFrontier
) -> Iterator[Found]:
    """One configuration for each load: the best by the deciding figure of those that none dominates there."""
    configs = {entry.name: entry.config.model_dump(mode="json") for entry in ladder.contenders}
    stated = {point.load: point for point in claim.operating_points}
    figures: dict[str, float] = {}
    for load in ladder.loads:
        choice, point = frontier.choose(plan, load.name), stated.pop(load.name, None)
        if choice is None or point is None:
            if choice is not None:
                yield _choice(case, f"{load.name}: {choice[0]}", "no configuration is named")
            continue
        own = next(each for each in frontier.points if each.key == point_key(choice[0], load.name))
        figures[load.name] = frontier.find_deciding(plan, own)
        if point.contender != choice[0]:
            yield _choice(case, f"{load.name}: {choice[0]}", f"claimed {point.contender}")
        elif set(point.undecided) != set(choice[1]):
            named = ", ".join(point.undecided) or "none"
            yield _choice(case, f"{load.name}: undecided against {', '.join(choice[1]) or 'none'}", f"claimed {named}")
        if point.config != configs.get(point.contender):
            yield _choice(case, f"{load.name}: {point.contender} as in the plan", "another configuration")
    if stated:
        yield _choice(case, "loads of the plan", f"claimed {', '.join(stated)[:200]}")
    best = max(figures, key=lambda load: figures[load], default=None)
    if claim.best is not None and claim.best != best:
        yield _choice(case, f"best load {best}", f"claimed {claim.best[:200]}")


def _choice(case: Case, expected: str, observed: str) -> Found:
    return _fail(expected, observed, case.claim_file, "D14", "choice_differs")


def _fail(expected: str, observed: str, file: str, mode: str, code: str = "ladder") -> Found:
    return fail(
        expected,
        observed[:300],
        "state what the launches of the ladder show, all of it; measure more blocks under a new plan to prove more",
        at(file),
        action=Action.REMEASURE,
        modes=(mode,),
        code=code,
    )


rule = Rule(
    "frontier",
    FRONTIER,
    (
        *("C01", "C08", "C10", "C11", "C17", "D06", "D09", "D10", "D11", "D14", "H17"),
        *("Q03", "Q05", "Q07", "Q08", "Q09", "R01", "R02", "R03"),
    ),
    ("plan", "rounds", "true_baseline"),
    check,
    gate=True,
)
