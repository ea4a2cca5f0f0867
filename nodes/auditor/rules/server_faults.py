"""No server broke while it was measured (H17 E06 D05).

Reads each leg's own log after "ready": tracebacks, device errors, watchdogs. A candidate that faults does harm whatever
its rate; a faulted reference is a faulty measurement. Start-up complaints about optional parts are not faults. A launch
that was repeated still counts here: a candidate that died or hung under load, where no reference did, is ejected when
it replaces an operator or did so twice. So is one whose own claim says that its server died.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.rule import COMPARISONS, Outcome, Rule, at, fail, flag
from bankable.nodes.auditor.verdict import Action, Severity
from bankable.tools.evidence.records import Side

UNDER_LOAD = ("died_in_round", "hung_in_round")


def check(case: Case) -> Iterator[Outcome]:
    sides = {side: case.comparison.side(side) for side in Side}
    broken = {side: [leg for leg in legs if leg.log and leg.log.faults] for side, legs in sides.items()}
    for side, legs in broken.items():
        for leg in legs[:3]:
            line, text = leg.log.faults[0] if leg.log else (None, "")
            harm = side is Side.CANDIDATE and not case.is_control and not broken[Side.REFERENCE]
            yield fail(
                "a log without faults after the server was ready",
                f"{leg.name}: {text}",
                "find this fault before measuring again",
                at(leg.path("server.log"), line),
                action=Action.EJECT if harm else Action.REMEASURE,
                modes=_modes(case, leg),
                code="server_fault",
            )
    yield from _deaths(case)
    yield from _check_claimed(case, lost=bool(broken[Side.CANDIDATE]))
    for leg in case.legs:
        if leg.log and leg.log.retractions:
            yield flag(
                "a KV pool that never filled",
                f"{leg.name}: requests were retracted",
                "give the pool more room on both legs, or lower the concurrency",
                at(leg.path("server.log"), leg.log.retractions[0]),
                modes=("C13",),
                code="retractions",
            )
            break


def _modes(case: Case, leg: LegView) -> tuple[str, ...]:
    """A replaced operator that faults after fewer rounds than planned may have broken graph capture."""
    replaces = bool(case.lever.overlays) and case.planned is not None
    cut_short = replaces and len(leg.rows) < case.plan.rounds_per_leg
    return ("H17", "E06", "D05") if cut_short else ("H17", "D05")


def _deaths(case: Case) -> Iterator[Outcome]:
    """Servers that died under load, also in launches that were repeated and no longer count."""
    dead: dict[Side, list[LegView]] = {side: [] for side in Side}
    for leg in case.comparison.legs:
        failure = leg.record.failure if leg.record is not None else None
        if leg.side is not None and failure is not None and failure.kind in UNDER_LOAD:
            dead[leg.side].append(leg)
    ours = dead[Side.CANDIDATE]
    if case.is_control or dead[Side.REFERENCE] or not (len(ours) > 1 or (ours and case.lever.overlays)):
        return
    line = ours[0].record.failure.line if ours[0].record is not None and ours[0].record.failure is not None else ""
    yield fail(
        "candidates that stay up as the references did",
        f"{len(ours)} went down under load, {ours[0].name}: {line}"[:400],
        "find what takes the server down before measuring again",
        *(at(leg.path("leg.json")) for leg in ours[:3]),
        action=Action.EJECT,
        modes=("H17",),
        code="died_under_load",
    )


def _check_claimed(case: Case, *, lost: bool) -> Iterator[Outcome]:
    """A claim may state that the server died, and a server that dies loses its rounds.

    The number of planned rounds is checked by ``rows_complete``.
    """
    crashed = [claim.file for claim in case.claims if claim.crashed]
    for file in crashed:
        yield fail(
            "a candidate that stays up",
            "its own record says that the server died",
            "find this fault before measuring again",
            at(file),
            modes=("H17",),
            code="server_fault",
        )
    rounds = [sum(len(leg.rows) for leg in case.comparison.side(side)) for side in Side]
    if case.planned is None and rounds[1] < rounds[0] and (lost or crashed) and not case.is_control:
        yield fail(
            f"{rounds[0]} rounds, as on the reference",
            f"{rounds[1]}",
            "a server that dies loses its rounds",
            at(case.candidate_file),
            modes=("H17", "D11"),
            code="missing_rounds",
        )


rule = Rule("server_faults", COMPARISONS, ("H17", "E06", "D05"), ("lever", "server_log"), check, missing=Severity.FLAG)
