"""A replaced operator gave back no more than its share of the time (D08).

    ceiling = 1 / (1 − Σ sᵢ·(1 − 1/kᵢ)) − 1        sᵢ: corrected share of wall time, kᵢ: isolated speed-up

A share is corrected for calls that wait (median instead of mean), and taken a quarter and half a point larger, because
a profile is one window; without a profile the share that a claim states counts. A speed-up is recomputed from the rows
of the operator's benchmark where the evidence has them; a claimed figure counts where it has none, and where it is the
smaller one. A lower bound above that ceiling cannot come from the operator: something else changed, or the answers are
wrong. Settings have no ceiling of this kind: they change how work is put together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.harness.isolated import measure_isolated
from bankable.nodes.auditor.measured import METRIC
from bankable.nodes.auditor.rule import GAINS, NotApplicable, Outcome, Rule, Unverifiable, at, fail, info
from bankable.nodes.auditor.verdict import Severity
from bankable.tools.evidence.records import GOODPUT
from bankable.tools.profiling.share import operator_share

WIDER, MORE = 1.25, 0.005
"""How much larger than in the profile a share may be: relatively, and in fractions of wall time."""
PROFILE = "profile/profile.json"


def check(case: Case) -> Iterator[Outcome]:
    gain = _find_gain(case)
    # Another tool reports a kernel by its share and its speed-up alone.
    operators = sorted(case.lever.overlays or (_stated_shares(case) if case.sold_as_kernel else ()))
    if not operators:
        yield NotApplicable("the lever replaces no operator")
        return
    if case.lever.flags or case.lever.env:
        yield NotApplicable("the lever changes settings too, which have no ceiling")
        return
    if gain is None:
        return
    speedups = {name: _speedup(case, name) for name in operators}
    shares = {name: _share(case, name) for name in operators}
    missing = [f"isolated speed-up of {name}" for name in operators if speedups[name] is None]
    missing += [f"share of {name} in the profile" for name in operators if shares[name] is None]
    if missing:
        yield Unverifiable("; ".join(missing)[:500], (at(PROFILE), at(case.claim_file)), Severity.FLAG)
        return
    saved = math.fsum(
        min(1.0, WIDER * (shares[name] or 0.0) + MORE) * max(0.0, 1.0 - 1.0 / (speedups[name] or 1.0))
        for name in operators
    )
    ceiling = 1.0 / (1.0 - saved) - 1.0 if saved < 1.0 else math.inf
    parts = ", ".join(f"{name}: share {shares[name]:.2%}, isolated {speedups[name]:g}×" for name in operators)
    mean, low = gain
    observed = f"{mean:+.2%} with lower bound {low:+.2%}"
    if low > ceiling:
        yield fail(
            f"at most {ceiling:+.2%} ({parts})"[:400],
            observed,
            "find the second change or the wrong answers; this operator cannot give that much",
            at(PROFILE),
            at(case.claim_file),
            code="above_ceiling",
        )
    else:
        yield info(f"at most {ceiling:+.2%} ({parts})"[:400], observed, at(PROFILE))


def _find_gain(case: Case) -> tuple[float, float] | None:
    """The gain and its lower bound, as fractions.

    Of the throughput where goodput decides: a little time saved may bring many requests within a limit.
    """
    if case.metric != GOODPUT:
        decision = case.measured.gain
        return None if decision is None else (decision.gain, decision.gain_interval[0])
    metric = case.measured.metric(METRIC)
    if metric is None or metric.delta is None or metric.interval is None:
        return None
    return metric.delta, metric.interval.lower


def _stated_shares(case: Case) -> dict[str, float]:
    return {name: share for claim in case.claims for name, share in claim.shares.items() if 0.0 < share <= 1.0}


def _share(case: Case, operator: str) -> float | None:
    profile = case.view.profile
    return _stated_shares(case).get(operator) if profile is None else operator_share(profile, operator)


def _speedup(case: Case, operator: str) -> float | None:
    benchmark = case.view.operators.get(operator)
    claimed = [claim.isolated.get(operator) for claim in case.claims]
    rows = measure_isolated(benchmark, benchmark.winner).speedup if benchmark is not None and benchmark.winner else None
    usable = [entry for entry in (*claimed, rows) if entry is not None and math.isfinite(entry) and entry > 0]
    return min(usable, default=None)


rule = Rule("amdahl_ceiling", GAINS, ("D08",), ("lever", "rounds"), check, gives=(Severity.FAIL,))
