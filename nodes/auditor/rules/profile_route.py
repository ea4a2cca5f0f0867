"""The route follows from the profile: nothing large is left out, nothing editable is called a library (P04 P05).

Every operator with at least a hundredth of the wall time, at its corrected share, is in the route with that share and
with the origin that its symbols show. The largest one may be skipped only for a reason that holds: waiting, or host
bookkeeping. Without a route nothing was routed by operator.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.rule import NotApplicable, Outcome, Rule, at, flag, info
from bankable.nodes.auditor.verdict import Severity
from bankable.tools.profiling.records import OperatorFamily
from bankable.tools.profiling.route import EDITABLE, ROUTED, origin_of, settled_wall_share

ROUTE, PROFILE = "profile/route.json", "profile/profile.json"
SLACK = 0.2
"""Of a share: a stated one may differ that much from the corrected one."""
LARGEST = 0.10
"""Share of wall time from which an operator counts as dominant."""


def check(case: Case) -> Iterator[Outcome]:
    profile, route = case.view.profile, case.view.route
    if profile is None:
        return
    if route is None:
        yield NotApplicable("no route: nothing was routed by operator")
        return
    routed = {item.op: item for item in route.ops}
    ranked = sorted(profile.ops, key=settled_wall_share, reverse=True)
    for rank, op in enumerate(ranked):
        share, entry = settled_wall_share(op), routed.get(op.op)
        if share < ROUTED:
            break
        dominant = rank == 0 or share >= LARGEST
        skipped = entry is None or (entry.target == "skipped" and op.family is not OperatorFamily.HOST)
        if skipped and dominant:
            yield flag(
                f"{op.op} in the route, with {share:.1%} of the wall time",
                "skipped" if entry else "left out",
                "route by corrected shares, the dominant operator first",
                at(ROUTE),
                at(PROFILE),
                modes=("P05",),
                code="dominant_skipped",
            )
        elif entry is not None and abs(entry.share - share) > SLACK * share + ROUTED / 2:
            yield flag(
                f"{op.op}: {share:.1%}",
                f"routed with {entry.share:.1%}",
                "route by corrected shares",
                at(ROUTE),
                modes=("P05", "P02"),
                code="share_differs",
            )
        origin = origin_of(op)
        if entry is not None and entry.origin != origin and (entry.origin in EDITABLE) != (origin in EDITABLE):
            yield flag(
                f"{op.op} of origin {origin}, by {op.symbols[:1]}"[:300],
                f"tagged {entry.origin}",
                "resolve the source of the operator and tag it by that",
                at(ROUTE),
                at(PROFILE),
                modes=("P04",),
                code="origin_differs",
            )
    yield info("a route that follows from the profile", f"{len(routed)} operators routed", at(ROUTE))


rule = Rule("profile_route", frozenset({"profile"}), ("P04", "P05"), ("profile",), check, gives=(Severity.FLAG,))
