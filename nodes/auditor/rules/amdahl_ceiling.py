"""A replaced operator gave back no more than its share of the time (D08).

    ceiling = 1 / (1 − Σ sᵢ·(1 − 1/kᵢ)) − 1        sᵢ: corrected share of wall time, kᵢ: isolated speed-up

A share is corrected for calls that wait (median instead of mean), and taken a quarter and half a point larger, because
a profile is one window. A speed-up is recomputed from the operator benchmark's rows where the evidence has them; the
claim's figure counts where it has none, and where it is the smaller one. A lower bound above that ceiling cannot come
from the operator: something else changed, or the answers are wrong. Settings have no ceiling of this kind: they change
how work is put together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.harness.isolated import measure_isolated
from bankable.nodes.auditor.rule import GAINS, NotApplicable, Outcome, Rule, Unverifiable, at, fail, info
from bankable.nodes.auditor.verdict import Severity
from bankable.tools.profiling.share import operator_share

WIDER, MORE = 1.25, 0.005
"""How much larger than in the profile a share may be: relatively, and in fractions of wall time."""
PROFILE = "profile/profile.json"


def check(case: Case) -> Iterator[Outcome]:
    decision = case.measured.decision
    operators = sorted(case.lever.overlays)
    if not operators:
        yield NotApplicable("the lever replaces no operator")
        return
    if case.lever.flags or case.lever.env:
        yield NotApplicable("the lever changes settings too, which have no ceiling")
        return
    if decision is None:
        return
    profile = case.view.profile
    speedups = {name: _speedup(case, name) for name in operators}
    shares = {name: None if profile is None else operator_share(profile, name) for name in operators}
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
    low = decision.gain_interval[0]
    said = f"{decision.gain:+.2%} with lower bound {low:+.2%}"
    if low > ceiling:
        yield fail(
            f"at most {ceiling:+.2%} ({parts})"[:400],
            said,
            "find the second change or the wrong answers; this operator cannot give that much",
            at(PROFILE),
            at(case.claim_file),
            code="above_ceiling",
        )
    else:
        yield info(f"at most {ceiling:+.2%} ({parts})"[:400], said, at(PROFILE))


def _speedup(case: Case, operator: str) -> float | None:
    claim, benchmark = case.comparison.claim, case.view.operators.get(operator)
    said = claim.isolated.get(operator) if claim is not None else None
    rows = measure_isolated(benchmark, benchmark.winner).speedup if benchmark is not None and benchmark.winner else None
    return min((it for it in (said, rows) if it is not None and math.isfinite(it) and it > 0), default=None)


rule = Rule("amdahl_ceiling", GAINS, ("D08",), ("plan", "rounds"), check, gives=(Severity.FAIL,))
