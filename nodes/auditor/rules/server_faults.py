"""No server broke while it was measured (H17 E06 D05).

Reads each leg's own log after "ready": tracebacks, device errors, watchdogs. A candidate that faults does harm whatever
its rate; a faulted reference is a faulty measurement. Start-up complaints about optional parts are not faults.
"""

from __future__ import annotations

from collections.abc import Iterator

from nodes.auditor.case import Case
from nodes.auditor.rule import COMPARISONS, Outcome, Rule, at, fail, flag
from nodes.auditor.verdict import Action, Severity
from nodes.auditor.view import LegView


def check(case: Case) -> Iterator[Outcome]:
    broken = {side: [leg for leg in legs if leg.log and leg.log.faults] for side, legs in _sides(case).items()}
    for side, legs in broken.items():
        for leg in legs[:3]:
            line, text = leg.log.faults[0] if leg.log else (None, "")
            harm = side == "candidate" and not case.is_control and not broken["reference"]
            yield fail(
                "a log without faults after the server was ready", f"{leg.name}: {text}",
                "do no harm: find this fault before measuring again", at(leg.path("server.log"), line),
                action=Action.EJECT if harm else Action.REMEASURE, modes=("H17", "D05"), code="server_fault",
            )  # fmt: skip
    for leg in case.legs:
        if leg.log and leg.log.retractions:
            yield flag(
                "a KV pool that never filled", f"{leg.name}: requests were retracted",
                "give the pool more room on both legs, or lower the concurrency",
                at(leg.path("server.log"), leg.log.retractions[0]), modes=("C13",), code="retractions",
            )  # fmt: skip
            break


def _sides(case: Case) -> dict[str, list[LegView]]:
    return {
        "reference": [block.reference for block in case.blocks],
        "candidate": [block.candidate for block in case.blocks],
    }


rule = Rule(
    "server_faults", COMPARISONS, ("H17", "E06", "D05"), ("plan", "rounds", "server_log"), check, missing=Severity.FLAG
)
