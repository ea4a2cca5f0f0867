"""Every check over two legs, or over a baseline alone."""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.findings.latencies import latency_findings
from bankable.nodes.auditor.importers import answers_shown, claims, conditions, delta, isolated, shown, workload
from bankable.nodes.auditor.importers.leg import ForeignLeg
from bankable.nodes.auditor.importers.pair_case import METRIC, PairCase, PairScope
from bankable.nodes.auditor.reading.digests import hash_files
from bankable.nodes.auditor.reading.reader import Reader
from bankable.nodes.auditor.rule import NotShown, Outcome, Remark, at, fail
from bankable.nodes.auditor.rule_runner import RuleRun, VerdictFigures
from bankable.nodes.auditor.verdict import Metric, Verdict, Word
from bankable.tools.evidence.request import Request

GATES = ("rows_complete", "same_conditions", "real_delta", "reported_vs_raw", "output_correctness")
"""Checks that the number itself rests on: when one raises, nothing is signed off."""


def judge_pair(case: PairCase) -> Verdict:
    """Patch or bundle: is the gain there, fairly measured, safe, and rightly credited?"""
    rule_run = RuleRun()
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
        ("evidence_readable", lambda: _problems(case.reader)),
    ):
        rule_run.run(rule, check, gate=rule in GATES)
    word = rule_run.verdict
    real = case.decision is not None and case.decision.verdict == "real"
    figures = VerdictFigures(
        headline=delta.headline(case.decision) + (" (withheld)" if word is Word.FAIL else ""),
        lever_class=case.lever_class,
        # A kernel's gain is signed off only where nothing is open: a pair rarely shows that much.
        kernel_win=case.lever_class == "A" and word is Word.PASS and real,
        metrics=metrics,
    )
    return rule_run.to_verdict(_request(case.scope), hash_files(case.reader.folder), figures)


def judge_baseline(reader: Reader, leg: ForeignLeg) -> Verdict:
    """Can anything be held against this reference?"""
    case = PairCase(reader, leg, leg)
    rule_run = RuleRun()
    for rule, check in (
        ("rows_complete", lambda: workload.check(case)),
        ("baseline_noise", lambda: [*delta.steady_rounds((leg,)), *_launches(leg)]),
        ("reported_vs_raw", lambda: [*claims.records(case, leg), *shown.gaps(case, "reported_vs_raw")]),
        ("same_conditions", lambda: conditions.check(case)),
        ("server_faults", lambda: answers_shown.faults(case)),
        ("evidence_shown", lambda: shown.always(leg)),
        ("evidence_readable", lambda: _problems(reader)),
    ):
        rule_run.run(rule, check, gate=rule in GATES)
    rate = leg.figure(METRIC)
    rounds = sum(len(launch.rounds) for launch in leg.launches)
    said = f"baseline {rate:.2f} tok/s over {rounds} rounds of {len(leg.launches)} launches" if rate else "no rate"
    figures = VerdictFigures(headline=said, metrics=delta.metrics(leg, None, None))
    return rule_run.to_verdict(_request("baseline"), hash_files(reader.folder), figures)


def _request(scope: PairScope) -> Request:
    return Request(scope="pair", subject=scope, attempt=1, run_id="")


def _problems(reader: Reader) -> Iterator[Outcome]:
    """What could not be read, of everything that was opened."""
    for problem in reader.problems:
        where = at(problem.file, problem.line)
        if problem.kind == "torn":
            yield Remark(f"{problem.file} line {problem.line}: torn last line, left out")
        else:
            yield fail(
                "readable records", f"{problem.kind}: {problem.text}", "give the files as they were written", where
            )


def _launches(leg: ForeignLeg) -> Iterator[Outcome]:
    """One launch says nothing about the next, so a baseline of one is never certified."""
    if len(leg.launches) < 2:
        yield NotShown("how launches of the same server differ", "measure at least four fresh launches", (leg.where,))


def _latencies(case: PairCase, metrics: tuple[Metric, ...]) -> Iterator[Outcome]:
    yield from shown.gaps(case, "headline_integrity")
    yield from latency_findings(metrics, case.candidate.where)
