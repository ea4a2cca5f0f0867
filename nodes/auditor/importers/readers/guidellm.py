"""GuideLLM's report: ``benchmarks.json``.

Format: vllm-project/guidellm, commit ee7a77457ba668b4b5ccb40f110518829893b36a (schema version 2) and tag v0.5.0
(version 1): ``src/guidellm/benchmark/schemas/{report,benchmark,metrics,base}.py`` and
``src/guidellm/schemas/request_stats.py``. A report has ``benchmarks``; each has ``config.strategy``, ``metrics`` (per
figure a distribution for ``successful`` and other requests) and ``requests.successful|errored|incomplete``, whose
entries carry computed fields. Versions before 0.4 call the strategy ``args`` and keep start and end of a request as
``start_time`` and ``end_time`` (tag v0.3.1, ``src/guidellm/benchmark/benchmark.py``).

Percentiles are taken from a step function there and interpolated here, so only means are held against each other.
GuideLLM's rate is a mean over time windows; the rate here is all tokens of finished requests over the span from the
first start to the last end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import Any

from bankable.nodes.auditor.importers.documents import Document, number, part, whole
from bankable.nodes.auditor.importers.format import Format, Reading
from bankable.nodes.auditor.reading.reader import Json, Reader
from bankable.nodes.auditor.reading.rows import BenchRound, FigureCheck
from bankable.nodes.auditor.reading.view import AbsentRecord
from bankable.tools.errors import UserError
from bankable.tools.evidence.canonical import canonical
from bankable.tools.statistics.latency import percentile

_MEANS = {"ttft": "time_to_first_token_ms", "tpot": "inter_token_latency_ms"}
"""GuideLLM's inter-token latency is a request's mean gap after the first token: TPOT."""
_IGNORED = ("id", "id_", "run_id", "run_index", "strategy_index")


def recognise(first: Json) -> bool:
    entries = first.get("benchmarks")
    return isinstance(entries, list) and bool(entries) and isinstance(part(entries[0], "metrics"), dict)


def read(reader: Reader, file: str, documents: Iterable[Document]) -> Reading:
    rounds: list[BenchRound] = []
    levels: set[bytes] = set()
    sampled = False
    for document in documents:
        entries = document.content.get("benchmarks")
        for entry in entries if isinstance(entries, list) else []:
            if not isinstance(entry, dict):
                reader.report(file, document.line, "malformed", "a benchmark that is no object")
                continue
            levels.add(_level(entry))
            each, complete = _round(reader, file, document.line, entry)
            sampled = sampled or not complete
            rounds += [each] if each is not None else []
    if len(levels) > 1:
        raise UserError(
            f"Cannot import: {len(levels)} load levels in one GuideLLM report",
            file,
            "compare reports with one strategy each",
        )
    gaps = [AbsentRecord("finish reasons", "the format has none", "output_correctness", decides=False)]
    gaps += [AbsentRecord("gaps between tokens", "the format has none", "headline_integrity", decides=False)]
    if sampled:
        gaps.append(
            AbsentRecord("every request's record", "run GuideLLM without sampling of requests", "reported_vs_raw")
        )
    return Reading(tuple(rounds), tuple(gaps))


def _level(entry: Json) -> bytes:
    """What load was asked for, without what names the run."""
    strategy = part(entry, "config", "strategy") or part(entry, "args", "strategy")
    plain = (
        {key: value for key, value in strategy.items() if key not in _IGNORED}
        if isinstance(strategy, dict)
        else strategy
    )
    try:
        return canonical(plain)
    except (ValueError, RecursionError):
        return b"?"


def _round(reader: Reader, file: str, line: int | None, entry: Json) -> tuple[BenchRound | None, bool]:
    """A round, and whether every finished request has its record."""
    done = _list(part(entry, "requests", "successful"))
    tokens = [(whole(one.get("prompt_tokens")), whole(one.get("output_tokens"))) for one in done]
    latencies = {key: [number(one.get(name)) for one in done] for key, name in _MEANS.items()}
    if any(value is not None and value < 0 for values in latencies.values() for value in values):
        reader.report(file, line, "impossible", "a negative latency")
        return None, False
    starts = _each(done, "request_start_time", "start_time")
    ends = _each(done, "request_end_time", "end_time")
    duration = max(ends) - min(starts) if starts and ends else 0.0
    reported = _reported(entry)
    count = whole(_first(part(entry, "metrics", "request_totals"), "successful"))
    complete = bool(done) and (count is None or count == len(done)) and len(starts) == len(ends) == len(done)
    raw: dict[str, float] = {}
    checks: list[FigureCheck] = []
    counted = [made for _, made in tokens if made is not None]
    if complete and duration > 0 and len(counted) == len(done):
        raw = {"output_throughput": sum(counted) / duration, "request_throughput": len(done) / duration}
        for key, name in _MEANS.items():
            present = [value for value in latencies[key] if value is not None]
            if present:
                raw[f"median_{key}_ms"] = percentile(present, 50)
                mean = number(part(entry, "metrics", name, "successful", "mean"))
                checks += [FigureCheck(f"mean_{key}_ms", mean, fmean(present))] if mean is not None else []
        first = [value for value in latencies["ttft"] if value is not None]
        if first:
            raw["p99_ttft_ms"] = percentile(first, 99)
    if "output_throughput" not in raw and "output_throughput" not in reported:
        reader.report(file, line, "invalid", "no usable rate of output tokens")
        return None, False
    if any(value < 0 for value in reported.values()):
        reader.report(file, line, "impossible", "a negative figure")
        return None, False
    failed = len(_list(part(entry, "requests", "errored")))
    return BenchRound(
        line=line,
        reported=reported,
        raw=raw,
        checks=tuple(checks),
        completed=len(done) if complete else count,
        failed=whole(_first(part(entry, "metrics", "request_totals"), "errored")) or failed,
        input_tokens=sum(prompt or 0 for prompt, _ in tokens) if complete else None,
        output_tokens=sum(counted) if complete else None,
        longest=max(((prompt or 0) + (made or 0) for prompt, made in tokens), default=None),
    ), bool(raw)


def _reported(entry: Json) -> dict[str, float]:
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
