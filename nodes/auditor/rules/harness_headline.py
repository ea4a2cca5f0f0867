"""An isolated number never stands for the serving one (H01 H03 H18 D14).

A quoted isolated speed-up needs an operator benchmark that is in the evidence and passed scope harness, measured the
served implementation against the file that the reference serves, and gives that ratio; a winner that is the live
implementation under another name has none. Of another tool's benchmark only its summary may be there: it
must have run, have timed two different backends, and give the quoted ratio (H07 H08). The serving gain may be real all
the same: FLAG, ``replace_headline_with_e2e``. Faster alone and slower in the server, with its whole interval below
zero, is a loss: the server is the source of truth.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.harness.identity import describe_self_comparison
from bankable.nodes.auditor.harness.isolated import measure_isolated
from bankable.nodes.auditor.harness.view import OperatorBenchmarkView
from bankable.nodes.auditor.reading.claims import BenchmarkSummary
from bankable.nodes.auditor.rule import (
    GAINS,
    Found,
    NotApplicable,
    Outcome,
    Remark,
    Rule,
    Unverifiable,
    at,
    fail,
    flag,
    info,
)
from bankable.nodes.auditor.stacking import is_signed_off
from bankable.nodes.auditor.verdict import Action, Evidence, Severity

RATIO = 0.005
SUMMARY_RATIO = 0.01
"""Of a summary, whose times are rounded."""
CLAIMS_NOTHING = 1.02
"""A stated isolated speed-up up to this ratio claims nothing."""
ADVICE = "quote the serving gain; an isolated figure goes beside it, once scope harness has passed it"


def check(case: Case) -> Iterator[Outcome]:
    quoted = {name: factor for claim in case.claims for name, factor in claim.isolated.items()}
    if case.imported:
        yield from _of_files(case, quoted)
        return
    names = sorted({*case.lever.overlays, *quoted})
    if not names:
        yield NotApplicable("no operator was replaced, and no isolated figure is quoted")
        return
    for name in names:
        benchmark, stated = case.view.operators.get(name), quoted.get(name)
        if benchmark is None or not benchmark.rows:
            if stated is not None:
                yield _replace(case, f"rows behind {name} {stated:g}×", "none in the evidence", "isolated_without_rows")
            else:
                yield Unverifiable(f"operator benchmark of {name}", (at(f"operators/{name}"),), Severity.FLAG)
            continue
        yield from _check_quoted(case, name, benchmark, stated)
        yield from _lost(case, name, benchmark)


def _check_quoted(case: Case, name: str, benchmark: OperatorBenchmarkView, stated: float | None) -> Iterator[Outcome]:
    if same := describe_self_comparison(benchmark):
        yield _replace(case, f"{name}: a winner that is not the live implementation", same, "compared_with_itself")
        return
    part = case.lever.overlays.get(name)
    if part is not None and benchmark.winner != part.implementation:
        yield _replace(
            case,
            f"{name}: an operator benchmark won by {part.implementation}",
            f"won by {benchmark.winner}",
            "other_implementation",
        )
        return
    if (other := _other_live_source(case, name, benchmark)) and stated is not None:
        yield other
        return
    if stated is None:
        return
    true = measure_isolated(benchmark, benchmark.winner).speedup if benchmark.winner else None
    if not is_signed_off(case, name, benchmark):
        word = (benchmark.verdict or {}).get("verdict")
        yield _replace(case, f"{name} {stated:g}× with a PASS of scope harness", f"verdict {word}", "not_signed_off")
    elif true is None or not math.isclose(stated, true, rel_tol=RATIO):
        shown = "no ratio" if true is None else f"{true:.4g}×"
        yield _replace(case, f"{name}: {shown} from its rows", f"quoted {stated:g}×", "isolated_differs", ("D14",))
    else:
        yield info(f"{name}: an isolated figure that was signed off", f"{stated:.4g}×", at(benchmark.runs_file))


def _other_live_source(case: Case, name: str, benchmark: OperatorBenchmarkView) -> Found | None:
    """The reference of the isolated benchmark and that of the server are one file."""
    live = benchmark.task.live_source.digest if benchmark.task is not None else None
    served = {
        block.reference.record.modules[name]
        for block in case.blocks
        if block.reference.record is not None and name in block.reference.record.modules
    }
    if not served or served == {live}:
        return None
    return _replace(
        case,
        f"{name}: a ratio to what the reference serves, {min(served)[:12]}",
        f"to {(live or 'nothing')[:12]}",
        "other_denominator",
        ("H03",),
    )


def _lost(case: Case, name: str, benchmark: OperatorBenchmarkView) -> Iterator[Found]:
    decision = case.measured.gain
    alone = measure_isolated(benchmark, benchmark.winner) if benchmark.winner else None
    if decision is None or alone is None or alone.speedup is None:
        return
    low, high = decision.gain_interval
    if alone.speedup > 1 and high < 0:
        yield fail(
            f"{name}: {alone.speedup:.3g}× isolated and no loss in the server",
            f"{decision.gain:+.1%} [{low:+.1%}, {high:+.1%}] end to end",
            "drop it, or find what it costs around the call: memory traffic, launches, synchronisation, lost fusion",
            at(case.comparison.path("legs")),
            at(benchmark.runs_file),
            modes=("H18",),
            code="isolated_gain_lost",
        )


def _of_files(case: Case, quoted: Mapping[str, float | None]) -> Iterator[Outcome]:
    """Another tool's quoted figures, compared with its summaries of operator benchmarks."""
    factors = [factor for factor in quoted.values() if factor is not None and factor > CLAIMS_NOTHING]
    if not factors and not case.view.benchmarks:
        yield NotApplicable("no isolated figure is quoted")
    elif not case.view.benchmarks:
        what = f"the operator benchmark behind an isolated speed-up of {max(factors):g}×"
        files = tuple(at(claim.file) for claim in case.claims if claim.isolated)
        yield Unverifiable(what, files, fix="give opbench_result.json too")
    for benchmark in case.view.benchmarks:
        yield _summary(case, benchmark, [*factors, benchmark.speedup or 0.0])


