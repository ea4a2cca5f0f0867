"""One timed round, reduced to what the rules need.

Per-request lists are recomputed into figures and dropped at once: a large run has hundreds of millions of gaps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nodes.auditor.reading import Json, Reader
from nodes.auditor.resolved import steady
from tools.evidence.canonical import canonical, digest
from tools.evidence.records import BenchRun, LatencySummary, RoundStamp
from tools.statistics.latency import RoundFigures, recompute

REPORTED = tuple(LatencySummary.model_fields)
_SYNTHETIC = {
    "leg_id": "", "index": 0, "seed": 0, "started": 0.0, "ended": 0.0, "request_digest": "0" * 64,
    "issued": 0, "cpu_s": 0.0, "flushed": False,
}  # fmt: skip
BENCH_ARGUMENTS = (
    "backend", "dataset_name", "request_rate", "max_concurrency", "sharegpt_output_len", "random_input_len",
    "random_output_len", "random_range_ratio",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A round: what its record says, and what its per-request lists say."""

    line: int
    stamp: RoundStamp | None
    """``None`` for a bare record that this project did not measure."""
    reported: LatencySummary
    raw: RoundFigures
    """Recomputed from the per-request lists and the duration."""
    duration: float
    completed: int
    """As the record says."""
    succeeded: int
    """Requests with tokens and no error."""
    failed: int
    """Requests with an error or without a token."""
    total_output: int
    input_lens: tuple[int, ...]
    output_lens: tuple[int, ...]
    streamed: tuple[int, ...]
    """Gaps between tokens that were seen per request."""
    cached_tokens: int | None
    """Prompt tokens that came from the prefix cache; ``None`` when not recorded."""
    text_digest: str
    distinct_texts: int
    arguments: tuple[tuple[str, str], ...]
    """The load generator's own arguments."""
    server_info: Json
    """Resolved server arguments without what changes by itself."""


def read_rows(reader: Reader, name: str) -> Iterator[Row]:
    """Rounds of a ``bench_runs.jsonl``; lines that cannot be used are reported and left out."""
    seen: dict[str, Json] = {}
    for line, found in reader.objects(name):
        stamped = "bankable" in found
        run = reader.typed(found if stamped else {**found, "bankable": _SYNTHETIC}, BenchRun, name, line)
        if run is None:
            continue
        if trouble := _impossible(run, stamped=stamped):
            reader.report(name, line, "impossible", trouble)
            continue
        yield _row(run, line, found, seen, stamped=stamped)


def _row(run: BenchRun, line: int, found: dict[str, Any], seen: dict[str, Json], *, stamped: bool) -> Row:
    info = steady(run.server_info)
    failed = sum(bool(error) or length == 0 for error, length in zip(run.errors, run.output_lens, strict=True))
    return Row(
        line=line,
        stamp=run.bankable if stamped else None,
        reported=LatencySummary(**{name: getattr(run, name) for name in REPORTED}),
        raw=recompute(run),
        duration=run.duration,
        completed=run.completed,
        succeeded=len(run.output_lens) - failed,
        failed=failed,
        total_output=run.total_output_tokens,
        input_lens=tuple(run.input_lens),
        output_lens=tuple(run.output_lens),
        streamed=tuple(len(gaps) for gaps in run.itls),
        cached_tokens=None if run.cached_tokens is None else sum(run.cached_tokens),
        text_digest=digest(canonical(run.generated_texts)),
        distinct_texts=len(set(run.generated_texts)),
        arguments=tuple((key, str(found[key])) for key in BENCH_ARGUMENTS if key in found),
        server_info=seen.setdefault(digest(canonical(info)), info),
    )


def _impossible(run: BenchRun, *, stamped: bool) -> str:
    """Why a round cannot have happened as recorded, or an empty string."""
    lengths = {len(run.input_lens), len(run.output_lens), len(run.ttfts), len(run.itls), len(run.errors)}
    if len(lengths) != 1:
        return f"per-request lists have different lengths: {sorted(lengths)}"
    if not run.duration > 0:
        return f"duration {run.duration} s"
    if min([*run.input_lens, *run.output_lens, 0]) < 0:
        return "a negative token count"
    if min([*run.ttfts, *(min(gaps, default=0.0) for gaps in run.itls), 0.0]) < 0:
        return "a negative latency"
    if stamped and run.bankable.ended < run.bankable.started:
        return "the round ends before it starts"
    return ""
