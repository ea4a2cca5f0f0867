"""How each leg was measured: by one protocol, in processes of its own, at served shapes."""

from __future__ import annotations

from pathlib import Path

import pytest

from bankable.evals.fixtures.build.benchmark import again
from bankable.nodes.auditor.verdict import Action, Severity
from tests.nodes.auditor.builders import Json, edit, edit_lines
from tests.nodes.auditor.harness_builders import (
    REFERENCE,
    WINNER,
    change_claim,
    edit_rows,
    every,
    row_is,
    rows_say,
    slow_down,
)
from tests.nodes.auditor.harness_cases import Fraud, Honest, assert_found, assert_passes

RUNS = "bench-1/opbench_runs.jsonl"
MEASUREMENT = "bench-1/measurement.json"


def _drop(folder: Path, **which: object) -> None:
    edit_lines(folder / RUNS, lambda rows: rows.__setitem__(slice(None), [r for r in rows if not row_is(**which)(r)]))


def _stopped_early(folder: Path) -> None:
    """The sixth round did not please."""
    _drop(folder, round=5)
    edit(folder / "bench-1/claim.json", lambda claim: claim.update(speedup=None, interval=None, shapes={}))


@pytest.mark.parametrize(
    "fraud",
    [
        Fraud("another timer for the winner", rows_say(timer="cuda_event"), "other_protocol", "H10"),
        Fraud(
            "a cold reference",
            lambda f: edit_rows(f, lambda row: row.update(warmup_calls=0), REFERENCE),
            "other_protocol",
            "H10",
        ),
        Fraud("one round less than declared", _stopped_early, "rounds", "D10", also=frozenset({"harness_speedup"})),
    ],
    ids=str,
)
def test_another_protocol_is_found(operator: Path, fraud: Fraud) -> None:
    fraud.edit(operator)
    assert_found(operator, "harness_protocol", fraud)


def _more_warm_up(folder: Path) -> None:
    edit_rows(folder, lambda row: row.update(warmup_calls=500), every)
    edit(folder / MEASUREMENT, lambda entry: entry["protocol"].update(warmup_calls=500))


@pytest.mark.parametrize(
    "honest",
    [
        Honest("more warm-up on both legs", _more_warm_up),
        Honest(
            "a losing candidate by another timer",
            lambda f: edit_rows(f, lambda row: row.update(timer="cuda_event"), row_is(implementation="torch_compile")),
        ),
    ],
    ids=str,
)
def test_one_protocol_passes(operator: Path, honest: Honest) -> None:
    honest.edit(operator)
    assert_passes(operator)


def _in_one_process(rows: list[Json]) -> None:
    """Reference and winner of each round under one roof."""
    for row in rows:
        if REFERENCE(row) or WINNER(row):
            row["pid"] = 5000 + row["round"]


def _loser_beside_reference(rows: list[Json]) -> None:
    """Whoever slows the reference down makes every other candidate faster."""
    for row in rows:
        if REFERENCE(row) or row["implementation"] == "torch_compile":
            row["pid"] = 5000 + row["round"]


def _references_first(rows: list[Json]) -> None:
    ordered = sorted(rows, key=lambda row: (row["role"] != "reference", row["round"], row["started"]))
    clocks = sorted((row["started"], row["ended"]) for row in rows)
    for row, (started, ended) in zip(ordered, clocks, strict=True):
        row.update(started=started, ended=ended)


def _side_by_side(rows: list[Json]) -> None:
    for row in rows:
        twin = next(
            entry
            for entry in rows
            if REFERENCE(entry) and (entry["round"], entry["shape"]) == (row["round"], row["shape"])
        )
        row.update(started=twin["started"], ended=twin["ended"])


@pytest.mark.parametrize(
    "fraud",
    [
        Fraud(
            "reference and winner in one process",
            lambda f: edit_lines(f / RUNS, _in_one_process),
            "shared_process",
            "H14",
        ),
        Fraud("one process for all rounds", rows_say(pid=4000), "same_process", "D03"),
        Fraud(
            "a process that checks itself",
            lambda f: edit_rows(f, lambda row: row["correctness"].update(pid=row["pid"])),
            "own_judge",
            "H15",
        ),
        Fraud(
            "a losing candidate in the reference's process",
            lambda f: edit_lines(f / RUNS, _loser_beside_reference),
            "shared_process",
            "H14",
        ),
        Fraud("legs side by side", lambda f: edit_lines(f / RUNS, _side_by_side), "overlap", "C11"),
        Fraud("all references first", lambda f: edit_lines(f / RUNS, _references_first), "not_interleaved", "C05"),
    ],
    ids=str,
)
def test_processes_that_share_are_found(operator: Path, fraud: Fraud) -> None:
    fraud.edit(operator)
    assert_found(operator, "harness_processes", fraud)


