"""What a benchmark rests on: this run, files that did not change, an oracle of plain tensors, and rows that ran."""

from __future__ import annotations

import pickle
import tempfile
import zipfile
from functools import partial
from pathlib import Path

import pytest

from bankable.evals.fixtures.build.benchmark import BenchmarkSpec, again, safetensors, write_benchmark
from bankable.nodes.auditor.verdict import Action
from bankable.tools.evidence.canonical import file_digest
from tests.nodes.auditor.builders import Json, edit, edit_lines, write_lines
from tests.nodes.auditor.harness_builders import (
    REFERENCE,
    WINNER,
    change_claim,
    edit_rows,
    judge_operator,
    row_is,
    rows_say,
    slow_down,
)
from tests.nodes.auditor.harness_cases import Fraud, Honest, assert_found, assert_passes

RUNS = "bench-1/opbench_runs.jsonl"
MEASUREMENT = "bench-1/measurement.json"


def _bound(folder: Path) -> None:
    """Bind an edited oracle.json to the operator benchmark again, as somebody who edits both would."""
    digest = file_digest(folder / "oracle.json")
    edit(folder / MEASUREMENT, lambda entry: entry["files"][-1].update(before=digest, after=digest))


def _manifest(folder: Path, **entry: str) -> None:
    edit(folder / "oracle.json", lambda manifest: manifest["files"][0].update(entry))
    _bound(folder)


def _copied_samples(rows: list[Json]) -> None:
    mine = [row for row in rows if WINNER(row)]
    mine[1]["samples_ns"] = mine[0]["samples_ns"]
    mine[1]["span_ns"] = mine[0]["span_ns"]


@pytest.mark.parametrize(
    "fraud",
    [
        Fraud("rows of another run", rows_say(run_id="run-0000"), "stale", "R03"),
        Fraud(
            "task of another operator",
            lambda f: edit(f / "task.json", lambda task: task.update(operator="silu_and_mul")),
            "stale",
            "R03",
        ),
        Fraud(
            "an older attempt", lambda f: edit(f / MEASUREMENT, lambda entry: entry.update(attempt=2)), "stale", "R03"
        ),
        Fraud(
            "peaks of another day",
            lambda f: edit(f / MEASUREMENT, lambda item: item["peaks"].update(measured_at=5.0)),
            "stale",
            "R03",
        ),
        Fraud(
            "samples of another row",
            lambda f: edit_lines(f / RUNS, _copied_samples),
            "copied",
            "R02",
            also=frozenset({"harness_speedup"}),
        ),
        Fraud(
            "a row given twice",
            lambda f: edit_lines(f / RUNS, lambda rows: rows.append(rows[4])),
            "row_twice",
            "D11",
            also=frozenset({"harness_processes"}),
        ),
    ],
    ids=str,
)
def test_evidence_that_was_not_measured_here_is_found(operator: Path, fraud: Fraud) -> None:
    fraud.edit(operator)
    assert_found(operator, "harness_fresh", fraud)


@pytest.mark.parametrize(
    "honest",
    [
        Honest(
            "peaks at the very start",
            lambda f: edit(f / MEASUREMENT, lambda entry: entry["peaks"].update(measured_at=entry["started"])),
        ),
        Honest(
            "captured a moment before",
            lambda f: edit(f / "task.json", lambda item: item.update(captured_at=1_004_999.9)),
        ),
    ],
    ids=str,
)
def test_fresh_evidence_passes(operator: Path, honest: Honest) -> None:
    honest.edit(operator)
    assert_passes(operator)


def _raise(row: Json) -> None:
    row.update(
        raised="RuntimeError: no kernel image",
        samples_ns=[],
        span_ns=None,
        resolved=None,
        executed=None,
        correctness=None,
        pointers=[],
        generations=[],
    )


def _all_raised(folder: Path) -> None:
    edit_rows(folder, _raise, lambda row: True)
    change_claim(folder, outcome="no_win", winner=None, winner_backend=None, speedup=None, interval=None, shapes={})


