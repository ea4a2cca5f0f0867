"""The answers are still right (Q01 Q02 Q03 Q04 Q05 Q07).

The parity target is the *true* baseline, the control's reference, never the previous leg; of files without a control
the reference is all that there is. In order:

1. Is the baseline's text coherent? If not, nothing about it can be verified: ``unverifiable_noncoherent_reference``.
2. Is the baseline deterministic: equal tokens in both repeats, and in the control's other leg?
3. Deterministic, and no part of the lever is known to change numerics: the candidate's tokens must be equal.
4. Otherwise equal tokens still settle it; if they differ, paired accuracy against the true baseline decides: exact
   one-sided McNemar p <= 0.05 is a loss, and the loss that cannot be excluded (one-sided 95 %) must stay within the
   margin: five points or one standard error, whichever is larger.

Where the baseline was not asked twice, nothing shows that it is deterministic; different tokens are then excused by
paired accuracy alone. A probe without an answer is a missing record, not a wrong answer.

Failed requests count as neither right nor wrong; above 2 % of them nothing was evaluated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.findings.answers import Parity, accuracy_finding, length_findings, parity
from bankable.nodes.auditor.reading.view import ComparisonView, LegView
from bankable.nodes.auditor.rule import COMPARISONS, NotApplicable, Outcome, Rule, Unverifiable, at, fail, flag, info
from bankable.nodes.auditor.verdict import Severity
from bankable.tools.evidence.records import Generation, Side
from bankable.tools.levers import knob
from bankable.tools.statistics.coherence import coherence

VARIED = 0.7
"""Distinct word triples of the candidate's answers, as a share of the baseline's, below which it repeats itself."""


def check(case: Case) -> Iterator[Outcome]:
    baseline = _find_probed(case.true_baseline, Side.REFERENCE)
    if case.imported and case.scope == "baseline" and baseline is None:
        yield NotApplicable("no greedy outputs: nothing is compared with them")
        return
    if case.imported and (baseline is None or _find_probed(case.comparison, Side.CANDIDATE) is None):
        places = [at(leg.path("outputs.jsonl")) for leg in case.legs if not leg.outputs]
        fix = "probe both servers with the same greedy prompts and keep the answers"
        yield Unverifiable("greedy outputs of both legs", tuple(places[:2]), fix=fix)
        return
    if baseline is None:
        yield Unverifiable("outputs.jsonl of the true baseline", (at(case.control.path("legs")),))
        return
    texts = [generation.text for generation in baseline.outputs if generation.repeat == 0]
    report = coherence(texts)
    where = at(baseline.path("outputs.jsonl"))
    if not report.enough:
        yield Unverifiable(
            f"enough decoded text of the baseline to call it coherent: {'; '.join(report.reasons)}",
            (where,),
            Severity.FLAG if case.scope == "baseline" else Severity.FAIL,
            code="unverifiable_too_little_text",
            fix="probe with more prompts, or with longer answers",
        )
    if report.enough and not report.coherent:
        weigh = flag if case.scope == "baseline" else fail
        yield weigh(
            "a reference that decodes coherent text",
            "; ".join(report.reasons)[:500],
            "serve a model whose answers can be right or wrong: parity with gibberish proves nothing",
            where,
            modes=("Q01",),
            code="unverifiable_noncoherent_reference",
        )
        return
    own = parity(_repeat(baseline.outputs, 0), _repeat(baseline.outputs, 1))
    twin = _twin(case, baseline)
    across = parity(_repeat(baseline.outputs, 0), _repeat(twin.outputs, 0)) if twin is not None else None
    deterministic = own.compared > 0 and own.same and (across is None or across.same)
    asked_twice = own if own.compared else "not asked"
    yield info("determinism of the reference", f"repeat: {asked_twice}; other launch: {across or 'not probed'}", where)
    if case.scope != "baseline":
        yield from _candidate(case, baseline, deterministic=deterministic)


def _candidate(case: Case, baseline: LegView, *, deterministic: bool) -> Iterator[Outcome]:
    leg = _find_probed(case.comparison, Side.CANDIDATE)
    if leg is None:
        yield Unverifiable("outputs.jsonl of the candidate", (at(case.comparison.path("legs")),))
        return
    where = at(leg.path("outputs.jsonl"))
    failed = [generation.prompt_id for generation in leg.outputs if generation.error]
    if failed:
        yield fail(
            "an answer to every probe",
            f"errors on {', '.join(failed[:5])}",
            "find out why the server refuses",
            where,
            modes=("Q05", "H17"),
            code="probe_errors",
        )
    comparison = parity(_repeat(baseline.outputs, 0), _repeat(leg.outputs, 0))
    if comparison.compared == 0 or comparison.missing:
        what, fix = f"answers to all probes of the baseline ({comparison})", "ask both servers the same prompts"
        yield Unverifiable(what, (where,), fix=fix)
        if comparison.equal == comparison.compared:
            return
    if comparison.same:
        yield info("the true baseline's tokens", str(comparison), where)
        return
    # Levers that were accepted before lie on both legs of this comparison, and not on the true baseline.
    moved = {**case.knobs, **{name: knob(name) for name in case.laid_before}}
    numerics = [name for name, argument in moved.items() if argument is None or argument.changes_numerics]
    if deterministic and not numerics:
        yield fail(
            "the true baseline's tokens: the reference is deterministic and the lever does not touch numerics",
            str(comparison),
            "find the wrong tokens; a serving lever must not change greedy answers",
            where,
            at(baseline.path("outputs.jsonl")),
            modes=("Q02", "Q04"),
            code="tokens_differ",
        )
        return
    yield from _coherent(baseline, leg)
    yield from length_findings(_repeat(baseline.outputs, 0), _repeat(leg.outputs, 0), where)
    yield from _accuracy(case, comparison, leg)


def _coherent(baseline: LegView, leg: LegView) -> Iterator[Outcome]:
    """A coherent baseline does not excuse a candidate that decodes gibberish or repeats itself."""
    own, base = (
        coherence([generation.text for generation in each.outputs if generation.repeat == 0])
        for each in (leg, baseline)
    )
    where = at(leg.path("outputs.jsonl"))
    if own.enough and not own.coherent:
        yield fail(
            "coherent text, as the baseline decodes",
            "; ".join(own.reasons)[:500],
            "find what broke decoding before measuring how fast it is",
            where,
            modes=("Q07", "Q02"),
            code="candidate_noncoherent",
        )
    elif own.figures.distinct_3 < VARIED * base.figures.distinct_3:
        yield flag(
            f"{base.figures.distinct_3:.0%} distinct word triples, as the baseline",
            f"{own.figures.distinct_3:.0%}",
            "compare the answers by eye: the candidate repeats itself",
            where,
            modes=("Q07",),
            code="repetition",
        )


def _accuracy(case: Case, comparison: Parity, leg: LegView) -> Iterator[Outcome]:
    base = next((each for each in case.true_baseline.side(Side.REFERENCE) if each.answers), None)
    mine = next((each for each in case.comparison.side(Side.CANDIDATE) if each.answers), None)
    if base is None or mine is None:
        files = at(leg.path("accuracy.jsonl")), at(case.true_baseline.path("legs"))
        yield Unverifiable(f"paired accuracy of candidate and true baseline ({comparison})", files, excuses=True)
        return
    yield from accuracy_finding(
        base.answers, mine.answers, at(mine.path("accuracy.jsonl")), at(base.path("accuracy.jsonl"))
    )


def _find_probed(comparison: ComparisonView, side: Side) -> LegView | None:
    """The first leg of a side whose answers were kept."""
    return next((leg for leg in comparison.side(side) if leg.outputs), None)


def _twin(case: Case, baseline: LegView) -> LegView | None:
    """Another launch of the true baseline that was probed: the control's other leg, or a second reference."""
    if not case.imported:
        return _find_probed(case.control, Side.CANDIDATE)
    return next((leg for leg in case.counted(Side.REFERENCE) if leg is not baseline and leg.outputs), None)


def _repeat(outputs: Sequence[Generation], repeat: int) -> dict[str, Generation]:
    return {generation.prompt_id: generation for generation in outputs if generation.repeat == repeat}


rule = Rule(
    "output_correctness",
    COMPARISONS,
    ("Q01", "Q02", "Q03", "Q04", "Q05", "Q07"),
    ("lever", "rounds", "true_baseline"),
    check,
    gate=True,
)