def _summary(case: Case, benchmark: BenchmarkSummary, factors: Sequence[float]) -> Outcome:
    best, where = max(factors), at(benchmark.file)
    shown = f"{best:g}× isolated"
    winner, baseline = benchmark.winner_ms, benchmark.baseline_ms
    if benchmark.failed:
        failed = "its harness failed: nothing was measured"
        return _replace(case, "an operator benchmark that ran", failed, "harness_error", ("H08",), where)
    if best <= CLAIMS_NOTHING:
        return Remark(f"{benchmark.file}: no isolated speed-up is claimed")
    if benchmark.winner is not None and benchmark.winner == benchmark.baseline:
        same = f"{shown}, yet {benchmark.baseline} is both baseline and winner"
        return _replace(case, "a kernel compared with what it replaces", same, "self_comparison", ("H01",), where)
    if not winner or not baseline or min(winner, baseline) <= 0:
        return _replace(case, "timings of both", f"{shown} from {baseline} and {winner} ms", "untimed", ("H07",), where)
    if not math.isclose(best, baseline / winner, rel_tol=SUMMARY_RATIO):
        timed = f"{shown}, timed {baseline / winner:.4g}×"
        return _replace(case, "the timed ratio", timed, "isolated_differs", ("H01", "D14"), where)
    return info("an isolated speed-up as timed", f"{best:g}×", where)


def _replace(
    case: Case,
    expected: str,
    observed: str,
    code: str,
    modes: tuple[str, ...] = ("H01",),
    where: Evidence | None = None,
) -> Found:
    return flag(
        expected[:400],
        observed[:300],
        ADVICE,
        where or at(case.claim_file),
        action=Action.REPLACE_HEADLINE,
        modes=modes,
        code=code,
    )


rule = Rule("harness_headline", GAINS, ("H01", "H03", "H07", "H08", "H18", "D14"), ("lever", "rounds"), check)
