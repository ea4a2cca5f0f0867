"""What a proposer is told of a candidate: how it ended, and of one that it names what holds it back."""

from __future__ import annotations

from bankable.kernels.diagnosis.record import Advice, Diagnosis
from bankable.kernels.operators import FAMILIES
from bankable.kernels.search.evaluation import LOG, make_evaluation
from bankable.kernels.task.folder import write_task
from bankable.kernels.task.shapes import parse_shapes
from bankable.nodes.advice.kernel_facts import describe_kernels
from bankable.tools.evidence.store import AppendLog

NORM = FAMILIES["rms_norm"]


def test_a_named_candidate_comes_with_its_diagnosis(fork_server, tmp_path) -> None:
    task = write_task(
        tmp_path / "task", NORM, "bfloat16", parse_shapes(NORM, "4x64:900", "5x67"), fork_server, threads=1
    )
    bound = Diagnosis(
        implementation="cpp-1",
        shape="4x64",
        bound="latency",
        evidence=("92% is launch overhead",),
        advice=(Advice(lever="unroll", values=(2, 4), why="steps side by side"),),
    )
    slow, fast = (
        make_evaluation("cpp-0", {"unroll": 1}, "measured", "", 0.0),
        make_evaluation("cpp-1", {"unroll": 2}, "measured", "", 0.7),
    )
    log = AppendLog(task.path / LOG)
    for entry in (slow, fast.model_copy(update={"diagnosis": bound})):
        log.append(entry.line())
    head = 'cpp-1 {"unroll":2}: measured, 2.01 times live'
    assert describe_kernels(task).splitlines() == ['cpp-0 {"unroll":1}: measured, 1.00 times live', head]
    assert describe_kernels(task, "cpp-1").splitlines() == [
        head,
        "cpp-1 at 4x64: bound by latency",
        "- 92% is launch overhead",
        "1. unroll -> 2, 4: steps side by side",
    ]
    assert describe_kernels(task, "cpp-2") == "no records of it"