def _candidates_raised(folder: Path) -> None:
    edit_rows(folder, _raise, row_is(role="candidate"))
    change_claim(folder, outcome="no_win", winner=None, winner_backend=None, speedup=None, interval=None, shapes={})


DOWN = frozenset(
    {
        "harness_shapes",
        "harness_protocol",
        "harness_speedup",
        "harness_denominator",
        "harness_legs",
    }
)


@pytest.mark.parametrize(
    "fraud",
    [
        Fraud("every row raised, called no win", _all_raised, "harness_error", "H08", also=DOWN),
        Fraud("every candidate raised, called no win", _candidates_raised, "harness_error", "H08", also=DOWN),
        Fraud("the reference raised", lambda f: edit_rows(f, _raise, REFERENCE), "harness_error", "H08", also=DOWN),
        Fraud(
            "the winner raises at a served shape",
            lambda f: edit_rows(f, _raise, row_is(implementation="cpp-a", shape="8x256")),
            "winner_raised",
            "H17",
            Action.EJECT,
            also=DOWN,
        ),
        Fraud(
            "harness_error over good rows",
            lambda f: change_claim(f, outcome="harness_error"),
            "no_harness_error",
            "H08",
            also=frozenset({"harness_speedup"}),
        ),
    ],
    ids=str,
)
def test_a_broken_benchmark_is_no_result(operator: Path, fraud: Fraud) -> None:
    fraud.edit(operator)
    assert_found(operator, "harness_raised", fraud)


def _no_win(folder: Path) -> None:
    """The winner's rows are as slow as the live ones, and nobody claims otherwise."""
    for which, factor in ((WINNER, 4.1), (row_is(implementation="torch_compile"), 1.7)):
        edit_rows(folder, partial(slow_down, by=factor), which)
    change_claim(folder, outcome="no_win", winner=None, winner_backend=None, speedup=None, interval=None, shapes={})


def _no_sound_candidate(folder: Path) -> None:
    """One is wrong, one patched the clock; the producer noticed and claims nothing."""
    edit_rows(folder, lambda row: row["correctness"].update(relative_error=0.5))
    edit_rows(folder, lambda row: row["intact"].update(clock=False), row_is(implementation="torch_compile"))
    change_claim(folder, outcome="no_win", winner=None, winner_backend=None, speedup=None, interval=None, shapes={})


@pytest.mark.parametrize(
    "honest",
    [
        Honest("a losing candidate raised", lambda f: edit_rows(f, _raise, row_is(implementation="torch_compile"))),
        Honest("no candidate is faster", _no_win),
        Honest("the faster candidates are wrong or cheat", _no_sound_candidate),
    ],
    ids=str,
)
def test_a_benchmark_with_losers_passes(operator: Path, honest: Honest) -> None:
    honest.edit(operator)
    assert_passes(operator)


@pytest.mark.parametrize(
    "fraud",
    [
        Fraud(
            "checker edited on the way",
            lambda f: edit(f / MEASUREMENT, lambda entry: entry["files"][2].update(after="0" * 64)),
            "measurement_edited",
            "H05",
            Action.EJECT,
        ),
        Fraud(
            "timer in the task folder",
            lambda f: edit(f / MEASUREMENT, lambda item: item["files"][1].update(path="ops/rms_norm/timer.py")),
            "measurement_in_reach",
            "H05",
        ),
        Fraud(
            "oracle swapped afterwards",
            lambda f: edit(f / "oracle.json", lambda element: element["files"].reverse()),
            "other_oracle",
            "H05",
        ),
        Fraud(
            "timer not hashed",
            lambda f: edit(f / MEASUREMENT, lambda member: member["files"].pop(1)),
            "unverifiable",
            "H05",
            Action.REMEASURE,
        ),
    ],
    ids=str,
)
def test_measurement_files_that_changed_are_found(operator: Path, fraud: Fraud) -> None:
    fraud.edit(operator)
    assert_found(operator, "harness_files_intact", fraud)


