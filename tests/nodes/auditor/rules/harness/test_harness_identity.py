"""What each leg was: the live implementation against another one, in the live launch mode, from the files it names."""

from __future__ import annotations

from pathlib import Path

import pytest

from bankable.evals.fixtures.build.benchmark import again, source
from bankable.nodes.auditor.harness.identity import is_in_task_folder
from bankable.nodes.auditor.verdict import Action
from tests.nodes.auditor.builders import Json, edit
from tests.nodes.auditor.harness_builders import REFERENCE, WINNER, change_claim, edit_rows, row_is, rows_say
from tests.nodes.auditor.harness_cases import Fraud, Honest, assert_found, assert_passes


def _live_under_another_name(folder: Path) -> None:
    edit_rows(folder, lambda row: row.update(source=source("live"), resolved=source("live")))


def _winner_is_the_live_backend(folder: Path) -> None:
    change_claim(folder, winner="native", winner_backend="native")
    edit_rows(folder, lambda row: row.update(implementation="native", executed="native", backend="native"))


def _naive_reference(folder: Path) -> None:
    naive = {"path": "ops/rms_norm/naive.py", "digest": "9" * 64}
    edit_rows(folder, lambda row: row.update(source=naive, resolved=naive), REFERENCE)


def _dotted_way_into_the_task_folder(folder: Path) -> None:
    naive = {"path": "kernels/../ops/rms_norm/naive.py", "digest": source("live")["digest"]}
    edit_rows(folder, lambda row: row.update(source=naive, resolved=naive), REFERENCE)


def _unfused_reference(folder: Path) -> None:
    edit_rows(folder, lambda row: row.update(backend="unfused"), REFERENCE)
    change_claim(folder, baseline_backend="unfused")


def _another_kernel_of_the_live_backend(folder: Path) -> None:
    """The live server runs one Triton kernel, the winner is another one."""
    edit(folder / "task.json", lambda task: task.update(live_backend="triton"))
    edit_rows(folder, lambda row: row.update(backend="triton"), lambda row: row["implementation"] != "torch_compile")
    change_claim(folder, baseline_backend="triton", winner_backend="triton")


def _swapped(folder: Path) -> None:
    edit_rows(folder, lambda row: row.update(resolved=source("live")))
    edit_rows(folder, lambda row: row.update(resolved=source("cpp-a")), REFERENCE)


DENOMINATOR = (
    Fraud("the live source as a candidate", _live_under_another_name, "compared_with_itself", "H01"),
    Fraud("the live backend by its name", _winner_is_the_live_backend, "compared_with_itself", "H01"),
    Fraud("the author's naive version", _naive_reference, "own_denominator", "H03"),
    Fraud("the task folder by a detour", _dotted_way_into_the_task_folder, "own_denominator", "H03"),
    Fraud("an unfused reference", _unfused_reference, "straw_man", "H11"),
    Fraud(
        "a reference of other source",
        lambda f: edit_rows(f, lambda row: row.update(source=source("old"), resolved=source("old")), REFERENCE),
        "not_the_live_source",
        "H11",
    ),
)


@pytest.mark.parametrize("fraud", DENOMINATOR, ids=str)
def test_a_wrong_denominator_is_found(operator: Path, fraud: Fraud) -> None:
    fraud.edit(operator)
    assert_found(operator, "harness_denominator", fraud)


@pytest.mark.parametrize(
    "honest",
    [
        Honest("as measured", lambda folder: None),
        Honest("another kernel of the live backend", _another_kernel_of_the_live_backend),
        Honest(
            "a losing candidate that is the live source",
            lambda folder: edit_rows(
                folder,
                lambda row: row.update(source=source("live"), resolved=source("live")),
                row_is(implementation="torch_compile"),
            ),
        ),
    ],
    ids=str,
)
def test_a_true_denominator_passes(operator: Path, honest: Honest) -> None:
    honest.edit(operator)
    assert_passes(operator)


@pytest.mark.parametrize(
    ("path", "reachable"),
    [
        ("ops/rms_norm/naive.py", True),
        ("./ops/naive.py", True),
        ("kernels/../ops/naive.py", True),
        ("ops\\rms_norm\\naive.py", True),
        ("../elsewhere/naive.py", True),
        ("/tmp/naive.py", True),
        ("", True),
        ("sglang/srt/layers/layernorm.py", False),
        ("vllm/attention/ops/paged_attn.py", False),
        ("kernels/operators/ops.py", False),
        ("opsx/naive.py", False),
    ],
)
def test_the_task_folder_is_known_by_any_name(path: str, *, reachable: bool) -> None:
    assert is_in_task_folder(path) is reachable


LEGS = (
    Fraud("legs swapped", _swapped, "swapped", "H04", also=frozenset({"harness_denominator"})),
    Fraud("another build imported", rows_say(resolved=source("cpp-b")), "other_file", "H04"),
    Fraud("fallback with an error of exactly zero", lambda f: edit_rows(f, _fell_back), "silent_fallback", "E05"),
    Fraud("no branch reported", rows_say(executed=None), "other_branch", "H04"),
    Fraud("imports not recorded", rows_say(resolved=None), "unverifiable", "H04", Action.REMEASURE),
)


def _fell_back(row: Json) -> None:
    row.update(executed="live", correctness={**row["correctness"], "error_vs_live": 0.0})


@pytest.mark.parametrize("fraud", LEGS, ids=str)
def test_a_leg_that_ran_something_else_is_found(operator: Path, fraud: Fraud) -> None:
    fraud.edit(operator)
    assert_found(operator, "harness_legs", fraud)


def _equal_bits(row: Json) -> None:
    row["correctness"]["error_vs_live"] = 0.0


def test_an_implementation_with_equal_bits_passes(operator: Path) -> None:
    """It reported its own branch; that its answers agree to the last bit is no crime."""
    edit_rows(operator, _equal_bits)
    assert_passes(operator)


def test_a_losing_candidate_may_fall_back(operator: Path) -> None:
    edit_rows(operator, lambda row: row.update(executed="live"), row_is(implementation="torch_compile"))
    assert_passes(operator)


def _graph(row: Json) -> None:
    row.update(launch_mode="graph")


@pytest.mark.parametrize(
    "fraud",
    [
        Fraud("winner replayed from a graph", lambda f: edit_rows(f, _graph), "launch_mode", "H02"),
        Fraud("reference replayed from a graph", lambda f: edit_rows(f, _graph, REFERENCE), "launch_mode", "H11"),
        Fraud(
            "both eager, the server replays",
            lambda f: edit(f / "task.json", lambda task: task.update(launch_mode="graph")),
            "launch_mode",
            "H02",
        ),
    ],
    ids=str,
)
def test_another_launch_mode_is_found(operator: Path, fraud: Fraud) -> None:
    fraud.edit(operator)
    assert_found(operator, "harness_launch_mode", fraud)


@pytest.mark.parametrize("loser", [False, True])
def test_the_live_launch_mode_passes(operator: Path, *, loser: bool) -> None:
    """Graphs on both legs where the server replays them; a losing candidate may try the other mode."""
    if loser:
        edit_rows(operator, _graph, row_is(implementation="torch_compile"))
    else:
        edit(operator / "task.json", lambda task: task.update(launch_mode="graph"))
        edit_rows(operator, _graph, lambda row: REFERENCE(row) or WINNER(row))
    again(operator)
    assert_passes(operator)
