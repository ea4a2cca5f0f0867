"""Reads timed rounds from ``bench_runs.jsonl`` and reduces each to what the rules need.

A large run has hundreds of millions of inter-token latencies. Each line is parsed once; its per-request lists are
checked, reduced to figures and dropped, and three numbers per request remain.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import add
from typing import Any

from pydantic import ConfigDict

from bankable.nodes.auditor.reading.chunked import Sinks
from bankable.nodes.auditor.reading.first_batch import find_cold_start
from bankable.nodes.auditor.reading.gaps import Gaps
from bankable.nodes.auditor.reading.reader import Json, Reader
from bankable.nodes.auditor.reading.request_times import RequestTimes, collect_times
from bankable.nodes.auditor.reading.resolved import ResolvedArguments
from bankable.nodes.auditor.reading.round_facts import FIRST_GAPS, RoundFacts, collect_facts
from bankable.nodes.auditor.reading.texts import Texts
from bankable.tools.evidence.canonical import canonical, digest
from bankable.tools.evidence.records import REQUEST_SPEED, LatencySummary, RoundStamp
from bankable.tools.statistics.latency import RoundFigures, figures
from bankable.tools.statistics.order import DOUBLE, nonnegative

REPORTED = tuple(LatencySummary.model_fields)
FURTHER = ("p99_tpot_ms", "median_e2e_ms", "p99_e2e_ms")
"""Recomputed figures beside those of ``LatencySummary``."""
MAX_ROWS = 10_000
"""Rounds that are read of one launch."""
LONGEST_S = 1e7
"""Longest round or latency accepted, seconds."""
SHORTEST_S = 1e-6
"""Shortest round accepted, seconds."""
LARGEST_TOKENS = 1 << 40
"""Largest token count accepted."""
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
SINKS: Sinks = {"itls": Gaps, "generated_texts": Texts}
"""Lists that are read in pieces where a record is large."""
_OPTIONAL = frozenset({"generated_texts", "cached_tokens"})
_MAX_ARGUMENT = 200
"""Characters of an argument that are kept."""


@dataclass(frozen=True)
class FigureCheck:
    """A figure that a tool reports and that finer records of the same file give again, in the figure's own unit."""

    name: str
    """Key of the tolerance: throughputs end in ``_throughput``, latencies in ``_ms``."""
    reported: float
    true: float


@dataclass(frozen=True, kw_only=True)
class BenchRound:
    """One timed round, from whichever tool: what its record says, and what its per-request records say.

    Latencies in milliseconds, rates per second, durations in seconds. ``None`` or an empty sequence: the record does
    not have it.
    """

    line: int | None
    """1-based; ``None`` when the record has no line of its own."""
    stamp: RoundStamp | None = None
    """``None`` for a record that this project did not measure."""
    reported: Mapping[str, float]
    """Figures as the record states them, by field of ``LatencySummary``; only those that are there."""
    raw: Mapping[str, float]
    """The same figures recomputed from per-request records; empty when there are none."""
    checks: tuple[FigureCheck, ...] = ()
    """Further figures that can be compared with records of the same file."""
    listed: bool = False
    """Every request has an entry in ``input_lens``, ``output_lens`` and ``streamed``."""
    duration: float | None = None
    issued: int | None = None
    """Requests sent."""
    completed: int | None = None
    """Finished requests, as the record states."""
    succeeded: int | None = None
    """Requests with tokens and no error; known only for listed ones."""
    failed: int | None = None
    """Requests with an error or without a token."""
    total_output: int | None = None
    """Output tokens as the record states."""
    output_tokens: int | None = None
    """Output tokens that the requests returned; as the record states where it lists no requests."""
    input_tokens: int | None = None
    """Prompt tokens of all requests."""
    longest: int | None = None
    """Tokens of the longest request, prompt and answer, from its records or from declared lengths."""
    longest_s: float | None = None
    """Duration of the slowest request."""
    input_lens: Sequence[int] = ()
    output_lens: Sequence[int] = ()
    streamed: Sequence[int] = ()
    """Number of gaps between tokens, per request."""
    cached_tokens: int | None = None
    """Prompt tokens that came from the prefix cache; ``None`` when not recorded."""
    distinct_texts: int = 0
    """Number of different answers; 0 when the record stores none."""
    empty_texts: int = 0
    """Number of answers that are blank or one repeated character."""
    texts: int = 0
    """Number of answers whose text the record keeps."""
    retokenized: int | None = None
    """Output tokens by the load generator's own tokenizer, where the record counts both ways."""
    tokens_per_piece: float | None = None
    """Output tokens in one piece of a stream, as the record states: accepted drafts, or an interval."""
    pieces: int | None = None
    """Pieces that all streams had, where the record counts them and lists no gaps."""
    cold_start_s: float = 0.0
    """Seconds by which the first batch of requests waited longer than the others."""
    process: str | None = None
    """What identifies the server process: its start-up time with all digits."""
    span: tuple[float, float] | None = None
    """Start and end, seconds since the epoch."""
    prompts: int | None = None
    """Number of different prompts, where the record keeps them."""
    arguments: tuple[tuple[str, str], ...] = ()
    """The load generator's own arguments."""
    server_info: Json = field(default_factory=dict)
    """Resolved server arguments without volatile ones; empty when the record has none."""
    times: RequestTimes | None = None
    """Latencies of each answered request; ``None`` for a round that lists none."""
    facts: RoundFacts | None = None
    """Further facts of a round of this project's format; ``None`` for other tools' records."""

    def figure(self, name: str) -> float | None:
        """A figure of ``LatencySummary`` or ``FURTHER``: recomputed where that is possible, else as reported."""
        return self.raw.get(name, self.reported.get(name))