@pytest.mark.parametrize(
    "honest",
    [
        Honest(
            "the next process starts as the last one ends",
            lambda f: edit_rows(f, lambda row: row.update(ended=row["started"] + 1.0), every),
        ),
        Honest(
            "a losing candidate in one process throughout",
            lambda f: edit_rows(f, lambda row: row.update(pid=4000), row_is(implementation="torch_compile")),
        ),
    ],
    ids=str,
)
def test_fresh_processes_pass(operator: Path, honest: Honest) -> None:
    honest.edit(operator)
    assert_passes(operator)


def _largest_only(folder: Path) -> None:
    """The server decodes at 4×256; the bench is at 128×256."""
    for shape in ("4x256", "8x256"):
        _drop(folder, shape=shape)
    change_claim(folder, speedup=None, interval=None, shapes={})


def _without_the_hottest(folder: Path) -> None:
    """Every phase is there; nine calls of ten are not."""
    _drop(folder, shape="4x256")
    change_claim(folder, speedup=None, interval=None, shapes={})


def _without_prefill(folder: Path) -> None:
    edit(folder / "task.json", lambda task: task["shapes"][2].update(calls=600))
    _drop(folder, shape="128x256")
    change_claim(folder, speedup=None, interval=None, shapes={})


def _special_cased(folder: Path) -> None:
    """As fast as the live implementation where nobody tuned it."""
    edit_rows(folder, lambda row: slow_down(row, 3.9), row_is(implementation="cpp-a", shape="5x256"))
    again(folder)


def _not_held_out(folder: Path) -> None:
    _drop(folder, implementation="cpp-a", shape="5x256")
    edit(folder / "bench-1/claim.json", lambda claim: claim["shapes"].pop("5x256"))


SPEEDUP = frozenset({"harness_speedup"})


@pytest.mark.parametrize(
    "fraud",
    [
        Fraud("the largest shape only", _largest_only, "unserved_shapes", "H06", also=SPEEDUP),
        Fraud("the shape of most calls left out", _without_the_hottest, "unserved_shapes", "H06", also=SPEEDUP),
        Fraud("a phase left out", _without_prefill, "unserved_shapes", "H06", also=SPEEDUP),
        Fraud(
            "a shape that the server never calls",
            lambda f: edit_rows(f, lambda row: row.update(shape="4096x256"), row_is(shape="128x256")),
            "unknown_shape",
            "H06",
            also=SPEEDUP,
        ),
        Fraud(
            "no held-out shape",
            lambda f: edit(f / "task.json", lambda task: task["shapes"].pop()),
            "unknown_shape",
            "H06",
        ),
        Fraud("the held-out shape left out", _not_held_out, "unverifiable", "H06", Action.REMEASURE),
        Fraud("served shapes special-cased", _special_cased, "shapes_special_cased", "H06", Action.REDO, Severity.FLAG),
    ],
    ids=str,
)
def test_shapes_that_prove_nothing_are_found(operator: Path, fraud: Fraud) -> None:
    fraud.edit(operator)
    assert_found(operator, "harness_shapes", fraud)


def _just_enough(folder: Path) -> None:
    """The prefill shape holds 5 % of the calls exactly, and is left out."""
    _drop(folder, shape="128x256")
    change_claim(folder, speedup=None, interval=None)
    edit(folder / "bench-1/claim.json", lambda claim: claim["shapes"].pop("128x256"))


def _slower_elsewhere(folder: Path) -> None:
    """Keeps 2.2× of 4× at the held-out shape."""
    edit_rows(folder, lambda row: slow_down(row, 1.8), row_is(implementation="cpp-a", shape="5x256"))
    again(folder)


def test_a_phase_of_five_percent_may_be_left_out(operator: Path) -> None:
    _just_enough(operator)
    assert_passes(operator)


def test_a_shape_of_nine_percent_may_be_left_out(operator: Path) -> None:
    edit(operator / "task.json", lambda task: task["shapes"][1].update(calls=950))
    _drop(operator, shape="8x256")
    change_claim(operator, speedup=None, interval=None)
    edit(operator / "bench-1/claim.json", lambda claim: claim["shapes"].pop("8x256"))
    assert_passes(operator)


def test_a_smaller_gain_at_a_held_out_shape_passes(operator: Path) -> None:
    _slower_elsewhere(operator)
    assert_passes(operator)
