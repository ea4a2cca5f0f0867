"""A round from a serving-benchmark record, as sglang and vLLM write it, with or without per-request lists.

Both tools descend from one script and share names and units: seconds in lists, milliseconds in figures.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import replace
from operator import add

from bankable.nodes.auditor.importers.documents import Document, number, part, whole
from bankable.nodes.auditor.importers.requests import PER_REQUEST, check_requests, restore_lists, take_requests
from bankable.nodes.auditor.measured import FIELDS
from bankable.nodes.auditor.reading.chunked import SkippedLists
from bankable.nodes.auditor.reading.first_batch import find_cold_start
from bankable.nodes.auditor.reading.gaps import Gaps
from bankable.nodes.auditor.reading.reader import Json, Reader
from bankable.nodes.auditor.reading.request_times import collect_times
from bankable.nodes.auditor.reading.resolved import drop_volatile
from bankable.nodes.auditor.reading.rows import BenchRound, FigureCheck, find_figures, find_process, read_positive
from bankable.tools.evidence.records import BenchRun

LISTS = ("input_lens", "output_lens", "ttfts", "itls", "errors")
"""Without these nothing can be recomputed."""
_UNSTAMPED = {
    "leg_id": "",
    "index": 0,
    "seed": 0,
    "started": 0.0,
    "ended": 0.0,
    "request_digest": "0" * 64,
    "issued": 0,
    "cpu_s": 0.0,
    "flushed": False,
}
_COUNTED = {"output_throughput": "total_output_tokens", "request_throughput": "completed"}
"""Rate figures and the counts that they are over the duration."""


def detailed(record: Json) -> bool:
    return all(isinstance(record.get(name), list | Gaps | SkippedLists) for name in LISTS)


def serving_round(
    reader: Reader, file: str, document: Document, arguments: tuple[str, ...], longest: int | None
) -> BenchRound | None:
    """A round, or ``None`` with a report of what is wrong. ``longest`` is what was declared, for a bare summary."""
    record = document.content
    stated_arguments = tuple((name, str(record[name])) for name in arguments if record.get(name) is not None)
    embedded = record.get("server_info")
    info = drop_volatile(embedded) if isinstance(embedded, dict) else {}
    if detailed(record):
        each = _from_lists(reader, file, document, stated_arguments, info)
    else:
        each = _from_summary(reader, file, document, stated_arguments, info, longest)
    if each is None:
        return None
    cached = each.cached_tokens
    return replace(
        each,
        cached_tokens=whole(part(record, "cache_report", "total_cached_tokens")) if cached is None else cached,
        retokenized=whole(record.get("total_output_tokens_retokenized")),
        tokens_per_piece=_find_tokens_per_piece(record),
        process=find_process(embedded) if isinstance(embedded, dict) else None,
        span=_find_span(record),
    )


def _find_tokens_per_piece(record: Json) -> float | None:
    """Accepted tokens per decoding step: of vLLM, then of sglang."""
    return read_positive(record.get("spec_decode_acceptance_length")) or read_positive(record.get("accept_length"))


def _find_span(record: Json) -> tuple[float, float] | None:
    """Start and end in seconds since the epoch, as InferenceX writes them."""
    start, end = (number(record.get(f"benchmark_{name}_time_unix")) for name in ("start", "end"))
    return (start, end) if start is not None and end is not None and start <= end else None


def _from_lists(
    reader: Reader, file: str, document: Document, arguments: tuple[tuple[str, str], ...], info: Json
) -> BenchRound | None:
    record, present = document.content, _present(document.content)
    filled = {**dict.fromkeys((*FIELDS, "p99_tpot_ms"), 0.0), "server_info": {}, "total_input_tokens": 0}
    # Only the names that are read: an embedded server_info of another type must not stop the round.
    taken = {name: record[name] for name in BenchRun.model_fields if name in record and name != "server_info"}
    requests = check_requests(record)
    lists = restore_lists(record) if requests is None else {name: [] for name in PER_REQUEST}
    rest = {name: value for name, value in taken.items() if name not in PER_REQUEST}
    run = reader.validate({**filled, **rest, **lists, "bankable": _UNSTAMPED}, BenchRun, file, document.line)
    if run is None:
        return None
    try:
        requests = requests or take_requests(run, record.get("generated_texts"))
        raw = requests.recompute(run.duration)
    except (ValueError, OverflowError) as cause:
        reader.report(file, document.line, "impossible", str(cause))
        return None
    lengths, errors, sums = requests.output_lens, requests.errors, requests.gaps.sums
    failed = sum(bool(error) or length == 0 for error, length in zip(errors, lengths, strict=True))
    return BenchRound(
        line=document.line,
        reported=present,
        raw=find_figures(raw),
        listed=True,
        duration=run.duration,
        issued=whole(record.get("num_prompts")) or len(lengths),
        completed=run.completed,
        succeeded=len(lengths) - failed,
        failed=failed,
        total_output=run.total_output_tokens,
        output_tokens=raw.total_output_tokens,
        input_tokens=sum(requests.input_lens),
        longest=max(map(add, requests.input_lens, lengths), default=None),
        longest_s=raw.longest_request_s,
        input_lens=array("q", requests.input_lens),
        output_lens=array("q", lengths),
        streamed=requests.gaps.counts,
        cached_tokens=None if requests.cached_tokens is None else sum(requests.cached_tokens),
        distinct_texts=requests.texts.distinct,
        texts=len(requests.texts),
        empty_texts=requests.texts.empty,
        cold_start_s=find_cold_start(requests.ttfts, errors, whole(record.get("max_concurrency")) or 0),
        arguments=arguments,
        server_info=info,
        times=collect_times(requests.ttfts, sums, lengths, errors),
    )


def _from_summary(
    reader: Reader,
    file: str,
    document: Document,
    arguments: tuple[tuple[str, str], ...],
    info: Json,
    longest: int | None,
) -> BenchRound | None:
    record, reported = document.content, _present(document.content)
    wrong = sorted(name for name, value in reported.items() if value < 0)
    duration = number(record.get("duration"))
    if "output_throughput" not in reported:
        reader.report(file, document.line, "invalid", "no usable output_throughput")
        return None
    if wrong or (duration is not None and duration <= 0):
        reader.report(file, document.line, "impossible", f"negative: {', '.join(wrong)}" if wrong else "duration ≤ 0")
        return None
    return BenchRound(
        line=document.line,
        reported=reported,
        raw={},
        checks=_rates(record, reported, duration),
        duration=duration,
        issued=whole(record.get("num_prompts")),
        completed=whole(record.get("completed")),
        failed=_find_failed(record),
        total_output=whole(record.get("total_output_tokens")),
        output_tokens=whole(record.get("total_output_tokens")) or None,
        input_tokens=whole(record.get("total_input_tokens")),
        longest=longest,
        arguments=arguments,
        server_info=info,
    )


def _find_failed(record: Json) -> int | None:
    """Failed requests; 0 where an older version has no count and every request that was sent has finished."""
    sent = whole(record.get("num_prompts"))
    stated = whole(record.get("failed"))
    return 0 if stated is None and sent is not None and sent == whole(record.get("completed")) else stated


def _present(record: Json) -> dict[str, float]:
    """Figures of the record. A latency without a unit in its name, as InferenceX writes it, is in seconds."""
    figures = {name: number(record.get(name)) for name in FIELDS}
    for name in FIELDS:
        if name.endswith("_ms") and figures[name] is None:
            seconds = number(record.get(name.removesuffix("_ms")))
            figures[name] = None if seconds is None else 1000.0 * seconds
    return {name: value for name, value in figures.items() if value is not None}


def _rates(record: Json, reported: Mapping[str, float], duration: float | None) -> tuple[FigureCheck, ...]:
    """Rates follow from counts and duration even in a bare summary."""
    checks = []
    for rate, count in _COUNTED.items():
        counted = number(record.get(count))
        if duration is not None and counted is not None and rate in reported:
            checks.append(FigureCheck(rate, reported[rate], counted / duration))
    return tuple(checks)
