"""Result tables of Hyperloom: ``ALL_RESULTS.json``, a list with one object a benchmark run.

Format: AMD-AGI/Hyperloom, commit f31982d08660a7ca3b0142a04a13e888925aa858,
``inference_optimization/results/glm5_optimization/ALL_RESULTS.json``: rates in tokens per second (``output_tok_s``),
latencies in milliseconds, of which only means and 99th percentiles, and counts of requests. The runs were made with
InferenceX's benchmark, whose raw results lie beside it, say more, and are read as vLLM's. A run that did not start has
zeros. A table holds many configurations: give the rows of one leg.
"""

from __future__ import annotations

from collections.abc import Iterable

from bankable.nodes.auditor.importers.documents import Document, number, whole
from bankable.nodes.auditor.importers.format import Format, Reading
from bankable.nodes.auditor.importers.summary_round import FINISH_REASONS, Counts, build_summary_round
from bankable.nodes.auditor.reading.reader import Json, Reader
from bankable.nodes.auditor.reading.rows import BenchRound
from bankable.nodes.auditor.reading.view import AbsentRecord

ARGUMENTS = ("num_prompts", "max_concurrency")


def recognise(first: Json) -> bool:
    return number(first.get("output_tok_s")) is not None and "total_tok_s" in first and "duration_s" in first


def read(reader: Reader, file: str, documents: Iterable[Document]) -> Reading:
    rounds = [each for document in documents if (each := _round(reader, file, document)) is not None]
    gaps = (
        AbsentRecord("per-request records", "give the raw results that the table was made of", "reported_vs_raw"),
        FINISH_REASONS,
    )
    return Reading(tuple(rounds), gaps)


def _round(reader: Reader, file: str, document: Document) -> BenchRound | None:
    record = document.content
    sent, done = (whole(record.get(name)) for name in ("num_prompts", "completed"))
    seconds = number(record.get("duration_s"))
    figures = {
        "output_throughput": number(record.get("output_tok_s")),
        "request_throughput": done / seconds if done is not None and seconds else None,
        "p99_ttft_ms": number(record.get("p99_ttft_ms")),
    }
    failed = sent - done if sent is not None and done is not None and done <= sent else None
    counts = Counts(issued=sent, completed=done, failed=failed, duration=seconds)
    arguments = tuple((name, str(record[name])[:200]) for name in ARGUMENTS if record.get(name) is not None)
    return build_summary_round(reader, file, document, figures, counts, arguments)


FORMAT = Format("Hyperloom results", recognise, read)
