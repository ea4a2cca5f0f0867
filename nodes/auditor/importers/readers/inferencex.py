"""Aggregated results of InferenceX: ``agg_*.json``, one configuration an object, or a list of them.

Format: SemiAnalysisAI/InferenceX, ``utils/process_result.py`` of 2026: latencies in seconds (``median_ttft``), rates
per GPU (``output_tput_per_gpu``), ``hw``, ``conc``, ``isl``, ``osl``, ``model``, ``precision`` and the parallel sizes.
Rates stay per GPU: legs on different numbers of GPUs are then compared as InferenceX does. The raw results that these
are made of have vLLM's form and are read as such; they say more.
"""

from __future__ import annotations

from collections.abc import Iterable

from bankable.nodes.auditor.importers.documents import Document, number
from bankable.nodes.auditor.importers.format import Format, Reading
from bankable.nodes.auditor.importers.summary_round import FINISH_REASONS, Counts, build_summary_round
from bankable.nodes.auditor.measured import FIELDS
from bankable.nodes.auditor.reading.reader import Json, Reader
from bankable.nodes.auditor.reading.rows import BenchRound
from bankable.nodes.auditor.reading.view import AbsentRecord

ARGUMENTS = ("hw", "conc", "isl", "osl", "model", "infmax_model_prefix", "precision", "framework")
"""Machine, load and model. Parallel sizes may be what was changed."""
RAW = "give the raw result that this aggregate was made of"


def recognise(first: Json) -> bool:
    return number(first.get("output_tput_per_gpu")) is not None and "hw" in first


def read(reader: Reader, file: str, documents: Iterable[Document]) -> Reading:
    rounds = [each for document in documents if (each := _round(reader, file, document)) is not None]
    gaps = (
        AbsentRecord("per-request records", RAW, "reported_vs_raw"),
        AbsentRecord("requests that failed", RAW, "rows_complete"),
        FINISH_REASONS,
    )
    return Reading(tuple(rounds), gaps, ("rates are per GPU",))


def _round(reader: Reader, file: str, document: Document) -> BenchRound | None:
    record = document.content
    figures = {"output_throughput": number(record.get("output_tput_per_gpu"))}
    for name in FIELDS:
        seconds = number(record.get(name.removesuffix("_ms"))) if name.endswith("_ms") else None
        if seconds is not None:
            figures[name] = 1000.0 * seconds
    arguments = tuple((name, str(record[name])[:200]) for name in ARGUMENTS if record.get(name) is not None)
    return build_summary_round(reader, file, document, figures, Counts(), arguments)


FORMAT = Format("InferenceX aggregate", recognise, read)
