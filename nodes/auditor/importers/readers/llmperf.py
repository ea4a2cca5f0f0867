"""Summaries of LLMPerf: ``*_summary.json``.

Format: ray-project/llmperf, ``token_benchmark_ray.py``: one flat object, whose results begin with ``results_``:
distributions in seconds (``results_ttft_s_quantiles_p50``), counts, and ``results_mean_output_throughput_token_per_s``,
all tokens over the time of the run. Its inter-token latency is a request's mean gap: TPOT. Tokens are counted by a
tokenizer of its own.
"""

from __future__ import annotations

from collections.abc import Iterable

from bankable.nodes.auditor.importers.documents import Document, number, whole
from bankable.nodes.auditor.importers.format import Format, Reading
from bankable.nodes.auditor.importers.summary_round import FINISH_REASONS, Counts, build_summary_round
from bankable.nodes.auditor.reading.reader import Json, Reader
from bankable.nodes.auditor.reading.rows import BenchRound
from bankable.nodes.auditor.reading.view import AbsentRecord

RATE = "results_mean_output_throughput_token_per_s"
ARGUMENTS = ("model", "num_concurrent_requests", "mean_input_tokens", "mean_output_tokens")
_SECONDS = {
    "median_ttft_ms": "results_ttft_s_quantiles_p50",
    "p99_ttft_ms": "results_ttft_s_quantiles_p99",
    "median_tpot_ms": "results_inter_token_latency_s_quantiles_p50",
}


def recognise(first: Json) -> bool:
    return number(first.get(RATE)) is not None


def read(reader: Reader, file: str, documents: Iterable[Document]) -> Reading:
    rounds = [each for document in documents if (each := _round(reader, file, document)) is not None]
    gaps = (
        AbsentRecord("per-request times", "LLMPerf does not record when a request began", "reported_vs_raw"),
        FINISH_REASONS,
    )
    return Reading(tuple(rounds), gaps)


def _round(reader: Reader, file: str, document: Document) -> BenchRound | None:
    record = document.content
    per_minute = number(record.get("results_num_completed_requests_per_min"))
    figures: dict[str, float | None] = {
        "output_throughput": number(record.get(RATE)),
        "request_throughput": None if per_minute is None else per_minute / 60.0,
    }
    for name, key in _SECONDS.items():
        seconds = number(record.get(key))
        figures[name] = None if seconds is None else 1000.0 * seconds
    counts = Counts(
        completed=whole(record.get("results_num_completed_requests")),
        failed=whole(record.get("results_number_errors")),
    )
    arguments = tuple((name, str(record[name])[:200]) for name in ARGUMENTS if record.get(name) is not None)
    return build_summary_round(reader, file, document, figures, counts, arguments)


FORMAT = Format("LLMPerf summary", recognise, read)
