"""The claimed isolated speed-up is the one that raw samples give, decided over enough rounds (D01 D02 D14 R01).

The speed-up is served-weighted, against the live implementation, with one number per round of new processes; the
decision is that of ``tools/statistics/paired.py``. Every figure of the claim is recomputed, with a tolerance of 0.5 %
for ratios; a null claims nothing. An undecided gain needs more rounds; a gain that is decided not to be real is no win.
A claim of no win over a decided gain is wrong too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.harness.isolated import IsolatedSpeedup, measure_isolated
from bankable.nodes.auditor.harness.view import OperatorBenchmarkView, OpRow, ReportedBenchmark
from bankable.nodes.auditor.rule import HARNESS, Found, Outcome, Remark, Rule, Unverifiable, at, fail, flag, info
from bankable.nodes.auditor.verdict import Action

RATIO = 0.005
"""Relative tolerance of a claimed ratio."""
ADVICE = "report the ratio of served-weighted times that the rows give"


def check(case: Case) -> Iterator[Outcome]:
    benchmark, claim = case.benchmark, case.benchmark.claim
    if claim is None:
        return
    where = at(benchmark.path("claim.json"))
    if claim.outcome not in ("winner", "no_win", "harness_error") or (claim.outcome == "winner") != bool(claim.winner):
        yield _contradict(
            "an outcome that agrees with the winner", f"{claim.outcome}, winner {claim.winner}", benchmark
        )
    if not claim.winner:
        yield from _check_no_win(benchmark)
        return
    result = case.isolated
    if result is None or result.decision is None:
        yield Unverifiable(f"a complete round of {claim.winner} and the reference", (at(benchmark.runs_file), where))
        return
    yield from _check_backends(benchmark, claim)
    yield from _check_figures(benchmark, claim, result)
    yield from _check_decision(benchmark, result)


def _check_no_win(benchmark: OperatorBenchmarkView) -> Iterator[Outcome]:
    for name in benchmark.implementations:
        result = measure_isolated(benchmark, name)
        decided = result.decision is not None and result.decision.verdict == "real"
        if decided and all(_is_sound(benchmark, row) for row in benchmark.of(name)):
            yield _contradict(f"{name} wins by {result.speedup:.3g}×", "no winner claimed", benchmark)
            return
    yield Remark("no winner is claimed; nothing is banked on this operator")


def _is_sound(benchmark: OperatorBenchmarkView, row: OpRow) -> bool:
    """Whether a candidate's row shows no reason to leave the candidate out."""
    result, intact, task = row.run.correctness, row.run.intact, benchmark.task
    if result is None or result.relative_error is None or intact is None or task is None or not row.measured:
        return False
    allowed, beyond = task.tolerance, result.mismatch_share
    exact = beyond <= allowed.mismatch_share and (result.relative_error <= allowed.relative_error or beyond > 0)
    fair = (
        result.poison_intact
        and result.ran_before_expected
        and result.changes_with_input
        and result.same_pointer_recheck
    )
    own = row.run.executed == row.run.implementation and row.run.resolved == row.run.source
    return bool(exact and fair and own and intact.clock and intact.synchronize and intact.checker)


def _check_backends(benchmark: OperatorBenchmarkView, claim: ReportedBenchmark) -> Iterator[Found]:
    for what, claimed, rows in (
        ("winner's backend", claim.winner_backend, benchmark.winning),
        ("baseline's backend", claim.baseline_backend, benchmark.reference),
    ):
        seen = sorted({row.run.backend for row in rows})
        if claimed is not None and [claimed] != seen:
            yield _contradict(f"{what}: {', '.join(seen)}", f"{what}: {claimed}", benchmark)


def _check_figures(
    benchmark: OperatorBenchmarkView, claim: ReportedBenchmark, result: IsolatedSpeedup
) -> Iterator[Outcome]:
    bounds = result.interval or (None, None)
    claimed = claim.interval or (None, None)
    pairs = [("speed-up", claim.speedup, result.speedup)]
    pairs += [("lower bound", claimed[0], bounds[0]), ("upper bound", claimed[1], bounds[1])]
    pairs += [(f"speed-up at {key}", value, result.shapes.get(key)) for key, value in sorted(claim.shapes.items())]
    for name, claimed_value, measured in pairs:
        if measured is None and claimed_value is not None:
            yield _contradict(f"{name}: not measured", f"{name} {claimed_value:.4g}", benchmark)
        elif measured is not None and claimed_value is None:
            yield Remark(f"claim: {name} is null; recomputed as {measured:.4g}")
        elif (
            measured is not None
            and claimed_value is not None
            and not math.isclose(claimed_value, measured, rel_tol=RATIO)
        ):
            yield _contradict(f"{name} {measured:.4g}", f"{name} {claimed_value:.4g}", benchmark)


def _check_decision(benchmark: OperatorBenchmarkView, result: IsolatedSpeedup) -> Iterator[Outcome]:
    decision, where = result.decision, at(benchmark.runs_file)
    if decision is None:
        return
    if result.incomplete:
        yield fail(
            "every measured shape in every round",
            f"rounds {list(result.incomplete)[:20]} lack shapes",
            "measure every shape in every round: leaving one out selects the data",
            where,
            action=Action.REDO,
            modes=("D11",),
            code="incomplete_round",
        )
    observed = f"{result.speedup:.4g}× over {decision.n} rounds: {decision.reason}"
    if decision.verdict == "real":
        yield info("a decided isolated gain", observed, where)
    elif decision.verdict == "not_real":
        yield fail(
            "a winner that is faster than the live implementation",
            observed,
            "claim no win",
            where,
            action=Action.REDO,
            modes=("D01",),
            code="not_real",
        )
    else:
        more = decision.more_blocks_needed
        need = "no feasible number of rounds would decide" if more is None else f"about {more} more rounds would decide"
        yield flag(
            "a decided isolated gain",
            observed,
            f"{need}; declare them in a new operator benchmark",
            where,
            action=Action.REDO,
            modes=("D01", "D02"),
            code="undecided",
        )


def _contradict(expected: str, observed: str, benchmark: OperatorBenchmarkView) -> Found:
    return fail(
        expected,
        observed[:300],
        ADVICE,
        at(benchmark.path("claim.json")),
        at(benchmark.runs_file),
        action=Action.REDO,
        modes=("D14", "R01"),
        code="reported_differs",
    )


rule = Rule(
    "harness_speedup", HARNESS, ("D01", "D02", "D11", "D14", "R01"), ("task", "bench", "bench_claim"), check, gate=True
)
