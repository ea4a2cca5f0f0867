"""Every sample of both legs had new input contents and cold caches (H09).

Input-generation ids must differ between samples. Caches are flushed with at least the last-level cache's size, or
inputs are rotated through a larger set with more than one data pointer. Reused inputs hide launch cost and misses.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.rule import HARNESS, Outcome, Rule
from bankable.nodes.auditor.rules.harness.citing import report_rows, report_unrecorded
from bankable.nodes.auditor.verdict import Severity

ADVICE = "write new inputs for every sample and flush the caches, or rotate inputs through a set larger than the caches"


def check(case: Case) -> Iterator[Outcome]:
    benchmark = case.benchmark
    if benchmark.measurement is None:
        return
    protocol, cache = benchmark.measurement.protocol, benchmark.measurement.peaks.cache_bytes
    rows = [row for row in benchmark.judged if row.measured]
    incomplete = [
        row for row in rows if len(row.run.generations) != len(row.samples) or len(row.run.pointers) != len(row.samples)
    ]
    yield from report_unrecorded(benchmark, incomplete, "data pointer and input generation of every sample")
    lines = {row.line for row in incomplete}
    complete = [row for row in rows if row.line not in lines]
    reused = [row for row in complete if len(set(row.run.generations)) < len(row.run.generations)]
    if reused:
        kinds = len(set(reused[0].run.generations))
        yield from report_rows(
            benchmark,
            reused,
            "new input contents for every sample",
            f"{kinds} different contents for {len(reused[0].samples)} samples",
            ADVICE,
            modes=("H09",),
            code="inputs_reused",
        )
    other = [row for row in rows if row.run.cache != protocol.cache]
    if other:
        yield from report_rows(
            benchmark,
            other,
            f"caches {protocol.cache} on both legs",
            other[0].run.cache,
            ADVICE,
            modes=("H09",),
            code="warm_cache",
        )
    small = [row for row in rows if row.run.cache_bytes < cache]
    if small:
        yield from report_rows(
            benchmark,
            small,
            f"at least {cache} bytes {protocol.cache}, the size of the last-level cache",
            f"{small[0].run.cache_bytes} bytes",
            ADVICE,
            modes=("H09",),
            code="warm_cache",
        )
    rotated = [row for row in complete if row.run.cache == "rotated" and len(row.samples) > 1]
    fixed = [row for row in rotated if len(set(row.run.pointers)) < 2]
    yield from report_rows(
        benchmark,
        fixed,
        "inputs rotated over several buffers",
        "one data pointer",
        ADVICE,
        modes=("H09",),
        code="inputs_reused",
    )


rule = Rule("harness_inputs", HARNESS, ("H09",), ("measurement", "bench"), check, gives=(Severity.FAIL,))
