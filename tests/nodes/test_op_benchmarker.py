"""The operator benchmarker over a recorded run: which candidates take part, and which results are read."""

from __future__ import annotations

from bankable.kernels.operators import FAMILIES
from bankable.kernels.task.folder import TaskFolder
from bankable.nodes.op_benchmarker import benchmark, default_kernel, read_benched, torch_candidates
from bankable.tools.evidence.ledger import read_ledger
from tests.nodes.conftest import OPERATOR, KernelReplay


def test_each_recorded_attempt_is_taken_over_under_the_nonce_of_this_run(
    kernel_replay: KernelReplay, kernel_task: TaskFolder
) -> None:
    context = kernel_replay.context
    winners = []
    for attempt in (1, 2):
        assert read_benched(kernel_task, attempt) is None
        result = benchmark(context, kernel_task, default_kernel(kernel_task), attempt)
        assert result.claim is not None, result.why
        assert result.claim == read_benched(kernel_task, attempt)
        assert (result.claim.run_id, result.claim.outcome) == (context.run_id, "winner")
        winners.append(result.claim.winner)
    assert winners == ["cpp-7d18aa351da5", "cpp-058ead4d27ec"]
    entered = {entry.path for entry in read_ledger(context.folder.root)}
    assert {f"ops/{OPERATOR}/bench-{attempt}/claim.json" for attempt in (1, 2)} <= entered


def test_an_attempt_that_was_not_recorded_has_a_reason_and_no_claim(
    kernel_replay: KernelReplay, kernel_task: TaskFolder
) -> None:
    result = benchmark(kernel_replay.context, kernel_task, default_kernel(kernel_task), 3)
    assert (result.claim, result.why) == (None, "no recorded operator benchmark")


def test_a_measured_attempt_is_read_and_never_replaced(kernel_replay: KernelReplay, kernel_task: TaskFolder) -> None:
    first = benchmark(kernel_replay.context, kernel_task, default_kernel(kernel_task), 1)
    assert first.claim is not None
    path = kernel_task.path / "bench-1" / "claim.json"
    path.write_text(first.claim.model_copy(update={"winner": "torch"}).model_dump_json())
    again = benchmark(kernel_replay.context, kernel_task, default_kernel(kernel_task), 1)
    assert again.claim is not None
    assert again.claim.winner == "torch"
    path.write_text("{")
    assert read_benched(kernel_task, 1) is None


def test_the_compiled_graph_takes_part_in_the_first_attempt_only() -> None:
    ids = [[candidate.id for candidate in torch_candidates(FAMILIES["rms_norm"], attempt)] for attempt in (1, 2, 3)]
    assert ids == [["torch", "torch-compile"], ["torch"], ["torch"]]


def test_a_graph_of_a_single_library_call_takes_no_part() -> None:
    single = [name for name, family in FAMILIES.items() if len(torch_candidates(family, 1)) == 1]
    assert single == ["linear", "prefill_linear"]


def test_the_default_kernel_is_the_unmodified_template_in_the_task_dtype(kernel_task: TaskFolder) -> None:
    source = default_kernel(kernel_task)
    assert (source.family, source.dtype) == (OPERATOR, kernel_task.task.dtype)
    assert source.choices == kernel_task.family.defaults()
