"""The kernel author over a recorded run: the fastest correct kernel of the search, as it was benchmarked."""

from __future__ import annotations

from pathlib import Path

import orjson

from bankable.kernels.build.render import render
from bankable.kernels.task.folder import TaskFolder
from bankable.nodes.kernel_author import best_kernel
from tests.nodes.conftest import OPERATOR, KernelReplay

BEST = "cpp-058ead4d27ec"
"""The recorded kernel with the largest log ratio; it differs from the template in ``unroll`` alone."""


def change_evaluations(kernel_task: TaskFolder, **changes: object) -> None:
    """Edit every line of the recorded search."""
    path: Path = kernel_task.path / "search.jsonl"
    lines = [orjson.dumps({**orjson.loads(line), **changes}) for line in path.read_bytes().splitlines()]
    path.write_bytes(b"\n".join(lines) + b"\n")


def test_the_fastest_kernel_is_handed_over_with_its_recorded_source(
    kernel_replay: KernelReplay, kernel_task: TaskFolder
) -> None:
    path = kernel_task.path / "candidates" / f"{BEST}.cpp"
    path.write_text(f"// from an earlier template\n{path.read_text('utf-8')}", "utf-8")
    source = best_kernel(kernel_replay.context, kernel_task)
    assert source is not None
    assert source.text == path.read_text("utf-8")
    assert source.choices == {**kernel_task.family.defaults(), "unroll": 2}
    assert kernel_replay.notes()[-1] == f"{OPERATOR}: best of 8 kernels: unroll=2"


def test_a_kernel_without_a_stored_source_is_rendered_again_and_stored(
    kernel_replay: KernelReplay, kernel_task: TaskFolder
) -> None:
    (kernel_task.path / "candidates" / f"{BEST}.cpp").unlink()
    source = best_kernel(kernel_replay.context, kernel_task)
    expected = render(kernel_task.family, kernel_task.task.dtype, {**kernel_task.family.defaults(), "unroll": 2})
    assert source == expected
    assert (kernel_task.path / "candidates" / f"{expected.implementation}.cpp").read_text("utf-8") == expected.text


def test_a_search_without_a_correct_kernel_hands_over_none(
    kernel_replay: KernelReplay, kernel_task: TaskFolder
) -> None:
    change_evaluations(kernel_task, outcome="wrong", log_ratio=None)
    assert best_kernel(kernel_replay.context, kernel_task) is None
    assert kernel_replay.notes()[-1] == f"{OPERATOR}: none of 8 kernels is correct"


def test_the_note_names_who_proposed_the_kernel(kernel_replay: KernelReplay, kernel_task: TaskFolder) -> None:
    change_evaluations(kernel_task, source="llm")
    assert best_kernel(kernel_replay.context, kernel_task) is not None
    assert kernel_replay.notes()[-1] == f"{OPERATOR}: best of 8 kernels: unroll=2, proposed by: llm"
