"""Aggregates of AIPerf (``profile_export_aiperf.json`` and ``.csv``) and of GenAI-Perf, which has the same shape.

Format: ai-dynamo/aiperf, commit db4f6397d11ee2d4cfbb41f70b2327315163dcf0: ``aiperf/common/models/export_models.py``
(``JsonExportData``: tags map to ``unit``, ``avg``, percentiles; written to mimic GenAI-Perf's JSON) and
``aiperf/exporters/csv_exporter.py`` (a table ``Metric,avg,min,max,p1,…`` of latencies, then ``Metric,Value``; names
carry their unit in brackets, values two decimals). GenAI-Perf's own exporter was not read; its files are taken where
they have these names. It groups digits ("1,980.10") and counts no failed requests, which are then not shown; AIPerf
leaves the count out where nothing failed.

``input_config`` holds what was asked for; the parts that make a workload are taken as arguments.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from bankable.nodes.auditor.importers.documents import Document, number, part, whole
from bankable.nodes.auditor.importers.format import Format, Reading
from bankable.nodes.auditor.importers.readers.aiperf import MS
from bankable.nodes.auditor.importers.settings import find_settings
from bankable.nodes.auditor.reading.reader import Json, Reader
from bankable.nodes.auditor.reading.rows import BenchRound
from bankable.nodes.auditor.reading.view import AbsentRecord

MAX_CSV_LINES = 10_000
MAX_MODELS = 10
TABLE = "aiperf csv"
"""Key under which a table's rows are handed over as one object."""
_RATES = {"output_throughput": "output_token_throughput", "request_throughput": "request_throughput"}
_LATENCIES = {
    "median_ttft_ms": ("time_to_first_token", "p50"),
    "p99_ttft_ms": ("time_to_first_token", "p99"),
    "median_tpot_ms": ("inter_token_latency", "p50"),
    "median_itl_ms": ("inter_chunk_latency", "p50"),
    "p99_itl_ms": ("inter_chunk_latency", "p99"),
}
"""AIPerf's inter-token latency is a request's mean gap (what others call TPOT); chunks have the single gaps."""
_NAMES = {"total_input_sequence_length": "total_isl", "total_output_sequence_length": "total_osl"}
"""Names in AIPerf's table, by which the JSON has other tags."""
_AIPERF = ("aiperf_version", "schema_version", "was_cancelled", "benchmark_duration", "error_request_count")
"""Names that GenAI-Perf does not write."""
_ASKED = frozenset(
    {
        "model_names",
        "model",
        "concurrency",
        "request_rate",
        "request_rate_mode",
        "request_count",
        "concurrency_ramp_duration",
        "request_rate_ramp_duration",
        "num_dataset_entries",
        "streaming",
        "isl",
        "osl",
        "mean",
        "gpu",
        "gpu_name",
    }
)
"""Settings of ``input_config``, at whatever depth, that make a workload or a machine."""
_HEAD = re.compile(r"^(?P<name>[^(]+?)\s*(?:\((?P<unit>[^)]*)\))?$")


def recognise(first: Json) -> bool:
    return TABLE in first or any(
        isinstance(part(first, tag, "unit"), str) and number(part(first, tag, "avg")) is not None
        for tag in _RATES.values()
    )


def read(reader: Reader, file: str, documents: Iterable[Document]) -> Reading:
    rounds = []
    for document in documents:
        record = document.content.get(TABLE, document.content)
        reported = figures(record)
        if any(value < 0 for value in reported.values()):
            reader.report(file, document.line, "impossible", "a negative figure")
        elif "output_throughput" not in reported:
            reader.report(file, document.line, "invalid", "no usable output_token_throughput")
        else:
            rounds.append(
                BenchRound(
                    line=document.line,
                    reported=reported,
                    raw={},
                    completed=whole(_value(record, "request_count")),
                    failed=_find_failed(record),
                    input_tokens=whole(_value(record, "total_isl")),
                    output_tokens=whole(_value(record, "total_osl")),
                    arguments=find_arguments(record),
                    span=_find_span(record),
                )
            )
    gaps = [
        AbsentRecord("per-request records", "give profile_export.jsonl of the same run", "reported_vs_raw"),
        AbsentRecord("finish reasons", "the format has none", "output_correctness", decides=False),
    ]
    if any(each.failed is None for each in rounds):
        gaps.append(AbsentRecord("requests that failed", "give the raw records, or use AIPerf", "rows_complete"))
    return Reading(tuple(rounds), tuple(gaps))


def _find_failed(record: Mapping[str, Any]) -> int | None:
    stated = whole(_value(record, "error_request_count"))
    return 0 if stated is None and any(name in record for name in _AIPERF) else stated


def _find_span(record: Mapping[str, Any]) -> tuple[float, float] | None:
    """Start and end of the run, where they are written as numbers or as text in ISO 8601."""
    start, end = (_find_time(record.get(name)) for name in ("start_time", "end_time"))
    return (start, end) if start is not None and end is not None and start <= end else None


def _find_time(value: object) -> float | None:
    if not isinstance(value, str):
        return number(value)
    try:
        return datetime.fromisoformat(value).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def find_arguments(record: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What was asked for, by path below ``input_config``; nothing in a table. Since 0.13 models are a list of names."""
    config = record.get("input_config")
    items = part(config, "models", "items")
    names = [str(part(item, "name"))[:200] for item in items[:MAX_MODELS]] if isinstance(items, list) else []
    return (*find_settings(config, _ASKED), *([("models", ", ".join(names))] if names else []))


def figures(record: Mapping[str, Any]) -> dict[str, float]:
    """Figures under the names used here, in ms and per second."""
    values = {name: _value(record, tag) for name, tag in _RATES.items()}
    for name, (tag, statistic) in _LATENCIES.items():
        scale = MS.get(str(part(record, tag, "unit")))
        value = number(part(record, tag, statistic))
        values[name] = None if value is None or scale is None else value * scale
    return {name: value for name, value in values.items() if value is not None}


def table(reader: Reader, file: str) -> Json | None:
    """A CSV export as one object of the same shape as the JSON; ``None`` when it is none."""
    rows, header = {}, []
    lines = (line for number_, line in reader.text(file) if number_ <= MAX_CSV_LINES)
    try:
        for cells in csv.reader(lines):
            if not cells:
                continue
            if cells[0].strip() == "Metric":
                header = [cell.strip() for cell in cells[1:]]
                continue
            name = _HEAD.match(cells[0].strip())
            if name and header:
                tag = name["name"].strip().lower().replace(" ", "_")
                tag = _NAMES.get(tag, tag)
                values = {key: _read(cell) for key, cell in zip(header, cells[1:], strict=False)}
                rows[tag] = {"unit": name["unit"] or "", **values, "avg": values.get("avg", values.get("Value"))}
    except csv.Error:
        return None
    document = {TABLE: rows}
    return document if "output_throughput" in figures(rows) else None


def _value(record: Mapping[str, Any], tag: str) -> float | None:
    return number(part(record, tag, "avg"))


def _read(cell: str) -> float | None:
    try:
        return number(float(cell.replace(",", "")))
    except ValueError:
        return None


def _summary(record: Json) -> dict[str, float]:
    return figures(record) if recognise(record) else {}


FORMAT = Format(
    "AIPerf or GenAI-Perf summary", recognise, read, table=table, summary=_summary, arguments=find_arguments
)
