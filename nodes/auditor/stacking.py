"""Decides whether an operator with too small an end-to-end gain may be stacked for the bundle's validation.

Only replaced operators: each with a benchmark that scope harness passed, won by the served implementation. The claim
must not state more than the blocks show, and the blocks must exclude a loss beyond the floor and break no guard of the
plan. A stacked lever is no proven gain.
"""

from __future__ import annotations

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.harness.isolated import measure_isolated
from bankable.nodes.auditor.harness.view import OperatorBenchmarkView
from bankable.tools.statistics.paired import small_and_harmless


def may_stack(case: Case) -> bool:
    """Whether the comparison meets the conditions of the verdict ``stack``."""
    decision, claim, lever = case.measured.decision, case.comparison.claim, case.lever
    if case.request.scope != "patch" or decision is None or claim is None or claim.decision != decision.verdict:
        return False
    only_operators = bool(lever.overlays) and not lever.flags and not lever.env
    broken = any(guard.outcome == "broken" for guard in case.measured.judge_guards(case.plan))
    return (
        only_operators
        and not broken
        and small_and_harmless(decision, case.plan.floor)
        and all(_faster_alone(case, name) for name in lever.overlays)
    )


def is_signed_off(case: Case, name: str, benchmark: OperatorBenchmarkView) -> bool:
    """Whether scope harness passed this benchmark in this run, complete, in the attempt that the lever names."""
    verdict = benchmark.verdict or {}
    request = verdict.get("request")
    signoff = request if isinstance(request, dict) else {}
    part = case.lever.overlays.get(name)
    return (
        verdict.get("scope") == "harness"
        and verdict.get("verdict") == "PASS"
        and not verdict.get("degraded")
        and (signoff.get("run_id"), signoff.get("comparison")) == (case.request.run_id, name)
        and (part is None or signoff.get("attempt") == part.bench)
    )


def _faster_alone(case: Case, name: str) -> bool:
    benchmark = case.view.operators.get(name)
    if benchmark is None or benchmark.winner != case.lever.overlays[name].implementation:
        return False
    alone = measure_isolated(benchmark, benchmark.winner).speedup
    return alone is not None and alone > 1 and is_signed_off(case, name, benchmark)
