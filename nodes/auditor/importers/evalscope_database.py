"""The requests of an ``evalscope perf`` run, from ``benchmark_data.db``.

Format: evalscope 1.14.1, ``evalscope/perf/utils/db_util.py``: an SQLite table ``result``, one request a row, times in
seconds of one clock, gaps between chunks as JSON. Requests and responses are pickles in text form: those columns are
never selected. The file is untrusted: only a plain table is read, with a limit on rows and on the engine's steps.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import orjson

from bankable.nodes.auditor.importers.documents import number, whole
from bankable.nodes.auditor.importers.request_series import RequestSeries

MAX_REQUESTS = 1_000_000
MAX_GAPS_BYTES = 4 << 20
"""Bytes of the gaps of one request that are read."""
MAX_STEPS = 2_000
"""Calls of the progress handler, one every 100,000 steps of the engine."""
_HEADER = b"SQLite format 3\0"
_QUERY = f"""
SELECT start_time, completed_time, success, latency, first_chunk_latency, prompt_tokens, completion_tokens,
  CASE WHEN length(inter_token_latencies) <= {MAX_GAPS_BYTES} THEN inter_token_latencies END
FROM main.result LIMIT {MAX_REQUESTS + 1}
"""


def read_database(path: Path) -> RequestSeries | None:
    """The requests of a run; ``None`` for a file of another form, or one with a request that cannot be used."""
    with path.open("rb") as stream:
        if stream.read(len(_HEADER)) != _HEADER:
            return None
    steps = 0

    def is_too_long() -> bool:
        nonlocal steps
        steps += 1
        return steps > MAX_STEPS

    try:
        # Immutable: no journal beside the file is read, and no lock is taken.
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True)) as database:
            database.set_progress_handler(is_too_long, 100_000)
            database.execute("PRAGMA trusted_schema = OFF")
            if not _is_plain_table(database):
                return None
            return _collect(database.execute(_QUERY))
    except (sqlite3.Error, ValueError, TypeError, OverflowError):
        return None


def _is_plain_table(database: sqlite3.Connection) -> bool:
    """Whether ``result`` is a table with stored columns: a view or a computed column could run anything."""
    kinds = database.execute("SELECT type, sql FROM main.sqlite_schema WHERE lower(name) = 'result'").fetchall()
    hidden = database.execute("SELECT hidden FROM pragma_table_xinfo('result')").fetchall()
    plain = len(kinds) == 1 and kinds[0][0] == "table" and not str(kinds[0][1]).upper().startswith("CREATE VIRTUAL")
    return plain and not any(value for (value,) in hidden)


def _collect(rows: sqlite3.Cursor) -> RequestSeries | None:
    series = RequestSeries()
    for index, (start, end, success, latency, ttft, prompt, answer, gaps) in enumerate(rows):
        if index == MAX_REQUESTS:
            return None
        begun, ended = number(start), number(end)
        if begun is None or ended is None or ended < begun:
            return None
        if not success:
            series.failed += 1
            series.edges += [begun, ended]
            continue
        times, counts = (number(latency), number(ttft)), (whole(prompt), whole(answer))
        if times[0] is None or times[1] is None or counts[0] is None or counts[1] is None:
            return None
        if not 0.0 <= times[1] <= times[0]:
            return None
        series.add((begun, ended), times[1], times[0] - times[1], (counts[0], counts[1]))
        between = orjson.loads(gaps) if isinstance(gaps, str) else None
        if isinstance(between, list):
            series.pieces.append(len(between) + 1)
    if len(series.pieces) != len(series.starts):
        series.pieces.clear()
    return series
