"""No server broke while it was measured."""

from __future__ import annotations

from pathlib import Path

from bankable.nodes.auditor.verdict import Action, Finding, Severity, Word
from tests.nodes.auditor.builders import edit_lines, hits, judge, legs, read, rename_leg, server_log, write
from tests.nodes.auditor.kernel_builders import PATCH, kernel_run

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
    assert [(entry.action.value, entry.evidence[0].line) for entry in found] == [("eject", 5)]


def test_a_reference_that_faults_is_measured_again(run: Path) -> None:
    leg = legs(run, side="reference")[1]
    (leg / "server.log").write_text(server_log(tail="torch.OutOfMemoryError: CUDA out of memory\n"))
    assert [hit.action.value for hit in hits(judge(run), RULE)] == ["remeasure"]


def test_retracted_requests_are_flagged(run: Path) -> None:
    leg = legs(run, side="candidate")[0]
    (leg / "server.log").write_text(
        server_log(tail="[2026-11-21 19:41:00] KV cache pool is full. Retract requests. #retracted_reqs: 1\n")
    )
    assert [hit.code for hit in hits(judge(run), RULE, Severity.FLAG)] == ["retractions"]


def test_a_missing_log_is_not_a_pass(run: Path) -> None:
    for leg in legs(run):
        (leg / "server.log").unlink()
    assert judge(run).verdict is Word.FLAG


def _died(run: Path, name: str, side: str, *blocks: int, kind: str = "died_in_round") -> None:
    """The launch of these blocks went down under load on one side; the block was measured again."""
    folder = run / f"comparisons/{name}/legs"
    for block in blocks:
        for each in ("reference", "candidate"):
            rename_leg(folder / f"b{block:02d}-{each}", f"b{block:02d}-{each}-again")
        kept = read(folder / f"b{block:02d}-{side}-again/leg.json")
        failure = {"kind": kind, "line": "illegal memory access", "line_number": 3}
        record = {**kept, "leg_id": f"b{block:02d}-{side}", "status": "failed", "failure": failure, "timed_rounds": 0}
        write(folder / f"b{block:02d}-{side}/leg.json", record)


def _deaths(run: Path, name: str = "patch-stream_interval") -> list[Finding]:
    return [hit for hit in hits(judge(run, "patch", name), RULE) if hit.code == "died_under_load"]


def test_one_death_of_a_setting_is_left_to_the_rule_about_retries(run: Path) -> None:
    _died(run, "patch-stream_interval", "candidate", 1)
    assert not hits(judge(run), RULE)


def test_launches_that_never_came_up_are_no_deaths(run: Path) -> None:
    _died(run, "patch-stream_interval", "candidate", 1, 2, kind="port_taken")
    assert _deaths(run) == []


def test_deaths_on_both_legs_are_the_machines(run: Path) -> None:
    _died(run, "patch-stream_interval", "candidate", 1, 2)
    _died(run, "patch-stream_interval", "reference", 3)
    assert _deaths(run) == []


def test_a_setting_that_dies_twice_is_ejected(run: Path) -> None:
    _died(run, "patch-stream_interval", "candidate", 1, 2)
    assert [(death.severity, death.action, death.modes) for death in _deaths(run)] == [
        (Severity.FAIL, Action.EJECT, ("H17",))
    ]


def test_a_kernel_that_hangs_once_is_ejected(tmp_path: Path) -> None:
    """Six times faster alone, and the server stops answering at a served shape."""
    run = kernel_run(tmp_path / "run")
    _died(run, PATCH, "candidate", 1, kind="hung_in_round")
    assert [(death.action, death.modes) for death in _deaths(run, PATCH)] == [(Action.EJECT, ("H17",))]


def test_a_kernel_that_faults_after_one_round_may_have_broken_capture(tmp_path: Path) -> None:
    run = kernel_run(tmp_path / "run")
    leg = legs(run, PATCH, "candidate")[1]
    edit_lines(leg / "bench_runs.jsonl", lambda rows: rows.__setitem__(slice(1, None), []))
    (leg / "server.log").write_text(server_log(tail=TRACE))
    (found,) = hits(judge(run, "patch", PATCH), RULE, Severity.FAIL)
    assert (found.code, found.action, found.modes) == ("server_fault", Action.EJECT, ("H17", "E06", "D05"))
