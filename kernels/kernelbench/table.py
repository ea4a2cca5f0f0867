"""What is printed of an evaluation and of an audit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table

from bankable.kernels.kernelbench.audit import EntryAudit, fast_shares
from bankable.kernels.kernelbench.fast_p import THRESHOLDS, fast_p
from bankable.kernels.kernelbench.result import BenchResult


def build_results_table(results: Sequence[BenchResult]) -> Table:
    """One line an answer."""
    table = Table("problem", "answer", "verdict", "speed-up", "KernelBench's tolerance", "why", title="Answers")
    for result in results:
        theirs = "" if result.sample is None else "within" if result.within_their_tolerance else "beyond"
        accepts = f"; accepts {', '.join(result.weak)}" if result.weak else ""
        smaller = " *" if result.smaller else ""
        table.add_row(
            result.title + smaller, result.origin, result.verdict, ratio(result), theirs + accepts, result.why[:160]
        )
    return table


def ratio(result: BenchResult) -> str:
    """``1.52 [1.40, 1.66]``; empty where nothing was timed."""
    if result.speedup is None:
        return ""
    bounds = f" [{result.interval[0]:.2f}, {result.interval[1]:.2f}]" if result.interval else ""
    return f"{result.speedup:.2f}{bounds}"


def headlines(results: Sequence[BenchResult], over: str) -> Iterator[str]:
    """Sizes first, then what counts. ``over``: what was measured with."""
    shrunk = [result for result in results if result.smaller]
    sizes = f" ({scaled(results)})" if shrunk else " at full size"
    for line in fast_p(results):
        if line.p in (0.0, 1.0, 2.0):
            yield (
                f"fast_{line.p:g} over {over}{sizes}: {line.audited:.0%} audited, {line.shown:.0%} by the lower bound, "
                f"{line.theirs:.0%} within KernelBench's tolerance"
            )
    for name, smaller in {result.title: result for result in shrunk}.items():
        changes = ", ".join(f"{key} {smaller.sizes[key]} → {value}" for key, value in smaller.smaller.items())
        yield f"* {name} at smaller sizes: {changes}"


def scaled(results: Sequence[BenchResult]) -> str:
    """How many problems are not at their own sizes."""
    problems = {result.title: bool(result.smaller) for result in results}
    return f"{sum(problems.values())} of {len(problems)} problems at smaller sizes"


def build_audit_table(audits: Sequence[EntryAudit]) -> Table:
    """One line an entry that claims to be correct."""
    table = Table("problem", "sample", "speed-up", "verdict", "findings", title="Entries that claim to be correct")
    for audit in audits:
        if audit.claimed_correct:
            claimed = "" if audit.claimed_speedup is None else f"{audit.claimed_speedup:.2f}"
            table.add_row(
                f"{audit.problem} {audit.name}".strip(),
                str(audit.sample),
                claimed,
                audit.verdict,
                "; ".join(audit.findings)[:300],
            )
    return table


def audit_lines(audits: Sequence[EntryAudit]) -> Iterator[str]:
    """fast_p as claimed, and of what stands."""
    for p in THRESHOLDS:
        claimed, stands = fast_shares(audits, p)
        yield f"fast_{p:g}: {claimed:.1%} claimed, {stands:.1%} stand"
    counts = {
        word: sum(audit.verdict == word for audit in audits if audit.claimed_correct)
        for word in ("stands", "doubted", "refused")
    }
    yield f"{counts['stands']} stand, {counts['doubted']} doubted, {counts['refused']} refused"
