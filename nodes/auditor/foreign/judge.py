"""Every check over two legs, or over a baseline alone."""

from __future__ import annotations

from nodes.auditor.foreign import answers_shown, claims, conditions, delta, isolated, shown, workload
from nodes.auditor.foreign.ledger import Ledger, Said, problems
from nodes.auditor.foreign.leg import ForeignLeg
from nodes.auditor.foreign.pair_case import METRIC, PairCase
from nodes.auditor.foreign.shown import NotShown
from nodes.auditor.reading.reader import Reader
from nodes.auditor.rules.headline_integrity import latency_findings
from nodes.auditor.verdict import Metric, Verdict, Word, word_of


def judge_pair(case: PairCase) -> Verdict:
    """Patch or bundle: is the gain there, fairly measured, safe, and rightly credited?"""
    ledger = Ledger()
    metrics = delta.metrics(case.reference, case.candidate, case.decision)
    for rule, check in (
        ("rows_complete", lambda: workload.check(case)),
        ("same_conditions", lambda: conditions.check(case)),
        ("server_faults", lambda: answers_shown.faults(case)),
        ("baseline_noise", lambda: delta.steady_rounds(case.legs)),
        ("real_delta", lambda: delta.gain(case)),
        ("reported_vs_raw", lambda: claims.check(case)),
        ("headline_integrity", lambda: _latencies(case, metrics)),
        ("output_correctness", lambda: answers_shown.outputs(case)),
        ("lever_class", lambda: isolated.lever(case)),
        ("isolated_speedup", lambda: isolated.speedup(case)),
        ("evidence_shown", lambda: [it for leg in case.legs for it in shown.always(leg)]),
        ("evidence_readable", lambda: problems(case.reader)),
    ):
        ledger.ask(rule, check)
    word = word_of(tuple(ledger.findings))
    real = case.decision is not None and case.decision.verdict == "real"
    return ledger.close(
        case.reader, case.scope, metrics,
        headline=delta.headline(case.decision) + (" (withheld)" if word is Word.FAIL else ""),
        lever_class=case.lever_class,
        # A kernel's gain is signed off only where nothing is open: a pair rarely shows that much.
        kernel=case.lever_class == "A" and word is Word.PASS and real,
    )  # fmt: skip


def judge_baseline(reader: Reader, leg: ForeignLeg) -> Verdict:
    """Can anything be held against this reference?"""
    case = PairCase(reader, leg, leg)
    ledger = Ledger()
    for rule, check in (
        ("rows_complete", lambda: workload.check(case)),
        ("baseline_noise", lambda: [*delta.steady_rounds((leg,)), *_launches(leg)]),
        ("reported_vs_raw", lambda: [*claims.records(case, leg), *shown.gaps(case, "reported_vs_raw")]),
        ("same_conditions", lambda: conditions.check(case)),
        ("server_faults", lambda: answers_shown.faults(case)),
        ("evidence_shown", lambda: shown.always(leg)),
        ("evidence_readable", lambda: problems(reader)),
    ):
        ledger.ask(rule, check)
    rate = leg.figure(METRIC)
    rounds = sum(len(launch.rounds) for launch in leg.launches)
    said = f"baseline {rate:.2f} tok/s over {rounds} rounds of {len(leg.launches)} launches" if rate else "no rate"
    metrics = delta.metrics(leg, None, None)
    return ledger.close(reader, "baseline", metrics, headline=said, lever_class="indeterminate", kernel=False)


def _launches(leg: ForeignLeg) -> Said:
    """One launch says nothing about the next, so a baseline of one is never certified."""
    if len(leg.launches) < 2:
        yield NotShown("how launches of the same server differ", "measure at least four fresh launches", (leg.where,))


def _latencies(case: PairCase, metrics: tuple[Metric, ...]) -> Said:
    yield from shown.gaps(case, "headline_integrity")
    yield from latency_findings(metrics, case.candidate.where)
