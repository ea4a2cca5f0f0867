"""Is the credit right: the kind of change, and the isolated number that goes with it? (A01 A02 D08 H01 H07 H08 H18)"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from bankable.nodes.auditor.importers.geak_claims import GeakBenchmark, GeakClaims
from bankable.nodes.auditor.importers.pair_case import PairCase
from bankable.nodes.auditor.rule import NotShown, Outcome, Remark, at, fail, flag, info
from bankable.nodes.auditor.verdict import Action
from bankable.tools.levers import knob

ABOVE = 1.02
"""An isolated speed-up up to here claims nothing."""
RATIO = 0.01
_KERNEL = re.compile(r"\b(kernels?|fused|triton|operators?|cuda)\b", re.IGNORECASE)


def lever(pair: PairCase) -> Iterator[Outcome]:
    """A serving lever is real and is accounted for separately; called a kernel it costs the headline."""
    if pair.declared is None:
        yield Remark("no change was declared: the gain stands under nobody's name")
        return
    if not pair.declared:
        yield from _unseen(pair)
        return
    independent = [name for name in sorted(pair.declared) if not _goes_along(pair, name)]
    if pair.scope == "patch" and len(independent) > 1:
        yield fail(
            "exactly one lever",
            f"{len(independent)} levers: {', '.join(independent)}"[:500],
            "measure each change by itself, or audit them together with --scope bundle",
            pair.candidate.where,
            modes=("A03",),
            code="two_levers",
        )
    unknown = sorted(name for name in pair.declared if knob(name) is None)
    headline = pair.claim.headline if pair.claim is not None else ""
    sold = (pair.geak is not None and pair.geak.kernel) or _KERNEL.search(headline) is not None
    where = at(pair.claim_file) if pair.claim is not None else pair.candidate.where
    names = ", ".join(sorted(pair.declared))
    if pair.lever_class == "B" and sold:
        yield flag(
            "a serving lever called by its name",
            f"{names} reported as a kernel's gain",
            "report this gain apart from kernel gains",
            where,
            action=Action.DOWNGRADE_HEADLINE,
            modes=("A01", "A02"),
            code="serving_lever_as_kernel",
        )
    elif unknown:
        yield flag(
            "levers with a known class",
            f"no entry for {', '.join(unknown)}"[:300],
            "register the knob with its class and reason before quoting this gain",
            where,
            modes=("A01", "A02"),
            code="indeterminate_class",
        )
    else:
        yield info("levers with a known class", f"{names}: class {pair.lever_class}", where)


def _unseen(pair: PairCase) -> Iterator[Outcome]:
    """A change that is no setting: nothing in a pair of files says what it was, or that it ran."""
    if pair.geak is not None and pair.geak.kernel:
        fix = "give the overlay and engagement markers from inside the server"
        yield NotShown("the kernel's source, and that it ran in the candidate's server", fix, (pair.candidate.where,))
    else:
        yield flag(
            "a declared change",
            "an empty lever",
            "say what the candidate has and the reference has not",
            pair.candidate.where,
            modes=("A06",),
            code="no_lever",
        )


def _goes_along(pair: PairCase, name: str) -> bool:
    """Whether a setting only means something with another one of the lever, or follows from it."""
    others = [known for other, known in pair.knobs.items() if other != name and known is not None]
    conditions = (known.condition or {}) if (known := pair.knobs[name]) is not None else {}
    return any(name in other.derived or other.name in conditions for other in others)


def speedup(pair: PairCase) -> Iterator[Outcome]:
    """An isolated figure has to stand on an operator benchmark that compared two things."""
    geak = pair.geak
    if geak is None:
        return
    claimed = [said for said in geak.isolated if said.value > ABOVE]
    for benchmark in geak.benchmarks:
        yield from _benchmark(pair, benchmark, max((said.value for said in claimed), default=None))
    if claimed and not geak.benchmarks:
        yield NotShown(
            f"the operator benchmark behind an isolated speed-up of {claimed[0].value:g}×",
            "give opbench_result.json too",
            (at(claimed[0].file),),
            decides=False,
        )
    yield from _ceiling(pair, geak)


def _benchmark(pair: PairCase, run: GeakBenchmark, claimed: float | None) -> Iterator[Outcome]:
    where = at(run.file)
    best = max([value for value in (claimed, run.speedup) if value is not None], default=None)
    if run.suspect:
        yield _replace(
            pair,
            "an operator benchmark that ran",
            "its harness failed: nothing was measured",
            run,
            modes=("H08",),
            code="harness_error",
        )
    elif best is None or best <= ABOVE:
        yield Remark(f"{run.file}: no isolated speed-up is claimed")
    elif run.winner is not None and run.winner == run.baseline:
        yield _replace(
            pair,
            "a kernel compared with what it replaces",
            f"{best:g}× isolated, yet {run.baseline} is both baseline and winner",
            run,
            modes=("H01",),
            code="self_comparison",
        )
    elif not run.winner_ms or not run.baseline_ms or min(run.winner_ms, run.baseline_ms) <= 0:
        yield _replace(
            pair,
            "timings of both",
            f"{best:g}× isolated from {run.baseline_ms} and {run.winner_ms} ms",
            run,
            modes=("H07",),
            code="untimed",
        )
    elif not math.isclose(best, run.baseline_ms / run.winner_ms, rel_tol=RATIO):
        said = f"{best:g}× isolated, timed {run.baseline_ms / run.winner_ms:.4g}×"
        yield _replace(pair, "the timed ratio", said, run, modes=("H01", "D14"), code="other_ratio")
    else:
        yield info("an isolated speed-up as timed", f"{best:g}×", where)


def _replace(
    pair: PairCase, expected: str, observed: str, run: GeakBenchmark, *, modes: tuple[str, ...], code: str
) -> Outcome:
    """Over a real end-to-end gain the headline is replaced; without one nothing is left."""
    advice = "quote the end-to-end gain alone, and measure the kernel against the live one"
    if pair.decision is not None and (pair.decision.verdict == "real" or pair.decision.lacks_launches):
        return flag(expected, observed, advice, at(run.file), action=Action.REPLACE_HEADLINE, modes=modes, code=code)
    return fail(expected, observed, advice, at(run.file), modes=(*modes, "H18"), code=code)


def _ceiling(pair: PairCase, geak: GeakClaims) -> Iterator[Outcome]:
    """Amdahl: an operator with share p of the time that gets S times faster gives at most 1/(1 − p + p/S) − 1."""
    speedups = [said for said in geak.isolated if said.value > 1.0]
    if pair.decision is None or geak.share is None or not 0 < geak.share <= 100 or not speedups:
        return
    share, factor = geak.share / 100.0, max(said.value for said in speedups)
    ceiling = 1.0 / (1.0 - share + share / factor) - 1.0
    low = pair.decision.gain_interval[0]
    if low > ceiling:
        yield flag(
            f"at most {ceiling:+.2%}: {geak.share:g} % of the time, {factor:g}× faster",
            f"more than {low:+.2%}",
            "look for a second change, or for work that is no longer done",
            at(speedups[0].file),
            action=Action.REPLACE_HEADLINE,
            modes=("D08",),
            code="above_ceiling",
        )
