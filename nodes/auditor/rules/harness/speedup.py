"""The isolated speed-up is the one that raw samples give, over enough rounds to be one (D01 D02 D14 R01).

Served-weighted, against the live implementation, one number per round of fresh processes, decided by the rule of the
project. Every figure of the claim is recomputed: to 0.5 % for ratios, and a null is no lie. A winner whose gain is not
decided goes back for more rounds; one that is not there is no winner. "No win" over a decided gain is wrong as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.harness.measured import Isolated, isolated
from bankable.nodes.auditor.harness.view import OperatorBenchmarkView, OpRow, ReportedBenchmark
from bankable.nodes.auditor.rule import HARNESS, Found, Outcome, Remark, Rule, Unverifiable, at, fail, flag, info
from bankable.nodes.auditor.verdict import Action

RATIO = 0.005
ADVICE = "report the ratio of served-weighted times that the rows give"


def check(case: Case) -> Iterator[Outcome]:
    benchmark, claim = case.benchmark, case.benchmark.claim
    if claim is None:
        return
    where = at(benchmark.path("claim.json"))
    if claim.outcome not in ("winner", "no_win", "harness_error") or (claim.outcome == "winner") != bool(claim.winner):
        yield _wrong("an outcome that agrees with the winner", f"{claim.outcome}, winner {claim.winner}", benchmark)
    if not claim.winner:
        yield from _no_win(benchmark)
        return
    result = case.isolated
    if result is None or result.decision is None:
        yield Unverifiable(f"a complete round of {claim.winner} and the reference", (at(benchmark.runs_file), where))
        return
    yield from _backends(benchmark, claim)
    yield from _figures(benchmark, claim, result)
    yield from _decision(benchmark, result)


def _no_win(benchmark: OperatorBenchmarkView) -> Iterator[Outcome]:
    for name in benchmark.implementations:
        result = isolated(benchmark, name)
        decided = result.decision is not None and result.decision.verdict == "real"
        if decided and all(_sound(benchmark, row) for row in benchmark.of(name)):
            yield _wrong(f"{name} wins by {result.speedup:.3g}×", "no winner claimed", benchmark)
            return
    yield Remark("no winner is claimed; nothing is banked on this operator")


def _sound(benchmark: OperatorBenchmarkView, row: OpRow) -> bool:
    """Say whether a candidate's row gives no reason to leave it out of the comparison."""
    said, intact, task = row.run.correctness, row.run.intact, benchmark.task
    if said is None or said.relative_error is None or intact is None or task is None or not row.measured:
        return False
    allowed, beyond = task.tolerance, said.mismatch_share
    exact = beyond <= allowed.mismatch_share and (said.relative_error <= allowed.relative_error or beyond > 0)
    fair = said.poison_intact and said.ran_before_expected and said.changes_with_input and said.same_pointer_recheck
    own = row.run.executed == row.run.implementation and row.run.resolved == row.run.source
    return bool(exact and fair and own and intact.clock and intact.synchronize and intact.checker)


def _backends(benchmark: OperatorBenchmarkView, claim: ReportedBenchmark) -> Iterator[Found]:
    for what, claimed, rows in (
        ("winner's backend", claim.winner_backend, benchmark.winning),
        ("baseline's backend", claim.baseline_backend, benchmark.reference),
    ):
        seen = sorted({row.run.backend for row in rows})
        if claimed is not None and [claimed] != seen:
            yield _wrong(f"{what}: {', '.join(seen)}", f"{what}: {claimed}", benchmark)


def _figures(benchmark: OperatorBenchmarkView, claim: ReportedBenchmark, result: Isolated) -> Iterator[Outcome]:
    bounds = result.interval or (None, None)
    claimed = claim.interval or (None, None)
    pairs = [("speed-up", claim.speedup, result.speedup)]
    pairs += [("lower bound", claimed[0], bounds[0]), ("upper bound", claimed[1], bounds[1])]
    pairs += [(f"speed-up at {key}", value, result.shapes.get(key)) for key, value in sorted(claim.shapes.items())]
    for name, said, true in pairs:
        if true is None and said is not None:
            yield _wrong(f"{name}: not measured", f"{name} {said:.4g}", benchmark)
        elif true is not None and said is None:
            yield Remark(f"claim: {name} is null; recomputed as {true:.4g}")
        elif true is not None and said is not None and not math.isclose(said, true, rel_tol=RATIO):
            yield _wrong(f"{name} {true:.4g}", f"{name} {said:.4g}", benchmark)


def _decision(benchmark: OperatorBenchmarkView, result: Isolated) -> Iterator[Outcome]:
    decision, where = result.decision, at(benchmark.runs_file)
    if decision is None:
        return
    if result.incomplete:
        yield fail(
            "every benched shape in every round",
            f"rounds {list(result.incomplete)[:20]} lack shapes",
            "measure whole rounds: a shape left out of one of them is a choice",
            where,
            action=Action.REDO,
            modes=("D11",),
            code="incomplete_round",
        )
    said = f"{result.speedup:.4g}× over {decision.n} rounds: {decision.reason}"
    if decision.verdict == "real":
        yield info("a decided isolated gain", said, where)
    elif decision.verdict == "not_real":
        yield fail(
            "a winner that is faster than the live implementation",
            said,
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
            said,
            f"{need}; declare them in a new operator benchmark",
            where,
            action=Action.REDO,
            modes=("D01", "D02"),
            code="undecided",
        )


def _wrong(expected: str, observed: str, benchmark: OperatorBenchmarkView) -> Found:
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