@pytest.mark.parametrize(
    "honest",
    [
        Honest(
            "two harness files",
            lambda f: edit(
                f / MEASUREMENT,
                lambda entry: entry["files"].append(
                    {"role": "harness", "path": "kernels/harness/worker.py", "before": "7" * 64, "after": "7" * 64}
                ),
            ),
        ),
        Honest(
            "a timer in a package called ops",
            lambda f: edit(f / MEASUREMENT, lambda item: item["files"][1].update(path="kernels/ops_timer.py")),
        ),
    ],
    ids=str,
)
def test_untouched_measurement_files_pass(operator: Path, honest: Honest) -> None:
    honest.edit(operator)
    assert_passes(operator)


EXPLODED = Path(tempfile.gettempdir()) / "unpickled-by-the-auditor"


class Bomb:
    """Leaves a file behind when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (EXPLODED,)


def _pickled(folder: Path, name: str) -> None:
    (folder / "oracle" / name).write_bytes(pickle.dumps(Bomb()))
    _manifest(folder, name=name, sha256=file_digest(folder / "oracle" / name))


def _zipped(folder: Path) -> None:
    """What torch.save writes, called safetensors."""
    path = folder / "oracle/4x256.safetensors"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Bomb()))
    _manifest(folder, sha256=file_digest(path))


def _another_tensor(folder: Path) -> None:
    (folder / "oracle/4x256.safetensors").write_bytes(safetensors(7))


def _without_a_shape(folder: Path) -> None:
    edit(folder / "oracle.json", lambda entry: entry["files"].pop())
    _bound(folder)


@pytest.mark.parametrize(
    "fraud",
    [
        Fraud(
            "a pickle by its name",
            lambda f: _pickled(f, "inputs.pt"),
            "not_safetensors",
            "H05",
            also=frozenset({"harness_oracle"}),
        ),
        Fraud("a pickle called safetensors", lambda f: _pickled(f, "inputs.safetensors"), "not_safetensors", "H05"),
        Fraud("a zip of pickles called safetensors", _zipped, "not_safetensors", "H05"),
        Fraud(
            "a way out of the folder", lambda f: _manifest(f, name="../../../../etc/passwd"), "not_safetensors", "H05"
        ),
        Fraud("other tensors than listed", _another_tensor, "oracle_changed", "H05"),
        Fraud("a shape without an oracle", _without_a_shape, "unverifiable", "H05", Action.REMEASURE),
    ],
    ids=str,
)
def test_an_oracle_that_proves_nothing_is_found(operator: Path, fraud: Fraud) -> None:
    fraud.edit(operator)
    assert_found(operator, "harness_oracle", fraud)
    assert not EXPLODED.exists()


def _metadata(folder: Path) -> None:
    path = folder / "oracle/4x256.safetensors"
    header = b'{"__metadata__":{"format":"pt"},"x":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}'
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    _manifest(folder, sha256=file_digest(path))


@pytest.mark.parametrize(
    "honest",
    [
        Honest("an empty tensor with metadata", _metadata),
        Honest("a pickle that nobody lists", lambda f: (f / "oracle/left-over.pt").write_bytes(pickle.dumps(Bomb()))),
    ],
    ids=str,
)
def test_plain_tensors_pass(operator: Path, honest: Honest) -> None:
    honest.edit(operator)
    assert_passes(operator)


@pytest.mark.parametrize("name", ["task.json", "oracle.json", MEASUREMENT, RUNS, "bench-1/claim.json"])
def test_a_missing_file_is_never_a_pass(operator: Path, name: str) -> None:
    (operator / name).unlink()
    verdict = judge_operator(operator)
    assert verdict.verdict.value == "FAIL"
    assert verdict.degraded == ()
    assert "unverifiable" in {finding.code for finding in verdict.findings}


def test_a_second_attempt_is_judged_by_its_own_rows(operator: Path) -> None:
    write_lines(operator / RUNS, [])
    write_benchmark(operator.parents[1], BenchmarkSpec(attempt=2))
    again(operator, BenchmarkSpec(attempt=2))
    assert judge_operator(operator, 1).verdict.value == "FAIL"
    assert judge_operator(operator, 2).verdict.value == "PASS"
