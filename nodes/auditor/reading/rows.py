"""One timed round, reduced to what the rules need.

A large run has hundreds of millions of gaps between tokens. Each line is parsed once, its lists are checked as they
come, worked up into figures and dropped; what stays of a request is three numbers.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ConfigDict

from bankable.nodes.auditor.reading.gaps import Gaps
from bankable.nodes.auditor.reading.reader import Json, Reader
from bankable.nodes.auditor.reading.resolved import steady
from bankable.tools.evidence.canonical import canonical, digest
from bankable.tools.evidence.records import LatencySummary, RoundStamp
from bankable.tools.statistics.latency import RoundFigures, figures
from bankable.tools.statistics.order import nonnegative

REPORTED = tuple(LatencySummary.model_fields)
MAX_ROWS = 10_000
"""Rounds of one launch."""
LONGEST_S = 1e7
"""A round or a request of four months did not happen."""
SHORTEST_S = 1e-6
LARGEST_TOKENS = 1 << 40
BENCH_ARGUMENTS = (
    "backend",
    "dataset_name",
    "request_rate",
    "max_concurrency",
    "sharegpt_output_len",
    "random_input_len",
    "random_output_len",
    "random_range_ratio",
)
LISTS = frozenset(
    {
        "input_lens",
        "output_lens",
        "ttfts",
        "itls",
        "errors",
        "generated_texts",
        "cached_tokens",
    }
)
"""Per-request lists, checked here and not by the reader."""
_OPTIONAL = frozenset({"generated_texts", "cached_tokens"})
_SHOWN = 200


@dataclass(frozen=True)
class Row:
    """A round: what its record says, and what its per-request lists say."""

    line: int
    stamp: RoundStamp | None
    """``None`` for a bare record that this project did not measure."""
    reported: LatencySummary
    raw: RoundFigures
    """Recomputed from the per-request lists and the duration."""
    duration: float
    completed: int
    """As the record says."""
    succeeded: int
    """Requests with tokens and no error."""
    failed: int
    """Requests with an error or without a token."""
    total_output: int
    input_lens: Sequence[int]
    output_lens: Sequence[int]
    streamed: Sequence[int]
    """Gaps between tokens that were seen per request."""
    cached_tokens: int | None
    """Prompt tokens that came from the prefix cache; ``None`` when not recorded."""
    distinct_texts: int
    """Different answers; 0 when the record keeps none."""
    arguments: tuple[tuple[str, str], ...]
    """The load generator's own arguments."""
    server_info: Json
    """Resolved server arguments without what changes by itself."""


