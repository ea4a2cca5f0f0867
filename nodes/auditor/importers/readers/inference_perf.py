"""Reports of inference-perf: ``stage_N_lifecycle_metrics.json`` and ``summary_lifecycle_metrics.json``.

Format: inference-perf 0.7.0, as its runs wrote it: ``successes`` with ``count``, ``latency`` (per kind a distribution
in seconds), ``throughput`` (per second) and lengths, ``failures`` with ``count``, ``load_summary``, and
``benchmark_time_seconds``. Tokens per second come from its own count of the returned text, ``output_len``; beside it
stand the server's counts, ``prompt_tokens`` and ``output_tokens``. Where ``per_request_lifecycle_metrics.json`` lies
beside it and lists the requests that it counts, the figures are recomputed from them. ``send_duration`` is measured,
not asked for. A report of one stage and the summary over it are the same run; a summary over several stages mixes their
loads, so that the stages are taken and the summary is not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from bankable.nodes.auditor.importers.documents import Document, number, part, whole
from bankable.nodes.auditor.importers.documents import documents as read_documents
from bankable.nodes.auditor.importers.format import Format, Reading
from bankable.nodes.auditor.importers.request_series import RequestSeries, name_absent_requests
from bankable.nodes.auditor.importers.settings import find_settings
from bankable.nodes.auditor.importers.summary_round import FINISH_REASONS, Counts, build_summary_round, multiply
from bankable.nodes.auditor.reading.reader import Json, Reader
from bankable.nodes.auditor.reading.rows import BenchRound

PER_REQUEST = "per_request_lifecycle_metrics.json"
MAX_PER_REQUEST_BYTES = 128 << 20
_LATENCIES = {"ttft": "time_to_first_token", "tpot": "time_per_output_token", "itl": "inter_token_latency"}
_SPOTS = {"median": ("median", "p50"), "p99": ("p99",)}
_LOAD = ("requested_rate", "concurrency", "rate", "num_requests", "model_name")


def recognise(first: Json) -> bool:
    return isinstance(part(first, "successes", "throughput"), dict) and "failures" in first


def read(reader: Reader, file: str, documents: Iterable[Document]) -> Reading:
    rounds = [each for document in documents if (each := _round(reader, file, document)) is not None]
    series = _read_requests(reader, file)
    if series is not None and len(rounds) == 1 and series.is_of(rounds[0]):
        return Reading((series.recompute(rounds[0]),), (FINISH_REASONS,))
    absent = name_absent_requests(series, "ask inference-perf for its per-request report, one stage a folder")
    return Reading(tuple(rounds), (absent, FINISH_REASONS))


def _read_requests(reader: Reader, file: str) -> RequestSeries | None:
    """The requests in the report beside this one; ``None`` without one, or where a request cannot be used."""
    name = f"{file.rpartition('/')[0]}/{PER_REQUEST}"
    if not reader.exists(name) or (reader.folder / name).stat().st_size > MAX_PER_REQUEST_BYTES:
        return None
    series = RequestSeries()
    for document in read_documents(Reader(reader.folder), name):
        if not _add_request(series, document.content):
            return None
    if len(series.pieces) != len(series.starts):
        series.pieces.clear()
    return series


def _add_request(series: RequestSeries, record: Json) -> bool:
    """Add one request; false where it cannot be used."""
    start, end = number(record.get("start_time")), number(record.get("end_time"))
    if start is None or end is None or end < start:
        return False
    if record.get("error"):
        series.failed += 1
        series.edges += [start, end]
        return True
    answer = part(record, "info", "response_metrics")
    times = next((part(answer, name) for name in ("output_token_times", "chunk_times") if part(answer, name)), None)
    stamps = [number(time) for time in times] if isinstance(times, list) else []
    first, last = (stamps[0], stamps[-1]) if stamps else (None, None)
    prompt = _find_count(part(answer, "server_usage", "prompt_tokens"), part(record, "info", "input_tokens"))
    tokens = _find_count(part(answer, "server_usage", "completion_tokens"), part(answer, "output_tokens"))
    if first is None or last is None or prompt is None or tokens is None or not start <= first <= last:
        return False
    series.add((start, end), first - start, last - first, (prompt, tokens))
    series.pieces.append(len(stamps))
    return True


def _find_count(*values: Any) -> int | None:
    return next((count for value in values if (count := whole(value)) is not None), None)


def _round(reader: Reader, file: str, document: Document) -> BenchRound | None:
    record = document.content
    done, failed = whole(part(record, "successes", "count")), whole(part(record, "failures", "count"))
    figures: dict[str, float | None] = {
        "output_throughput": number(part(record, "successes", "throughput", "output_tokens_per_sec")),
        "request_throughput": number(part(record, "successes", "throughput", "requests_per_sec")),
    }
    for short, name in _LATENCIES.items():
        for spot, keys in _SPOTS.items():
            values = (number(part(record, "successes", "latency", name, key)) for key in keys)
            seconds = next((value for value in values if value is not None), None)
            if (spot, short) != ("p99", "tpot"):
                figures[f"{spot}_{short}_ms"] = None if seconds is None else 1000.0 * seconds
    sent = None if done is None or failed is None else done + failed
    counts = Counts(
        issued=whole(part(record, "load_summary", "count")) or sent,
        completed=done,
        failed=failed,
        input_tokens=_count_tokens(record, "prompt_tokens", "prompt_len"),
        output_tokens=_count_tokens(record, "output_len"),
        duration=number(record.get("benchmark_time_seconds")),
    )
    arguments = find_settings(record.get("load_summary"), _LOAD)
    summary = build_summary_round(reader, file, document, figures, counts, arguments)
    usage = _count_tokens(record, "output_tokens")
    if summary is None or usage is None:
        return summary
    return replace(summary, output_tokens=usage, retokenized=counts.output_tokens)


def _count_tokens(record: Json, *names: str) -> int | None:
    """Tokens of all finished requests, from their mean."""
    means = (part(record, "successes", name, "mean") for name in names)
    return multiply(next((mean for mean in means if mean is not None), None), part(record, "successes", "count"))


FORMAT = Format("inference-perf report", recognise, read)
