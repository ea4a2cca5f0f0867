"""BenchmarkReport of llm-d, versions 0.1 and 0.2, as JSON.

Format: ``llmd-benchmark-report`` 0.2.1: ``version``, ``scenario`` and ``results.request_performance.aggregate`` (0.2)
or ``metrics`` (0.1), with ``requests`` (``total``, ``failures``), ``latency`` (per kind ``units`` and a distribution)
and ``throughput`` (a number, or ``units`` and ``mean``). A report in YAML is not read: write it as JSON.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bankable.nodes.auditor.importers.documents import Document, number, part, whole
from bankable.nodes.auditor.importers.format import Format, Reading
from bankable.nodes.auditor.importers.settings import find_settings
from bankable.nodes.auditor.importers.summary_round import (
    FINISH_REASONS,
    Counts,
    build_summary_round,
    milliseconds,
)
from bankable.nodes.auditor.reading.reader import Json, Reader
from bankable.nodes.auditor.reading.rows import BenchRound
from bankable.nodes.auditor.reading.view import AbsentRecord

_LATENCIES = {"ttft": "time_to_first_token", "tpot": "time_per_output_token", "itl": "inter_token_latency"}
_SPOTS = {"median": ("p50", "median"), "p99": ("p99",)}
_RATES = {
    "output_throughput": ("output_token_rate", "output_tokens_per_sec"),
    "request_throughput": ("request_rate", "requests_per_sec"),
}
_LOAD = ("concurrency", "max_concurrency", "rate", "rate_qps", "model", "accelerator", "name")


def recognise(first: Json) -> bool:
    return "version" in first and "scenario" in first and bool(_aggregate(first))


def read(reader: Reader, file: str, documents: Iterable[Document]) -> Reading:
    rounds = [each for document in documents if (each := _round(reader, file, document)) is not None]
    gaps = (
        AbsentRecord("per-request records", "give the benchmark's own result files", "reported_vs_raw"),
        FINISH_REASONS,
    )
    return Reading(tuple(rounds), gaps)


def _aggregate(record: Json) -> Json:
    places = (part(record, "results", "request_performance", "aggregate"), record.get("metrics"))
    return next((place for place in places if isinstance(place, dict) and "throughput" in place), {})


def _round(reader: Reader, file: str, document: Document) -> BenchRound | None:
    found = _aggregate(document.content)
    figures: dict[str, float | None] = {
        name: next((value for key in keys if (value := _mean(part(found, "throughput", key))) is not None), None)
        for name, keys in _RATES.items()
    }
    for short, name in _LATENCIES.items():
        distribution = part(found, "latency", name)
        unit = str(part(distribution, "units") or "s")
        for spot, keys in _SPOTS.items():
            value = next((value for key in keys if (value := number(part(distribution, key))) is not None), None)
            if (spot, short) != ("p99", "tpot"):
                figures[f"{spot}_{short}_ms"] = milliseconds(value, unit)
    sent, failed = whole(part(found, "requests", "total")), whole(part(found, "requests", "failures"))
    done = sent - failed if sent is not None and failed is not None and failed <= sent else None
    counts = Counts(issued=sent, completed=done, failed=failed)
    arguments = find_settings(part(document.content, "scenario", "load"), _LOAD)
    return build_summary_round(reader, file, document, figures, counts, arguments)


def _mean(value: Any) -> float | None:
    return number(part(value, "mean")) if isinstance(value, dict) else number(value)


FORMAT = Format("llm-d BenchmarkReport", recognise, read)
