"""Per-request records of AIPerf: ``profile_export.jsonl``, one request a line.

Format: ai-dynamo/aiperf, commit db4f6397d11ee2d4cfbb41f70b2327315163dcf0, ``aiperf/common/models/record_models.py``
(``MetricRecordInfo``) and ``docs/tutorials/working-with-profile-exports.md``; the main branch of 2026 has the same
fields. ``metadata`` has the start and the end of a request in ns, its phase and whether it was cancelled; ``metrics``
maps tags to value and unit; ``error`` is an object for a failed request. The run is one round: its duration goes from
the first start to the last end among profiled requests. AIPerf's own rates divide by its observation window, which is
longer; that is another definition.

Output tokens are the server's usage where it is recorded, else AIPerf's count of the text that came back. Pieces that
are read at once have gaps of exactly 0: where the median is 0 it says nothing about the server and is left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from bankable.nodes.auditor.importers.documents import Document, number, part, whole
from bankable.nodes.auditor.importers.format import Format, Reading
from bankable.nodes.auditor.reading.reader import Json, Reader
from bankable.nodes.auditor.reading.rows import BenchRound
from bankable.nodes.auditor.reading.view import AbsentRecord
from bankable.tools.statistics.latency import percentile

MS = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3, "sec": 1e3}
"""Milliseconds per unit."""


@dataclass
class _Seen:
    """A run, summed up request by request: its gaps between tokens are the only long lists."""

    starts: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    ttfts: list[float] = field(default_factory=list)
    tpots: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    inputs: int = 0
    outputs: int = 0
    longest: int = 0
    completed: int = 0
    failed: int = 0
    uncounted: int = 0
    """Finished requests without a number of output tokens."""
    retokenized: int = 0
    """Tokens of the returned text by AIPerf's own tokenizer."""
    cached: int = 0
    """Prompt tokens from the prefix cache, by the server's usage."""
    uncached: int = 0
    """Finished requests without such a count."""
    warm_up: int = 0
    """Requests of another phase than profiling."""


def recognise(first: Json) -> bool:
    return isinstance(part(first, "metadata", "request_start_ns"), int) and isinstance(first.get("metrics"), dict)


def read(reader: Reader, file: str, documents: Iterable[Document]) -> Reading:
    seen = _Seen()
    for document in documents:
        trouble = _take(seen, document.content)
        if trouble:
            reader.report(file, document.line, "invalid", trouble)
    duration = (max(seen.ends) - min(seen.starts)) / 1e9 if seen.ends else 0.0
    if not seen.completed or not duration > 0:
        return Reading(())
    raw = {
        "request_throughput": seen.completed / duration,
        **_spots("ttft", seen.ttfts),
        **_spots("tpot", seen.tpots, p99=False),
        **(_spots("itl", seen.gaps) if seen.gaps and percentile(seen.gaps, 50) > 0 else {}),
    }
    remarks = [f"{seen.warm_up} warm-up requests are not counted"] if seen.warm_up else []
    if seen.gaps and percentile(seen.gaps, 50) == 0:
        remarks.append("more than half of the chunks were read together with another: no median gap between tokens")
    gaps = []
    if seen.uncounted:
        gaps.append(
            AbsentRecord("output tokens of every request", "let AIPerf count tokens (--tokenizer)", "real_delta")
        )
    else:
        raw["output_throughput"] = seen.outputs / duration
    if not seen.gaps:
        gaps.append(AbsentRecord("gaps between tokens", "use --streaming", "headline_integrity", decides=False))
    gaps.append(AbsentRecord("finish reasons", "the format has none", "output_correctness", decides=False))
    only = BenchRound(
        line=None,
        reported={},
        raw=raw,
        issued=seen.completed + seen.failed,
        completed=seen.completed,
        failed=seen.failed,
        input_tokens=seen.inputs,
        output_tokens=None if seen.uncounted else seen.outputs,
        longest=seen.longest or None,
        retokenized=None if seen.uncounted else seen.retokenized,
        cached_tokens=None if seen.uncached else seen.cached,
        span=(min(seen.starts) / 1e9, max(seen.ends) / 1e9),
    )
    return Reading((only,), tuple(gaps), tuple(remarks))


def _take(seen: _Seen, record: Json) -> str:
    """Add one request; what is wrong with it, or nothing."""
    about, metrics = record.get("metadata"), record.get("metrics")
    if not isinstance(about, dict) or not isinstance(metrics, dict):
        return "a line without metadata and metrics"
    if about.get("benchmark_phase", "profiling") != "profiling":
        seen.warm_up += 1
        return ""  # sent, and not part of the measurement
    if record.get("error") or about.get("was_cancelled"):
        seen.failed += 1
        return ""
    start, end = number(about.get("request_start_ns")), number(about.get("request_end_ns"))
    if start is None or end is None or end < start:
        return "a request without a start and a later end"
    latencies = [milliseconds(metrics.get(name)) for name in ("time_to_first_token", "inter_token_latency")]
    between = part(metrics, "inter_chunk_latency", "value")
    scale = MS.get(str(part(metrics, "inter_chunk_latency", "unit")), 0.0)
    lists = [number(value) for value in between] if isinstance(between, list) and scale else []
    if any(value is not None and value < 0 for value in [*latencies, *lists]) or None in lists:
        return "a latency that is negative or no number"
    seen.starts.append(start)
    seen.ends.append(end)
    seen.completed += 1
    seen.ttfts += [value for value in latencies[:1] if value is not None]
    seen.tpots += [value for value in latencies[1:] if value is not None]
    seen.gaps += [scale * value for value in lists if value is not None]
    prompt_tokens = whole(part(metrics, "input_sequence_length", "value"))
    own = whole(part(metrics, "output_sequence_length", "value"))
    if own is None:
        own = whole(part(metrics, "output_token_count", "value"))
    usage = whole(part(metrics, "usage_completion_tokens", "value"))
    made = own if usage is None else usage
    cached = whole(part(metrics, "usage_prompt_cache_read_tokens", "value"))
    seen.uncached += cached is None
    seen.cached += cached or 0
    seen.retokenized += (made if own is None else own) or 0
    seen.uncounted += made is None
    seen.inputs += prompt_tokens or 0
    seen.outputs += made or 0
    seen.longest = max(seen.longest, (prompt_tokens or 0) + (made or 0))
    return ""


def milliseconds(metric: Any) -> float | None:
    """A metric's value in ms; ``None`` without a known unit of time."""
    value, scale = number(part(metric, "value")), MS.get(str(part(metric, "unit")))
    return None if value is None or scale is None else value * scale


def _spots(name: str, values: list[float], *, p99: bool = True) -> dict[str, float]:
    if not values:
        return {}
    figures = {f"median_{name}_ms": percentile(values, 50)}
    return {**figures, f"p99_{name}_ms": percentile(values, 99)} if p99 else figures


FORMAT = Format("AIPerf records", recognise, read)
