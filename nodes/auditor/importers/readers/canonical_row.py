"""Rows of GEAK's other benchmark clients: a few figures under the serving benchmark's names, and nothing else.

Format: AMD-AGI/GEAK, ``e2e_workflow/scripts/bench_e2e.sh`` (commit 46e66bfd: a client appends rows with
``output_throughput``, ``median_ttft_ms`` and ``median_tpot_ms``) and ``scripts/adapters/clients/map_aiperf.py`` (commit
7648760d), which writes 0 for what AIPerf did not report: counts are therefore not held against rates.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bankable.nodes.auditor.importers.documents import Document, number
from bankable.nodes.auditor.importers.format import Format, Reading
from bankable.nodes.auditor.importers.readers.serving import serving_round
from bankable.nodes.auditor.reading.reader import Json, Reader
from bankable.nodes.auditor.reading.view import AbsentRecord


def recognise(first: Json) -> bool:
    return number(first.get("output_throughput")) is not None and "median_ttft_ms" in first


def read(reader: Reader, file: str, documents: Iterable[Document]) -> Reading:
    rows = (serving_round(reader, file, document, (), None) for document in documents)
    rounds = tuple(replace(each, checks=()) for each in rows if each is not None)
    gaps = (
        AbsentRecord("per-request records", "give the benchmark client's own result files", "reported_vs_raw"),
        AbsentRecord("requests that failed", "give the benchmark client's own result files", "rows_complete"),
    )
    return Reading(rounds, gaps)


FORMAT = Format("GEAK canonical rows", recognise, read, catches_all=True)
