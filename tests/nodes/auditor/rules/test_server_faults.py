"""No server broke while it was measured."""

from __future__ import annotations

from pathlib import Path

from nodes.auditor.verdict import Severity, Word
from tests.nodes.auditor.builders import (
    hits,
    judge,
    legs,
    server_log,
)

RULE = "server_faults"
TRACE = "[2026-11-21 19:41:00] Scheduler hit an exception: Traceback (most recent call last):\nRuntimeError: boom\n"


def test_start_up_complaints_are_no_faults(run: Path) -> None:
    noise = "Traceback (most recent call last):\nConnectionRefusedError: refused\n"
    for leg in legs(run):
        (leg / "server.log").write_text(noise + server_log())
    assert not hits(judge(run), RULE)


def test_noise_of_being_stopped_is_no_fault(run: Path) -> None:
    for leg in legs(run):
        (leg / "server.log").write_text(server_log(tail="[2026-11-21 19:59:00] INFO:     Shutting down\n" + TRACE))
    assert not hits(judge(run), RULE)


def test_a_candidate_that_faults_is_ejected(run: Path) -> None:
    leg = legs(run, side="candidate")[1]
    (leg / "server.log").write_text(server_log(tail=TRACE))
    found = hits(judge(run), RULE, Severity.FAIL)
    assert [(it.action.value, it.evidence[0].line) for it in found] == [("eject", 5)]


def test_a_reference_that_faults_is_measured_again(run: Path) -> None:
    leg = legs(run, side="reference")[1]
    (leg / "server.log").write_text(server_log(tail="torch.OutOfMemoryError: CUDA out of memory\n"))
    assert [it.action.value for it in hits(judge(run), RULE)] == ["remeasure"]


def test_retracted_requests_are_flagged(run: Path) -> None:
    leg = legs(run, side="candidate")[0]
    (leg / "server.log").write_text(
        server_log(tail="[2026-11-21 19:41:00] KV cache pool is full. Retract requests. #retracted_reqs: 1\n")
    )
    assert [it.code for it in hits(judge(run), RULE, Severity.FLAG)] == ["retractions"]


def test_a_missing_log_is_not_a_pass(run: Path) -> None:
    for leg in legs(run):
        (leg / "server.log").unlink()
    assert judge(run).verdict is Word.FLAG
