"""What was timed: fresh inputs behind a cold cache, real samples, and all of the work inside them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bankable.evals.fixtures.build.benchmark import CACHE, SAMPLES
from bankable.nodes.auditor.verdict import Action, Severity
from tests.nodes.auditor.builders import edit
from tests.nodes.auditor.harness_builders import (
    edit_rows,
    every,
    row_is,
    rows_say,
    slow_down,
)
from tests.nodes.auditor.harness_cases import Fraud, Honest, assert_found, assert_passes

MEASUREMENT = "bench-1/measurement.json"


@pytest.mark.parametrize(
    "fraud",
    [
        Fraud("the same contents in every sample", rows_say(generations=[7] * SAMPLES), "inputs_reused", "H09"),
        Fraud("a warm cache for the winner", rows_say(cache="warm"), "warm_cache", "H09"),
        Fraud(
            "a flush of a quarter of the cache",
            lambda f: edit_rows(f, lambda row: row.update(cache_bytes=CACHE // 4), every),
            "warm_cache",
            "H09",
        ),
        Fraud("inputs not recorded", rows_say(generations=[]), "unverifiable", "H09", Action.REMEASURE),
    ],
    ids=str,
)
def test_inputs_that_were_used_before_are_found(operator: Path, fraud: Fraud) -> None:
    fraud.edit(operator)
    assert_found(operator, "harness_inputs", fraud)


def _rotated(folder: Path) -> None:
    edit_rows(folder, lambda row: row.update(cache="rotated", cache_bytes=CACHE), every)
    edit(folder / MEASUREMENT, lambda entry: entry["protocol"].update(cache="rotated"))


def _rotated_in_place(folder: Path) -> None:
    _rotated(folder)
    edit_rows(folder, lambda row: row.update(pointers=[4096] * SAMPLES))


def test_a_rotation_that_stays_where_it_is_is_found(operator: Path) -> None:
    _rotated_in_place(operator)
    assert_found(operator, "harness_inputs", Fraud("rotated in place", _rotated_in_place, "inputs_reused", "H09"))


@pytest.mark.parametrize(
    "honest",
    [
        Honest(
            "one buffer, flushed and filled anew",
            lambda f: edit_rows(f, lambda row: row.update(pointers=[4096] * SAMPLES, cache_bytes=CACHE), every),
        ),
        Honest("rotated through just the cache's size", _rotated),
    ],
    ids=str,
)
def test_fresh_inputs_pass(operator: Path, honest: Honest) -> None:
    honest.edit(operator)
    assert_passes(operator)


def _longer_than_the_row(folder: Path) -> None:
    edit_rows(folder, lambda row: (row.update(ended=row["started"]), slow_down(row, 100.0)))


def _first_sample(value: float | None) -> object:
    return lambda f: edit_rows(f, lambda row: row["samples_ns"].__setitem__(0, value))


LOST = frozenset(
    {
        "harness_shapes",
        "harness_speedup",
        "harness_inputs",
        "harness_hidden_work",
        "harness_processes",
    }
)


@pytest.mark.parametrize(
    "fraud",
    [
        Fraud("a null among the samples", _first_sample(None), "untimed", "H07", also=LOST),
        Fraud("a zero among the samples", _first_sample(0.0), "untimed", "H07", also=LOST),
        Fraud("a negative sample", _first_sample(-3.0), "untimed", "H07", also=LOST),
        Fraud(
            "half of the samples",
            lambda f: edit_rows(f, lambda row: row.update(samples_ns=row["samples_ns"][:6])),
            "samples_missing",
            "H07",
            also=LOST,
        ),
        Fraud("longer than its process lived", _longer_than_the_row, "impossible_samples", "H07", also=LOST),
    ],
    ids=str,
)
def test_figures_that_were_not_timed_are_found(operator: Path, fraud: Fraud) -> None:
    fraud.edit(operator)
    assert_found(operator, "harness_timings", fraud)


@pytest.mark.parametrize(
    "honest",
    [
        Honest(
            "samples that fill the row",
            lambda f: edit_rows(f, lambda row: row.update(ended=row["started"] + sum(row["samples_ns"]) / 1e9), every),
        ),
        Honest(
            "an untimed losing candidate",
            lambda f: edit_rows(
                f, lambda row: row.update(samples_ns=[None] * SAMPLES), row_is(implementation="torch_compile")
            ),
        ),
    ],
    ids=str,
)
def test_timed_figures_pass(operator: Path, honest: Honest) -> None:
    honest.edit(operator)
    assert_passes(operator)


def _beyond(nanoseconds: float) -> Callable[[Path], None]:
    return lambda f: edit_rows(f, lambda row: row.update(span_ns=sum(row["samples_ns"]) + SAMPLES * nanoseconds))


@pytest.mark.parametrize(
    "fraud",
    [
        Fraud("work on a side stream", _beyond(20_000.0), "work_outside_samples", "H12", Action.EJECT),
        Fraud("a thread that stays", rows_say(threads_after=10), "new_threads", "H12", Action.EJECT),
        Fraud(
            "a first call that eats the gain",
            rows_say(first_call_ns=3e8),
            "unpaid_first_call",
            "H12",
            Action.REDO,
            Severity.FLAG,
        ),
        Fraud(
            "a span shorter than its samples",
            lambda f: edit_rows(f, lambda row: row.update(span_ns=0.5 * sum(row["samples_ns"]))),
            "impossible_span",
            "H12",
        ),
        Fraud("first call not timed", rows_say(first_call_ns=None), "unverifiable", "H12", Action.REMEASURE),
    ],
    ids=str,
)
def test_work_that_was_moved_is_found(operator: Path, fraud: Fraud) -> None:
    fraud.edit(operator)
    assert_found(operator, "harness_hidden_work", fraud)


@pytest.mark.parametrize(
    "honest",
    [
        Honest(
            "a slow compilation before the server is ready",
            lambda f: edit_rows(f, lambda row: row.update(first_call_ns=3e9, prewarmed=True)),
        ),
        Honest("a pool that both legs start", lambda f: edit_rows(f, lambda row: row.update(threads_after=11), every)),
        Honest("a wait of a microsecond more", _beyond(1_200.0)),
    ],
    ids=str,
)
def test_work_inside_the_samples_passes(operator: Path, honest: Honest) -> None:
    honest.edit(operator)
    assert_passes(operator)