class BenchHead(LatencySummary):
    """A line of ``bench_runs.jsonl`` without its per-request lists. Other fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    duration: float
    """Seconds."""
    completed: int
    """Completed requests."""
    total_input_tokens: int
    """Prompt tokens of all requests."""
    total_output_tokens: int
    """Output tokens of all requests."""
    p99_tpot_ms: float
    """99th percentile of the time per output token, milliseconds."""
    server_info: dict[str, Any]
    """Resolved server arguments and scheduler state."""
    bankable: RoundStamp | None = None
    """Run nonce, round and times that this project adds."""


@dataclass(frozen=True)
class _Requests:
    """The per-request lists of a round, their types checked."""

    input_lens: list[int]
    output_lens: list[int]
    ttfts: list[float]
    itls: list[list[float]] | Gaps
    errors: list[str]
    texts: Texts
    cached_tokens: list[int] | None


def read_rows(reader: Reader, name: str) -> Iterator[BenchRound]:
    """Read the rounds of a ``bench_runs.jsonl``; lines that cannot be used are reported and left out."""
    seen = ResolvedArguments()
    rows = 0
    for line, entry in reader.objects(name, unchecked_keys=LISTS, sinks=SINKS):
        row = _read_row(reader, name, line, entry, seen)
        del entry  # the next line may be as large
        if row is None:
            continue
        if (rows := rows + 1) > MAX_ROWS:
            reader.report(name, line, "too_large", f"more than {MAX_ROWS} rounds; the rest is left out")
            return
        yield row


def _read_row(reader: Reader, name: str, line: int, entry: Json, seen: ResolvedArguments) -> BenchRound | None:
    head = reader.validate({key: value for key, value in entry.items() if key not in LISTS}, BenchHead, name, line)
    if head is None:
        return None
    requests = _check_lists(entry)
    if isinstance(requests, str):
        reader.report(name, line, "invalid", f"BenchHead.{requests}")
        return None
    gaps = _find_impossible(head, requests) or _collect_gaps(requests)
    if isinstance(gaps, str):
        reader.report(name, line, "impossible", gaps)
        return None
    return _build_round(head, requests, gaps, line, entry, seen)


def _check_lists(entry: Json) -> _Requests | str:
    """The per-request lists, or which one has a wrong type. Latencies are checked later, when they are summed."""
    if (name := next((name for name in sorted(LISTS - _OPTIONAL) if name not in entry), None)) is not None:
        return f"{name}: missing"
    cached = entry.get("cached_tokens")
    for name in ("input_lens", "output_lens", "cached_tokens"):
        if not _has_only(entry.get(name, []), {int}) and not (name in _OPTIONAL and entry[name] is None):
            return f"{name}: not a list of integers"
    texts = count_texts(entry)
    if texts is None or not _has_only(entry["errors"], {str}):
        return f"{'errors' if texts is not None else 'generated_texts'}: not a list of strings"
    if not _has_only(entry["ttfts"], {int, float}):
        return "ttfts: not a list of numbers"
    if not isinstance(entry["itls"], Gaps) and not _has_only(entry["itls"], {list}):
        return "itls: not a list of lists"
    return _Requests(
        entry["input_lens"], entry["output_lens"], entry["ttfts"], entry["itls"], entry["errors"], texts, cached
    )


def count_texts(entry: Mapping[str, Any]) -> Texts | None:
    """The answers of a record, counted; ``None`` where they are no list of text."""
    texts = entry.get("generated_texts", [])
    if isinstance(texts, Texts):
        return texts
    counted = Texts()
    try:
        counted.add(texts)
    except ValueError:
        return None
    return counted


def _has_only(values: object, kinds: set[type]) -> bool:
    return isinstance(values, list) and set(map(type, values)) <= kinds


def _build_round(
    head: BenchHead, requests: _Requests, gaps: Gaps, line: int, entry: Json, seen: ResolvedArguments
) -> BenchRound:
    first_gaps = array("d", bytes(gaps.packed[: FIRST_GAPS * DOUBLE]))
    failed = sum(
        bool(error) or length == 0 for error, length in zip(requests.errors, requests.output_lens, strict=True)
    )
    raw = figures(
        head.duration,
        requests.input_lens,
        requests.output_lens,
        requests.ttfts,
        gaps.sums,
        gaps.of_completed(requests.errors),
        requests.errors,
        reorder=True,
    )
    return BenchRound(
        line=line,
        stamp=head.bankable,
        reported={name: float(getattr(head, name)) for name in REPORTED},
        raw=find_figures(raw),
        listed=True,
        duration=head.duration,
        issued=head.bankable.issued if head.bankable else len(requests.output_lens),
        completed=head.completed,
        succeeded=len(requests.output_lens) - failed,
        failed=failed,
        total_output=head.total_output_tokens,
        output_tokens=raw.total_output_tokens,
        input_tokens=sum(requests.input_lens),
        longest=max(map(add, requests.input_lens, requests.output_lens), default=None),
        longest_s=raw.longest_request_s,
        input_lens=array("q", requests.input_lens),
        output_lens=array("q", requests.output_lens),
        streamed=gaps.counts,
        cached_tokens=None if requests.cached_tokens is None else sum(requests.cached_tokens),
        distinct_texts=requests.texts.distinct,
        texts=len(requests.texts),
        empty_texts=requests.texts.empty,
        retokenized=read_count(entry.get("total_output_tokens_retokenized")),
        tokens_per_piece=read_positive(entry.get("accept_length")),
        cold_start_s=find_cold_start(requests.ttfts, requests.errors, read_count(entry.get("max_concurrency")) or 0),
        process=find_process(head.server_info),
        arguments=tuple((key, _format_argument(entry[key])) for key in BENCH_ARGUMENTS if key in entry),
        server_info=seen.resolve(head.server_info),
        times=collect_times(requests.ttfts, gaps.sums, requests.output_lens, requests.errors),
        facts=collect_facts(
            entry,
            (requests.input_lens, requests.output_lens, requests.ttfts, requests.errors, requests.cached_tokens),
            gaps,
            first_gaps,
            requests.texts,
            raw.p99_tpot_ms,
        ),
    )


def find_figures(round_figures: RoundFigures) -> dict[str, float]:
    """Recomputed figures by name: those of ``LatencySummary``, and those that a guard or an objective may name."""
    figures = {name: float(getattr(round_figures, name)) for name in (*REPORTED, *FURTHER)}
    median = round_figures.median_e2e_ms
    return {**figures, REQUEST_SPEED: 1000.0 / median if median > 0 else 0.0}


def read_count(value: object) -> int | None:
    """A count of an untyped record; ``None`` when it is none."""
    return value if type(value) is int and 0 <= value <= LARGEST_TOKENS else None


def read_positive(value: object) -> float | None:
    """A positive number of an untyped record; ``None`` when it is none."""
    usable = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= LARGEST_TOKENS
    return float(value) if usable and isinstance(value, int | float) else None


def find_process(info: Mapping[str, Any]) -> str | None:
    """What identifies the server process in its ``/server_info`` answer: how long it took to start, with all digits."""
    started = info.get("startup_time")
    if isinstance(started, dict):
        return digest(canonical(started))[:16] if any(map(_has_digits, started.values())) else None
    return repr(started) if _has_digits(started) else None


def _has_digits(value: object) -> bool:
    """Whether a time is measured, and not a whole number that two launches may share."""
    return isinstance(value, float) and value > 0 and value != int(value)


def _format_argument(value: object) -> str:
    """A value as text; a long one as its beginning and a digest, so that two of them still differ."""
    text = str(value)
    return text if len(text) <= _MAX_ARGUMENT else f"{text[:_MAX_ARGUMENT]}… {digest(text.encode())[:16]}"


def _find_impossible(head: BenchHead, requests: _Requests) -> str:
    """Say why a round cannot have happened as recorded; empty when it can."""
    lists = (requests.input_lens, requests.output_lens, requests.ttfts, requests.itls, requests.errors)
    lengths = {len(values) for values in lists}
    if len(lengths) != 1:
        return f"per-request lists have different lengths: {sorted(lengths)}"
    if not SHORTEST_S <= head.duration <= LONGEST_S:
        return f"duration out of range: {head.duration:g} s"
    counts = [*requests.input_lens, *requests.output_lens, *(requests.cached_tokens or ())]
    if counts and min(counts) < 0:
        return "negative token count"
    if counts and max(counts) > LARGEST_TOKENS:
        return "token count out of range"
    stamp = head.bankable
    if stamp is not None and stamp.ended < stamp.started:
        return "the round ends before it starts"
    return ""


def _collect_gaps(requests: _Requests) -> Gaps | str:
    """The inter-token latencies, or why they are invalid."""
    if isinstance(requests.itls, Gaps):
        gaps = requests.itls
    else:
        gaps = Gaps()
        try:
            gaps.add(requests.itls)
        except ValueError:
            return "latency not a number, or out of range"
    if not nonnegative(gaps.packed) or min(requests.ttfts, default=0.0) < 0:
        return "negative latency"
    if max([*gaps.sums, *requests.ttfts], default=0.0) > LONGEST_S:  # the sum bounds each latency
        return "latency out of range"
    return gaps
