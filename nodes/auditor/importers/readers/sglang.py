"""Results of sglang's serving benchmark: ``--output-file``, with or without ``--output-details``.

Format: sglang 0.5.23, ``python/sglang/benchmark/serving.py`` (earlier ``bench_serving.py``): one JSON object per run,
appended as a line. ``server_info`` holds the answer of ``/server_info``; with details the lists ``input_lens``,
``output_lens``, ``ttfts``, ``itls``, ``generated_texts`` and ``errors`` follow, one entry per request. The number of
requests that were sent is not in a record without details.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bankable.nodes.auditor.importers.documents import Document, whole
from bankable.nodes.auditor.importers.format import Format, Reading
from bankable.nodes.auditor.importers.readers.serving import detailed, serving_round
from bankable.nodes.auditor.reading.reader import Json, Reader
from bankable.nodes.auditor.reading.rows import BENCH_ARGUMENTS, BenchRound
from bankable.nodes.auditor.reading.view import AbsentRecord


def recognise(first: Json) -> bool:
    """Measured by this project, or sglang's own names of load arguments beside its figures."""
    figures = "output_throughput" in first or "median_ttft_ms" in first
    return "bankable" in first or (figures and ("server_info" in first or "sharegpt_output_len" in first))


def read(reader: Reader, file: str, documents: Iterable[Document]) -> Reading:
    rounds = tuple(_rounds(reader, file, documents))
    gaps = []
    if not all(row.listed for row in rounds):
        gaps.append(AbsentRecord("per-request lists", "run the benchmark with --output-details", "reported_vs_raw"))
        gaps.append(AbsentRecord("requests that failed", "run the benchmark with --output-details", "rows_complete"))
    return Reading(rounds, tuple(gaps))


def is_plain(first: Json) -> bool:
    """Rounds that the measurement layer's own reader takes as they stand."""
    return "bankable" in first or (detailed(first) and isinstance(first.get("server_info"), dict))


def _rounds(reader: Reader, file: str, documents: Iterable[Document]) -> Iterator[BenchRound]:
    for document in documents:
        each = serving_round(reader, file, document, BENCH_ARGUMENTS, _read_declared(document.content))
        if each is not None:
            yield each


def _read_declared(record: Json) -> int | None:
    """Longest request of the random data sets: lengths are drawn up to the declared ones."""
    if not str(record.get("dataset_name", "")).startswith("random"):
        return None
    lengths = whole(record.get("random_input_len")), whole(record.get("random_output_len"))
    return lengths[0] + lengths[1] if lengths[0] is not None and lengths[1] is not None else None


FORMAT = Format("sglang serving benchmark", recognise, read, is_plain=is_plain)
