"""The per-request lists of a serving-benchmark record, checked once and reduced to what the rules need."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bankable.nodes.auditor.reading.gaps import Gaps
from bankable.nodes.auditor.reading.rows import count_texts
from bankable.nodes.auditor.reading.texts import Texts
from bankable.nodes.auditor.reading.unusable import LARGEST_COUNT, LARGEST_NUMBER
from bankable.tools.evidence.records import BenchRun
from bankable.tools.statistics.latency import RoundFigures, figures
from bankable.tools.statistics.order import nonnegative

PER_REQUEST = ("input_lens", "output_lens", "ttfts", "itls", "errors", "generated_texts", "cached_tokens")


@dataclass(frozen=True)
class RequestLists:
    """One entry per request, in the order of the requests."""

    input_lens: Sequence[int]
    output_lens: Sequence[int]
    ttfts: Sequence[float]
    """Seconds."""
    gaps: Gaps
    errors: Sequence[str]
    texts: Texts
    cached_tokens: Sequence[int] | None
    """Prompt tokens from the prefix cache; ``None`` when not recorded."""

    def recompute(self, duration: float) -> RoundFigures:
        """The figures of a round of ``duration`` seconds. Raises ``ValueError`` when the lists cannot be of one."""
        if len({len(self.input_lens), len(self.output_lens), len(self.ttfts), len(self.gaps), len(self.errors)}) != 1:
            raise ValueError("the per-request lists of a round differ in length")
        if not (math.isfinite(duration) and duration > 0):
            raise ValueError(f"the duration of a round must be positive, not {duration}")
        if not all(math.isfinite(value) and value >= 0 for value in self.ttfts) or self._has_negative_gap():
            raise ValueError("a latency is negative or not finite")
        if min(self.input_lens, default=0) < 0 or min(self.output_lens, default=0) < 0:
            raise ValueError("a token count is negative")
        gaps = self.gaps.of_completed(self.errors)
        return figures(
            duration,
            self.input_lens,
            self.output_lens,
            self.ttfts,
            self.gaps.sums,
            gaps,
            self.errors,
            reorder=True,
        )

    def _has_negative_gap(self) -> bool:
        packed = self.gaps.packed
        return not nonnegative(packed) and min(memoryview(packed).cast("d")) < 0  # a zero may have a sign


def check_requests(record: Mapping[str, Any]) -> RequestLists | None:
    """The lists of a record whose entries have plain types and are in range; ``None`` for any other record."""
    counts = {name: record[name] for name in ("input_lens", "output_lens")}
    cached = record.get("cached_tokens")
    if not all(_is_of(values, {int}) for values in (*counts.values(), *([] if cached is None else [cached]))):
        return None
    if not _is_of(record["ttfts"], {int, float}) or not _is_of(record["errors"], {str}):
        return None
    gaps, texts = _take_gaps(record["itls"]), count_texts(record)
    if gaps is None or texts is None:
        return None
    numbers = [*map(abs, record["ttfts"]), *gaps.sums]
    wholes = [abs(value) for values in (*counts.values(), cached or ()) for value in values]
    if max(numbers, default=0.0) > LARGEST_NUMBER or max(wholes, default=0) >= LARGEST_COUNT:
        return None
    return RequestLists(
        array("q", counts["input_lens"]),
        array("q", counts["output_lens"]),
        record["ttfts"],
        gaps,
        record["errors"],
        texts,
        cached,
    )


def restore_lists(record: Mapping[str, Any]) -> dict[str, Any]:
    """The per-request lists of a record as lists; texts that were only counted are left out."""
    lists = {name: record[name] for name in PER_REQUEST if name in record}
    if isinstance(lists.get("itls"), Gaps):
        lists["itls"] = lists["itls"].to_lists()
    if isinstance(lists.get("generated_texts"), Texts):
        del lists["generated_texts"]
    return lists


def take_requests(run: BenchRun, texts: object) -> RequestLists:
    """The lists of a validated record. ``texts``: those that were counted already. Raises ``ValueError``."""
    gaps, counted = Gaps(), texts if isinstance(texts, Texts) else Texts()
    gaps.add(run.itls)
    if counted is not texts:
        counted.add(run.generated_texts)
    return RequestLists(run.input_lens, run.output_lens, run.ttfts, gaps, run.errors, counted, run.cached_tokens)


def _take_gaps(entries: Any) -> Gaps | None:
    if isinstance(entries, Gaps):
        return entries
    gaps = Gaps()
    try:
        gaps.add(entries)
    except ValueError:
        return None
    return gaps


def _is_of(values: object, kinds: set[type]) -> bool:
    return isinstance(values, list) and set(map(type, values)) <= kinds
