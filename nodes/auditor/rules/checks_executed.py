"""Something was compared, and each gate could have failed (R04).

Counts what the gates had to work on: rounds, requests, resolved arguments, scheduler lines, probes, paired answers.
Nothing to compare is not agreement. A positive control for the accuracy gate: the true baseline must get at least one
question in ten right, or a candidate that answers nothing could not be told from it. In a bundle the verdicts of the
parts must themselves have judged: by these rules, over named evidence, with recomputed figures, nothing degraded. What
another tool's files lack altogether is named by the rule that needs it; here counts what is there and too little.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.reading.resolved import drop_volatile
from bankable.nodes.auditor.reading.sealed import ComponentView
from bankable.nodes.auditor.rule import GAINS, Outcome, Rule, Unverifiable, at, fail, flag, info
from bankable.nodes.auditor.ruleset import ruleset_digest
from bankable.nodes.auditor.verdict import Action, Severity
from bankable.tools.evidence.records import Side

FEWEST_ARGUMENTS = 5
"""Number of resolved arguments below which "all arguments are equal" proves nothing."""
ABLE = 0.10
ADVICE = "run the check with something to check; a gate that cannot fail proves nothing"


def check(case: Case) -> Iterator[Outcome]:
    where = at(case.candidate_file)
    requests = [sum(row.completed or len(row.output_lens) for row in leg.rows) for leg in case.legs]
    infos = [leg.server_info or {} for leg in case.legs]
    arguments = [max(len(info), len(drop_volatile(info))) for info in infos]
    lines = [0 if leg.log is None else leg.log.batches for leg in case.legs]
    probes = [len(leg.outputs) for leg in case.comparison.side(Side.CANDIDATE)]
    observed = (
        f"{len(case.blocks)} pairs of launches, {sum(requests)} requests, {min(arguments)} resolved arguments a leg, "
        f"{min(lines)} scheduler lines a leg, {sum(probes)} probes"
    )
    for what, count, least in (
        ("requests in every leg", min(requests), 1),
        ("resolved arguments in every leg", min(arguments), FEWEST_ARGUMENTS),
        ("greedy probes of the candidate", sum(probes), 1),
    ):
        if count < least and (count or not case.imported):
            yield Unverifiable(f"{what}: {count}", (where,), code="nothing_compared")
    if min(lines) < 1 and (not case.imported or all(leg.log is not None for leg in case.legs)):
        yield Unverifiable("scheduler lines in every server.log", (where,), Severity.FLAG, code="nothing_compared")
    yield info("something for every gate to compare", observed, where)
    yield from _able(case)
    for component in case.view.components if case.scope == "bundle" else ():
        yield from _check_judged(component)


def _able(case: Case) -> Iterator[Outcome]:
    """The accuracy gate's positive control."""
    leg = next((each for each in case.true_baseline.side(Side.REFERENCE) if each.answers), None)
    if leg is None:
        return
    answered = [answer.correct for answer in leg.answers if answer.error is None]
    if answered and sum(answered) < ABLE * len(answered):
        yield flag(
            f"a baseline that gets at least {ABLE:.0%} of the questions right",
            f"{sum(answered)} of {len(answered)}: a loss could not show",
            "ask questions that this model can answer",
            at(leg.path("accuracy.jsonl")),
            code="no_positive_control",
        )


def _check_judged(component: ComponentView) -> Iterator[Outcome]:
    where = at(f"components/{component.name}/verdict.json")
    verdict = component.verdict or {}
    judged = [finding for finding in _objects(verdict.get("findings")) if finding.get("rule") == "real_delta"]
    for what, present in (
        ("the digests of what was judged", bool(_objects(verdict.get("evidence")))),
        ("recomputed figures", bool(_objects(verdict.get("metrics")))),
        ("a judgment of the gain", bool(judged)),
    ):
        if not present:
            yield fail(
                f"a verdict with {what}",
                f"{component.name} has none",
                ADVICE,
                where,
                action=Action.REMEASURE,
                code="empty_verdict",
            )
            return
    if verdict.get("degraded"):
        yield flag("a verdict with nothing degraded", f"{component.name}", ADVICE, where, code="degraded_part")
    if verdict.get("ruleset") != ruleset_digest():
        yield flag(
            "parts judged by these rules",
            f"{component.name} was judged by others",
            "audit the parts again",
            where,
            code="other_rules",
        )


def _objects(value: object) -> list[dict[str, object]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


rule = Rule("checks_executed", GAINS, ("R04",), ("lever", "rounds"), check)
