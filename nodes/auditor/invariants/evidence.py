"""Walks the evidence for the invariants: rounds, launches and pairs of them, operator benchmarks."""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.harness.view import OperatorBenchmarkView
from bankable.nodes.auditor.reading.round_facts import RoundFacts
from bankable.nodes.auditor.reading.rows import BenchRound
from bankable.nodes.auditor.reading.server_log import LogFacts
from bankable.nodes.auditor.reading.view import BlockView, LegView
from bankable.tools.evidence.records import LegRecord, RoundStamp

ROUNDS, LOG, LEG, INFO, HOST = "bench_runs.jsonl", "server.log", "leg.json", "server_info.json", "host.jsonl"
OUTPUTS, ANSWERS = "outputs.jsonl", "accuracy.jsonl"
FEWEST_LINES = 100
"""Lines below which a log is an excerpt: starting an engine alone writes more."""


def each_round(case: Case) -> Iterator[tuple[LegView, BenchRound, RoundFacts]]:
    """Every timed round with per-request records, of every leg that counts."""
    for leg in case.legs:
        for row in leg.rows:
            if row.facts is not None and row.listed:
                yield leg, row, row.facts


def stamped(case: Case) -> Iterator[tuple[LegView, BenchRound, RoundStamp]]:
    """Every timed round that this project stamped."""
    for leg in case.legs:
        for row in leg.rows:
            if row.stamp is not None:
                yield leg, row, row.stamp


def paired_rounds(case: Case) -> Iterator[tuple[BlockView, BenchRound, BenchRound]]:
    """Rounds of one index on both sides of a block, which were asked the same prompts."""
    for block in case.blocks:
        for left, right in zip(block.reference.rows, block.candidate.rows, strict=False):
            if left.stamp is None or right.stamp is None or left.stamp.request_digest == right.stamp.request_digest:
                yield block, left, right


def launches(case: Case) -> Iterator[tuple[LegView, LegRecord]]:
    """Every leg that counts and has its record."""
    for leg in case.legs:
        if leg.record is not None:
            yield leg, leg.record


def replayed(leg: LegView) -> bool:
    """Whether a launch is taken from a recording: its times and files may serve several launches."""
    return leg.record is not None and leg.record.driver == "replay"


def timed_launches(case: Case) -> Iterator[tuple[LegView, LegRecord]]:
    """Launches whose times are their own; those of a replay are another machine's."""
    return ((leg, record) for leg, record in launches(case) if record.driver != "replay")


def logged(case: Case) -> Iterator[tuple[LegView, LegRecord, LogFacts]]:
    """Launches with a server log of their own with time stamps."""
    for leg, record in timed_launches(case):
        if leg.log is not None and leg.log.lines:
            yield leg, record, leg.log


def all_legs(case: Case) -> tuple[LegView, ...]:
    """Legs of the comparison and of its control, each once."""
    if case.imported or case.control is case.comparison:
        return case.legs
    return (*case.legs, *(leg for block in case.control.blocks for leg in block.legs()))


def is_whole_log(leg: LegView, log: LogFacts) -> bool:
    """Whether the log should hold every answered request: a whole log of a server that was not asked to log less."""
    info = leg.server_info or {}
    level = info.get("log_level_http") or info.get("log_level") or "info"
    whole = log.lines >= FEWEST_LINES and log.batches > 0 and bool(log.requests or log.arguments)
    return whole and str(level).lower() in ("info", "debug")


def input_tokens(row: BenchRound) -> float | None:
    """Prompt tokens of all requests of a round."""
    return float(row.input_tokens) if row.input_tokens is not None else None


def output_tokens(row: BenchRound) -> float | None:
    """Credited tokens of all requests of a round."""
    return float(row.output_tokens) if row.output_tokens is not None else None


def benchmarks(case: Case) -> Iterator[OperatorBenchmarkView]:
    """Every operator benchmark that the case rests on."""
    if case.scope == "harness":
        yield case.benchmark
    elif not case.imported:
        yield from case.view.operators.values()
