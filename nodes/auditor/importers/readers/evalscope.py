"""Summaries of ``evalscope perf``: ``benchmark_summary.json``, with or without ``benchmark_percentile.json`` beside it.

Format: evalscope 1.14.1, as its runs wrote it: one object whose keys are titles with a unit in brackets ("Output
Throughput (tok/s)", "Avg TTFT (ms)"; older versions write "Output token throughput (tok/s)" and "Average time to first
token (s)"). A folder for each load (``parallel_4_number_24``) also holds ``benchmark_args.json``, which says what was
asked for, and ``benchmark_data.db`` with the times and tokens of every request, from which the figures are recomputed;
its responses are pickles, and never read. Without it totals of tokens are the means times the finished requests. "Avg
ITL" is per chunk, TPOT per token, so that only TPOT is taken. The percentiles are a list of objects, one a percentile;
means are no medians, and are not taken for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from bankable.nodes.auditor.importers.documents import Document, documents, number, whole
from bankable.nodes.auditor.importers.format import Format, Reading
from bankable.nodes.auditor.importers.request_series import RequestSeries, name_absent_requests
from bankable.nodes.auditor.importers.summary_round import (
    FINISH_REASONS,
    Counts,
    build_summary_round,
    milliseconds,
    multiply,
)
from bankable.nodes.auditor.reading.reader import Json, Reader
from bankable.nodes.auditor.reading.rows import BenchRound

PERCENTILES = "benchmark_percentile.json"
_TITLE = re.compile(r"^(?P<name>[^(]+?)\s*(?:\((?P<unit>[^)]*)\))?$")
_RATE = ("output token throughput", "output throughput")
_REQUESTS = ("request throughput", "req throughput")
_DURATION = ("test duration", "time taken for tests")
ARGUMENTS = "benchmark_args.json"
DATABASE = "benchmark_data.db"
_ASKED = (
    "model",
    "dataset",
    "number",
    "max_tokens",
    "min_tokens",
    "max_prompt_length",
    "min_prompt_length",
    "prefix_length",
    "stream",
    "open_loop",
    "duration",
)
_LOAD = {
    "number of concurrency": "concurrency",
    "concurrency": "concurrency",
    "request rate": "request_rate",
    "model": "model",
}


def recognise(first: Json) -> bool:
    titles = _titles(first)
    return any(name in titles for name in _RATE) and any(
        name in titles for name in ("total requests", "succeed requests", "success requests")
    )


def read(reader: Reader, file: str, entries: Iterable[Document]) -> Reading:
    rounds = [each for document in entries if (each := _round(reader, file, document)) is not None]
    series = _read_requests(reader, file)
    if series is not None and len(rounds) == 1 and series.is_of(rounds[0]):
        return Reading((series.recompute(rounds[0]),), (FINISH_REASONS,))
    absent = name_absent_requests(series, f"leave {DATABASE} of the same run beside it")
    return Reading(tuple(rounds), (absent, FINISH_REASONS))


def _read_requests(reader: Reader, file: str) -> RequestSeries | None:
    """The requests in the database beside the summary, where it is usable."""
    name = f"{file.rpartition('/')[0]}/{DATABASE}"
    if not reader.exists(name):
        return None
    from bankable.nodes.auditor.importers.evalscope_database import read_database  # noqa: PLC0415  # loads sqlite

    return read_database(reader.folder / name)


def _round(reader: Reader, file: str, document: Document) -> BenchRound | None:
    titles = _titles(document.content)
    sent, done = _first(titles, "total requests"), _first(titles, "succeed requests", "success requests")
    failed = _first(titles, "failed requests")
    figures = {
        "output_throughput": _first(titles, *_RATE),
        "request_throughput": _first(titles, *_REQUESTS),
        **_read_percentiles(reader, file),
    }
    counts = Counts(
        issued=whole(sent),
        completed=whole(done),
        failed=whole(failed),
        input_tokens=multiply(_first(titles, "avg input tokens"), done),
        output_tokens=multiply(_first(titles, "avg output tokens"), done),
        duration=_first(titles, *_DURATION),
    )
    return build_summary_round(reader, file, document, figures, counts, _find_arguments(reader, file, titles))


def _find_arguments(reader: Reader, file: str, titles: Mapping[str, tuple[Any, str]]) -> tuple[tuple[str, str], ...]:
    """The load by the summary, and what else was asked for by the file beside it."""
    arguments = {name: str(titles[title][0])[:200] for title, name in _LOAD.items() if title in titles}
    name = f"{file.rpartition('/')[0]}/{ARGUMENTS}"
    beside = (reader.document(name) if reader.exists(name) else None) or {}
    more = {key: str(beside[key])[:200] for key in _ASKED if beside.get(key) is not None and key not in arguments}
    return tuple({**arguments, **more}.items())


def _titles(record: Mapping[str, Any]) -> dict[str, tuple[Any, str]]:
    """Value and unit by title, in small letters."""
    found = {}
    for title, value in record.items():
        match = _TITLE.match(str(title).strip())
        if match:
            found[" ".join(match["name"].lower().split())] = (value, match["unit"] or "")
    return found


def _first(titles: Mapping[str, tuple[Any, str]], *names: str) -> float | None:
    return next((value for name in names if name in titles and (value := number(titles[name][0])) is not None), None)


def _read_percentiles(reader: Reader, file: str) -> dict[str, float | None]:
    """Medians and 99th percentiles from the file beside the summary."""
    name = f"{file.rpartition('/')[0]}/{PERCENTILES}"
    if not reader.exists(name):
        return {}
    figures: dict[str, float | None] = {}
    for document in documents(reader, name):
        titles = _titles(document.content)
        place = str(titles.get("percentiles", titles.get("percentile", ("", "")))[0]).strip(" %pP")
        for spot, kinds in (("50", "median"), ("99", "p99")):
            if place not in (spot, f"{spot}.0"):
                continue
            for metric in ("ttft", "tpot"):
                if metric in titles and (metric, kinds) != ("tpot", "p99"):
                    value, unit = titles[metric]
                    figures[f"{kinds}_{metric}_ms"] = milliseconds(number(value), unit)
    return figures


FORMAT = Format("evalscope perf summary", recognise, read)
