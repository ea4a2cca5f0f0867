"""Results of ``vllm bench serve --save-result`` (with or without ``--save-detailed``, ``--append-result``).

Format: vllm-project/vllm, commit 009e6d4a1cd6ba3fb2a9fc00f4ec06f5297232a1, ``vllm/benchmarks/serve.py``: one JSON
object per run; appended runs are separated by a newline. Without ``--save-detailed`` the per-request lists are taken
out again. Percentiles are those asked for (p99 by default), and a figure that was not asked for is absent. A failed
request has no output tokens and counts in ``failed`` (not written by older versions). Nothing about the server is
written but the model's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bankable.nodes.auditor.importers.documents import Document
from bankable.nodes.auditor.importers.format import Format, Reading
from bankable.nodes.auditor.importers.readers.serving import serving_round
from bankable.nodes.auditor.reading.reader import Json, Reader
from bankable.nodes.auditor.reading.rows import BenchRound
from bankable.nodes.auditor.reading.view import AbsentRecord

ARGUMENTS = (
    "backend",
    "model_id",
    "tokenizer_id",
    "num_prompts",
    "request_rate",
    "burstiness",
    "max_concurrency",
    "ramp_up_strategy",
    "ramp_up_start_rps",
    "ramp_up_end_rps",
    "gpu",
    "gpu_name",
    "gpu_type",
    "hardware",
    "accelerator",
)
"""What was asked for, and the machine where ``--metadata`` names it."""
DETAILED = "add --save-detailed to vllm bench serve"


def recognise(first: Json) -> bool:
    return "model_id" in first and "num_prompts" in first and "request_throughput" in first


def read(reader: Reader, file: str, documents: Iterable[Document]) -> Reading:
    rounds = tuple(_rounds(reader, file, documents))
    gaps = []
    if not all(row.listed for row in rounds):
        gaps.append(AbsentRecord("per-request latencies and lengths", DETAILED, "reported_vs_raw"))
    if any(each.failed is None and None in (each.issued, each.completed) for each in rounds):
        gaps.append(AbsentRecord("requests that failed", DETAILED, "rows_complete"))
    gaps.append(AbsentRecord("finish reasons", "the format has none", "output_correctness", decides=False))
    return Reading(rounds, tuple(gaps))


def _rounds(reader: Reader, file: str, documents: Iterable[Document]) -> Iterator[BenchRound]:
    for document in documents:
        each = serving_round(reader, file, document, ARGUMENTS, None)
        if each is not None:
            yield each


FORMAT = Format("vLLM bench serve", recognise, read)
