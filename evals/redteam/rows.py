"""Edits of rounds that keep every figure of the same record consistent, as a producer with write access would."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from statistics import fmean, median

from bankable.evals.fixtures.build.files import Json
from bankable.evals.fixtures.build.leg import add_summary
from bankable.tools.statistics.latency import percentile

LISTS = ("input_lens", "output_lens", "ttfts", "itls", "generated_texts", "errors", "cached_tokens")
PER_REQUEST = (*LISTS, "cached_tokens_details")


def pick_requests(row: Json, places: Sequence[int]) -> None:
    """Keep these requests of a round, in this order; a place may be given twice."""
    for name in PER_REQUEST:
        if isinstance(row.get(name), list):
            row[name] = [row[name][place] for place in places]


def scale_latencies(row: Json, factor: Callable[[], float]) -> None:
    """Multiply each latency of a round by its own factor."""
    row["ttfts"] = [value * factor() for value in row["ttfts"]]
    row["itls"] = [[value * factor() for value in gaps] for gaps in row["itls"]]


def request_spans(row: Json) -> list[float]:
    """Seconds from sending to the last token, of each request."""
    return [ttft + sum(gaps) for ttft, gaps in zip(row["ttfts"], row["itls"], strict=True)]


def replay_load(row: Json, concurrency: int) -> float:
    """Seconds that the round's requests take when each slot of the load generator sends one after the other."""
    slots = [0.0] * max(1, min(concurrency, len(row["ttfts"])))
    for span in request_spans(row):
        heapq.heappush(slots, heapq.heappop(slots) + span)
    return max(slots)


def settle(row: Json) -> Json:
    """The round with every summary figure computed again from its lists; latencies over answered requests."""
    answered = [place for place, error in enumerate(row["errors"]) if not error] or list(range(len(row["errors"])))
    every = request_spans(row)
    spans = [1000.0 * every[place] for place in answered]
    ttfts = [1000.0 * row["ttfts"][place] for place in answered]
    gaps = [1000.0 * value for place in answered for value in row["itls"][place]]
    tokens, prompts, duration = sum(row["output_lens"]), sum(row["input_lens"]), row["duration"]
    share = row.get("total_output_tokens_retokenized", tokens) / max(1, row["total_output_tokens"])
    row.update(
        completed=sum(not error for error in row["errors"]),
        total_input_tokens=prompts,
        total_output_tokens=tokens,
        total_output_tokens_retokenized=round(share * tokens),
        input_throughput=prompts / duration,
        total_throughput=(prompts + tokens) / duration,
        mean_ttft_ms=fmean(ttfts),
        p90_ttft_ms=percentile(ttfts, 90),
        p95_ttft_ms=percentile(ttfts, 95),
        mean_itl_ms=fmean(gaps) if gaps else 0.0,
        mean_e2e_latency_ms=fmean(spans),
        median_e2e_latency_ms=median(spans),
        p99_e2e_latency_ms=percentile(spans, 99),
        concurrency=sum(spans) / 1000.0 / duration,
        max_output_tokens_per_s=min(row.get("max_output_tokens_per_s", 0.0), float(tokens)),
    )
    if isinstance(row.get("cache_report"), dict) and row.get("cached_tokens"):
        row["cache_report"].update(total_prompt_tokens=prompts, total_cached_tokens=sum(row["cached_tokens"]))
    row["bankable"]["issued"] = len(row["errors"])
    return add_summary(row)