class BenchHead(LatencySummary):
    """A line of ``bench_runs.jsonl`` without its per-request lists. Other fields may stand there and are not read."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    duration: float
    completed: int
    total_input_tokens: int
    total_output_tokens: int
    p99_tpot_ms: float
    server_info: dict[str, Any]
    bankable: RoundStamp | None = None


@dataclass(frozen=True)
class _Requests:
    """The per-request lists of a round, their types checked."""

    input_lens: list[int]
    output_lens: list[int]
    ttfts: list[float]
    itls: list[list[float]] | Gaps
    errors: list[str]
    cached_tokens: list[int] | None


def read_rows(reader: Reader, name: str) -> Iterator[Row]:
    """Rounds of a ``bench_runs.jsonl``; lines that cannot be used are reported and left out."""
    seen: dict[str, Json] = {}
    rows = 0
    for line, found in reader.objects(name, elsewhere=LISTS, apart=("itls", Gaps)):
        row = _read_row(reader, name, line, found, seen)
        del found  # the next line may be as large
        if row is None:
            continue
        if (rows := rows + 1) > MAX_ROWS:
            reader.report(name, line, "too_large", f"more than {MAX_ROWS} rounds; the rest is left out")
            return
        yield row


def _read_row(reader: Reader, name: str, line: int, found: Json, seen: dict[str, Json]) -> Row | None:
    head = reader.typed({key: entry for key, entry in found.items() if key not in LISTS}, BenchHead, name, line)
    if head is None:
        return None
    requests = _requests(found)
    if isinstance(requests, str):
        reader.report(name, line, "invalid", f"BenchHead.{requests}")
        return None
    gaps = _impossible(head, requests) or _gaps(requests)
    if isinstance(gaps, str):
        reader.report(name, line, "impossible", gaps)
        return None
    return _row(head, requests, gaps, line, found, seen)


def _requests(found: Json) -> _Requests | str:
    """The lists, or which one is not what it should be. Latencies are looked at later, when they are added up."""
    if (name := next((name for name in sorted(LISTS - _OPTIONAL) if name not in found), None)) is not None:
        return f"{name}: missing"
    cached = found.get("cached_tokens")
    for name in ("input_lens", "output_lens", "cached_tokens"):
        if not _only(found.get(name, []), {int}) and not (name in _OPTIONAL and found[name] is None):
            return f"{name}: not a list of whole numbers"
    for name in ("errors", "generated_texts"):
        if not _only(found.get(name, []), {str}):
            return f"{name}: not a list of texts"
    if not _only(found["ttfts"], {int, float}):
        return "ttfts: not a list of numbers"
    if not isinstance(found["itls"], Gaps) and not _only(found["itls"], {list}):
        return "itls: not a list of lists"
    return _Requests(found["input_lens"], found["output_lens"], found["ttfts"], found["itls"], found["errors"], cached)


def _only(values: object, kinds: set[type]) -> bool:
    return isinstance(values, list) and set(map(type, values)) <= kinds


def _row(head: BenchHead, requests: _Requests, gaps: Gaps, line: int, found: Json, seen: dict[str, Json]) -> Row:
    info = steady(head.server_info)
    failed = sum(
        bool(error) or length == 0 for error, length in zip(requests.errors, requests.output_lens, strict=True)
    )
    return Row(
        line=line,
        stamp=head.bankable,
        reported=LatencySummary(**{name: getattr(head, name) for name in REPORTED}),
        raw=figures(
            head.duration,
            requests.input_lens,
            requests.output_lens,
            requests.ttfts,
            gaps.sums,
            gaps.of_completed(requests.errors),
            requests.errors,
        ),
        duration=head.duration,
        completed=head.completed,
        succeeded=len(requests.output_lens) - failed,
        failed=failed,
        total_output=head.total_output_tokens,
        input_lens=array("q", requests.input_lens),
        output_lens=array("q", requests.output_lens),
        streamed=gaps.counts,
        cached_tokens=None if requests.cached_tokens is None else sum(requests.cached_tokens),
        distinct_texts=len(set(found.get("generated_texts", ()))),
        arguments=tuple((key, _argument(found[key])) for key in BENCH_ARGUMENTS if key in found),
        server_info=seen.setdefault(digest(canonical(info)), info),
    )


def _argument(value: object) -> str:
    """A value as text; of a long one the beginning and a digest, so that two of them can still be told apart."""
    said = str(value)
    return said if len(said) <= _SHOWN else f"{said[:_SHOWN]}… {digest(said.encode())[:16]}"


def _impossible(head: BenchHead, requests: _Requests) -> str:
    """Why a round cannot have happened as recorded, or an empty string."""
    lists = (requests.input_lens, requests.output_lens, requests.ttfts, requests.itls, requests.errors)
    lengths = {len(values) for values in lists}
    if len(lengths) != 1:
        return f"per-request lists have different lengths: {sorted(lengths)}"
    if not SHORTEST_S <= head.duration <= LONGEST_S:
        return f"duration {head.duration:g} s"
    counts = [*requests.input_lens, *requests.output_lens, *(requests.cached_tokens or ())]
    if counts and min(counts) < 0:
        return "a negative token count"
    if counts and max(counts) > LARGEST_TOKENS:
        return "a token count beyond all measure"
    stamp = head.bankable
    if stamp is not None and stamp.ended < stamp.started:
        return "the round ends before it starts"
    return ""


def _gaps(requests: _Requests) -> Gaps | str:
    """The gaps between tokens, or why they cannot be."""
    if isinstance(requests.itls, Gaps):
        gaps = requests.itls
    else:
        gaps = Gaps()
        try:
            gaps.add(requests.itls)
        except ValueError:
            return "a latency that is not a number, or beyond all measure"
    if not nonnegative(gaps.packed) or min(requests.ttfts, default=0.0) < 0:
        return "a negative latency"
    if max([*gaps.sums, *requests.ttfts], default=0.0) > LONGEST_S:  # a sum bounds what it is made of
        return "a latency beyond all measure"
    return gaps
