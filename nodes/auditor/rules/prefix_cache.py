"""Imported files show whether prompts were found in the prefix cache, and no figure suggests it unshown (C17).

The state is known from cached-token counts in the rounds, from a scheduler log, or from a server without a prefix
cache. Elsewhere it is not shown; a median TTFT that falls to a quarter or less, and four times further than TPOT, is
then named. So are prompts that repeat: fewer different ones than half of the requests. Counts that differ between the
legs are judged by ``same_workload``.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.rule import COMPARISONS, NotApplicable, Outcome, Rule, Unverifiable, at, flag
from bankable.nodes.auditor.verdict import Action, Severity

TTFT_FALL = 4.0
"""Fall of the median TTFT, absolute and over that of the TPOT, that asks for an explanation."""
DISTINCT = 0.5
"""Different prompts, as a share of the requests, below which prompts count as repeated."""
CACHE_FIX = (
    "reset the prefix cache before each run or vary the seed, and keep the counts of cached tokens "
    "(sglang: --cache-report; vLLM: /metrics)"
)


def check(case: Case) -> Iterator[Outcome]:
    if not case.imported:
        yield NotApplicable("flushes and cached tokens of a run are judged by same_workload")
        return
    yield from _repeated_prompts(case)
    unknown = [leg for leg in case.legs if not _shows_cache(leg)]
    if unknown:
        places = tuple(at(leg.path("bench_runs.jsonl")) for leg in unknown[:3])
        yield Unverifiable("whether prompts were found in the prefix cache", places, fix=CACHE_FIX)
        yield from _suspect_cache(case)


def _shows_cache(leg: LegView) -> bool:
    """Whether the state of the prefix cache is known: counts in the rounds or in the log, or no cache at all."""
    if leg.log is not None and leg.log.batches:
        return True
    if all(row.cached_tokens is not None or (row.stamp and row.stamp.flushed) for row in leg.rows):
        return True
    arguments = leg.server_info or {}
    return arguments.get("disable_radix_cache") is True or arguments.get("enable_prefix_caching") is False


def _suspect_cache(case: Case) -> Iterator[Outcome]:
    """A first token that comes much earlier, at much the same pace afterwards, is what a warm cache looks like."""
    metrics = (case.measured.metric("median_ttft_ms"), case.measured.metric("median_tpot_ms"))
    ratios = [
        metric.reference / metric.candidate if metric and metric.reference and metric.candidate else None
        for metric in metrics
    ]
    if ratios[0] is None or ratios[1] is None or case.scope == "baseline":
        return
    if ratios[0] > TTFT_FALL and ratios[0] > TTFT_FALL * ratios[1]:
        yield flag(
            "a time to first token that falls with the rest",
            f"median TTFT fell to 1/{ratios[0]:.1f}, median TPOT to 1/{ratios[1]:.1f}: as if prompts were cached",
            CACHE_FIX,
            at(case.candidate_file),
            action=Action.REMEASURE,
            modes=("C17",),
            code="cache_suspected",
        )


def _repeated_prompts(case: Case) -> Iterator[Outcome]:
    """Requests that ask one thing over and over are answered from the prefix cache."""
    for leg in case.legs:
        for row in leg.rows:
            if row.prompts is not None and row.prompts < DISTINCT * (row.completed or 0):
                yield flag(
                    "a prompt of its own for every request",
                    f"{row.prompts} different prompts in {row.completed} requests of {leg.name}",
                    "send different prompts: a repeated one is answered from the prefix cache",
                    at(leg.path("bench_runs.jsonl"), row.line),
                    modes=("C17",),
                    code="repeated_prompts",
                )
                return


rule = Rule("prefix_cache", COMPARISONS, ("C17",), ("lever", "rounds"), check, gives=(Severity.FLAG,))
