"""GuideLLM's report: ``benchmarks.json``.

Format: vllm-project/guidellm, commit ee7a77457ba668b4b5ccb40f110518829893b36a (schema version 2) and tag v0.5.0
(version 1): ``src/guidellm/benchmark/schemas/{report,benchmark,metrics,base}.py`` and
``src/guidellm/schemas/request_stats.py``. A report has ``benchmarks``; each has ``config.strategy``, ``metrics`` (per
figure a distribution for ``successful`` and other requests) and ``requests.successful|errored|incomplete``, whose
entries carry computed fields. Versions before 0.4 call the strategy ``args``, keep the totals in the benchmark itself,
and start and end of a request as ``start_time`` and ``end_time`` (tag v0.3.1, ``src/guidellm/benchmark/benchmark.py``).

With a warm-up or a cool-down all records stay, and what counts is between ``measure_start_time`` and
``measure_end_time`` of ``scheduler_metrics``. Fewer records than were counted are a sample: nothing is recomputed.

Percentiles are a step function there and interpolated here, and those of the gaps between tokens are weighted by
tokens, as their mean is: a figure that lies between its neighbours in either definition is no contradiction. The rate
here is all tokens of finished requests over the span from the first start to the last end.

Without usage from the server the requested tokens are credited; the number of pieces in ``token_iterations`` shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bankable.nodes.auditor.importers.definitions import is_quantile, nearest_mean
from bankable.nodes.auditor.importers.documents import Document, number, part, whole
from bankable.nodes.auditor.importers.format import Format, Reading
from bankable.nodes.auditor.importers.settings import find_settings
from bankable.nodes.auditor.reading.reader import Json, Reader
from bankable.nodes.auditor.reading.rows import BenchRound, FigureCheck
from bankable.nodes.auditor.reading.texts import count_empty_answers
from bankable.nodes.auditor.reading.view import AbsentRecord
from bankable.tools.statistics.latency import percentile

_MEANS = {"ttft": "time_to_first_token_ms", "tpot": "inter_token_latency_ms"}
"""GuideLLM's inter-token latency is a request's mean gap after the first token: TPOT."""
SAMPLED = "every request's record"
_RAW = frozenset({"median_ttft_ms", "p99_ttft_ms", "median_tpot_ms"})
"""Figures that are recomputed."""
_LOAD = ("type_", "streams", "rate", "max_concurrency", "rampup_duration", "constant", "max_requests")
EPOCH_S = 1e9
"""Times before 2001 count from another origin than the epoch."""


def recognise(first: Json) -> bool:
    entries = first.get("benchmarks")
    return isinstance(entries, list) and bool(entries) and isinstance(part(entries[0], "metrics"), dict)


def read(reader: Reader, file: str, documents: Iterable[Document]) -> Reading:
    rounds: list[BenchRound] = []
    missing: set[str] = set()
    remarks: list[str] = []
    for document in documents:
        entries = document.content.get("benchmarks")
        for entry in entries if isinstance(entries, list) else []:
            if not isinstance(entry, dict):
                reader.report(file, document.line, "malformed", "a benchmark that is no object")
                continue
            each, without, remark = _round(reader, file, document.line, entry)
            missing |= {without} - {""}
            remarks += [remark] if remark else []
            rounds += [each] if each is not None else []
    gaps = [AbsentRecord("finish reasons", "the format has none", "output_correctness", decides=False)]
    gaps += [AbsentRecord("gaps between tokens", "the format has none", "headline_integrity", decides=False)]
    fixes = {SAMPLED: "run GuideLLM without sampling of requests"}
    gaps += [
        AbsentRecord(what, fixes.get(what, "give the whole report of one run"), "reported_vs_raw")
        for what in sorted(missing)
    ]
    return Reading(tuple(rounds), tuple(gaps), tuple(remarks))


def _round(reader: Reader, file: str, line: int | None, entry: Json) -> tuple[BenchRound | None, str, str]:
    """A round, why its requests cannot be recomputed (empty: they can), and a remark on records that do not count."""
    finished = _list(part(entry, "requests", "successful"))
    totals = part(entry, "metrics", "request_totals") or entry.get("request_totals")
    count = whole(_first(totals, "successful"))
    done = _within_window(entry, finished, count)
    outside = len(finished) - len(done)
    remark = f"{outside} records lie outside the measured window (warm-up, cool-down)" if outside else ""
    tokens = [(whole(one.get("prompt_tokens")), whole(one.get("output_tokens"))) for one in done]
    latencies = {key: [number(one.get(name)) for one in done] for key, name in _MEANS.items()}
    if any(value is not None and value < 0 for values in latencies.values() for value in values):
        reader.report(file, line, "impossible", "a negative latency")
        return None, "", remark
    starts = _each(done, "request_start_time", "start_time")
    ends = _each(done, "request_end_time", "end_time")
    duration = max(ends) - min(starts) if starts and ends else 0.0
    reported = _read_reported(entry)
    missing = _describe_missing(len(done), count)
    complete = not missing and len(starts) == len(ends) == len(done)
    raw: dict[str, float] = {}
    checks: list[FigureCheck] = []
    counted = [made for _, made in tokens if made is not None]
    if complete and duration > 0 and len(counted) == len(done):
        raw = {"output_throughput": sum(counted) / duration, "request_throughput": len(done) / duration}
        for key, name in _MEANS.items():
            pairs = [(value, made) for value, made in zip(latencies[key], counted, strict=True) if value is not None]
            if not pairs:
                continue
            for figure, q in ((f"median_{key}_ms", 50.0), (f"p99_{key}_ms", 99.0)):
                if figure in _RAW:
                    raw[figure] = percentile([value for value, _ in pairs], q)
                if figure in reported and is_quantile(pairs, q, reported[figure]):
                    del reported[figure]
            mean = number(part(entry, "metrics", name, "successful", "mean"))
            if mean is not None:
                checks.append(FigureCheck(f"mean_{key}_ms", mean, nearest_mean(pairs, mean)))
    if "output_throughput" not in raw and "output_throughput" not in reported:
        reader.report(file, line, "invalid", "no usable rate of output tokens")
        return None, "", remark
    if any(value < 0 for value in reported.values()):
        reader.report(file, line, "impossible", "a negative figure")
        return None, "", remark
    failed = len(_list(part(entry, "requests", "errored")))
    texts = [one["output"] for one in done if isinstance(one.get("output"), str)]
    return (
        BenchRound(
            line=line,
            reported=reported,
            raw=raw,
            checks=tuple(checks),
            completed=len(done) if complete else count,
            failed=whole(_first(totals, "errored")) or failed,
            input_tokens=sum(prompt or 0 for prompt, _ in tokens) if complete else None,
            output_tokens=sum(counted) if complete else None,
            longest=max(((prompt or 0) + (made or 0) for prompt, made in tokens), default=None),
            pieces=_count_pieces(done) if complete else None,
            prompts=_count_prompts(done) if complete else None,
            texts=len(texts),
            empty_texts=count_empty_answers(texts),
            arguments=_arguments(entry),
            span=(min(starts), max(ends)) if starts and ends and min(starts) > EPOCH_S else None,
        ),
        "" if raw else missing or "a start, an end and a number of tokens of every request",
        remark,
    )


def _describe_missing(done: int, count: int | None) -> str:
    """Which records of finished requests are not there; empty when all are."""
    if not done:
        return "requests"
    if count is None or count == done:
        return ""
    return SAMPLED if done < count else "which of its records are counted"


def _within_window(entry: Json, finished: list[Json], count: int | None) -> list[Json]:
    """The requests that GuideLLM counted: all, or those within its window where more records are there."""
    start, end = (number(part(entry, "scheduler_metrics", f"measure_{name}_time")) for name in ("start", "end"))
    if count is None or len(finished) <= count or start is None or end is None:
        return finished
    for bounds in (("request_start_time", "request_end_time"), ("request_end_time",), ("request_start_time",)):
        inside = [
            one
            for one in finished
            if all((at := number(one.get(name))) is not None and start <= at <= end for name in bounds)
        ]
        if len(inside) == count:
            return inside
    return finished


def _count_pieces(done: list[Json]) -> int | None:
    """Pieces of all streams; ``None`` where a request does not have them."""
    counts = [
        whole(part(one, "info", "timings", "token_iterations") or part(one, "info", "timings", "iterations"))
        for one in done
    ]
    return None if None in counts or not any(counts) else sum(count or 0 for count in counts)


def _count_prompts(done: list[Json]) -> int | None:
    """Different prompts; ``None`` where a request does not keep its own."""
    prompts = [one.get("prompt") or one.get("request_args") for one in done]
    texts = {prompt for prompt in prompts if isinstance(prompt, str)}
    return len(texts) if texts and all(isinstance(prompt, str) for prompt in prompts) else None


def _arguments(entry: Json) -> tuple[tuple[str, str], ...]:
    """What load was asked for, and of which model."""
    strategy = part(entry, "config", "strategy") or part(entry, "args", "strategy")
    places = [part(entry, "config", "backend"), part(entry, "worker"), part(entry, "benchmarker", "backend")]
    models = [model for place in places for model in find_settings(place, ("model", "target_model"))[:1]]
    return (*find_settings(strategy, _LOAD), *((("model", models[0][1]),) if models else ()))


def _read_reported(entry: Json) -> dict[str, float]:
    names = {
        "output_throughput": ("output_tokens_per_second", "mean"),
        "request_throughput": ("requests_per_second", "mean"),
        "median_ttft_ms": ("time_to_first_token_ms", "median"),
        "median_tpot_ms": ("inter_token_latency_ms", "median"),
    }
    figures = {key: number(part(entry, "metrics", name, "successful", what)) for key, (name, what) in names.items()}
    figures["p99_ttft_ms"] = number(
        part(entry, "metrics", "time_to_first_token_ms", "successful", "percentiles", "p99")
    )
    return {key: value for key, value in figures.items() if value is not None}


def _list(value: Any) -> list[Json]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _each(entries: Iterable[Json], *names: str) -> list[float]:
    return [value for one in entries if (value := _first(one, *names)) is not None]


def _first(record: Mapping[str, Any] | None, *names: str) -> float | None:
    return next((value for name in names if (value := number(part(record, name))) is not None), None)


FORMAT = Format("GuideLLM report", recognise, read)
