"""Every sample had contents of its own and cold caches, on both legs alike (H09).

Input-generation ids differ from sample to sample. Caches: flushed with at least the last-level cache's bytes, or inputs
rotated through a set larger than it, over more than one data pointer. Reuse makes launch cost and misses vanish.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.rule import HARNESS, Outcome, Rule
from bankable.nodes.auditor.rules.harness.citing import faulty, unrecorded
from bankable.nodes.auditor.verdict import Severity

ADVICE = "write fresh inputs for every sample and flush the caches, or rotate a set that is larger than they are"


def check(case: Case) -> Iterator[Outcome]:
    benchmark = case.benchmark
    if benchmark.measurement is None:
        return
    protocol, cache = benchmark.measurement.protocol, benchmark.measurement.peaks.cache_bytes
    rows = [row for row in benchmark.judged if row.measured]
    bare = [
        row for row in rows if len(row.run.generations) != len(row.samples) or len(row.run.pointers) != len(row.samples)
    ]
    yield from unrecorded(benchmark, bare, "data pointer and input generation of every sample")
    lines = {row.line for row in bare}
    known = [row for row in rows if row.line not in lines]
    again = [row for row in known if len(set(row.run.generations)) < len(row.run.generations)]
    if again:
        kinds = len(set(again[0].run.generations))
        yield from faulty(
            benchmark,
            again,
            "contents of its own for every sample",
            f"{kinds} for {len(again[0].samples)} samples",
            ADVICE,
            modes=("H09",),
            code="inputs_reused",
        )
    other = [row for row in rows if row.run.cache != protocol.cache]
    if other:
        yield from faulty(
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
        yield from faulty(
            benchmark,
            small,
            f"at least the {cache} bytes of the last-level cache {protocol.cache}",
            f"{small[0].run.cache_bytes}",
            ADVICE,
            modes=("H09",),
            code="warm_cache",
        )
    several = [row for row in known if row.run.cache == "rotated" and len(row.samples) > 1]
    still = [row for row in several if len(set(row.run.pointers)) < 2]
    yield from faulty(
        benchmark,
        still,
        "inputs that go round over several buffers",
        "one data pointer",
        ADVICE,
        modes=("H09",),
        code="inputs_reused",
    )


rule = Rule("harness_inputs", HARNESS, ("H09",), ("measurement", "bench"), check, gives=(Severity.FAIL,))
