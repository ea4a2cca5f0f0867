"""Two bare legs of somebody else: decided with a prior, and never certified beyond what is there."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from bankable.nodes.auditor.pair import audit_pair
from bankable.nodes.auditor.verdict import Severity, Word
from bankable.tools.errors import UserError
from bankable.tools.evidence.records import ServerConfig
from tests.nodes.auditor.builders import REFERENCE, Json, bench_record, hits, resolve_arguments, write, write_lines


def _legs(root: Path, gain: float, changed: Json, rounds: int = 5) -> tuple[Path, Path]:
    rng = random.Random(3)
    paths = root / "ref.jsonl", root / "cand.jsonl"
    flags = {**REFERENCE.flags, **changed}
    for path, factor, config in zip(paths, (1.0, 1 + gain), (REFERENCE, ServerConfig(flags=flags)), strict=True):
        info = resolve_arguments(config, {})
        write_lines(path, [bench_record(400 * factor * rng.gauss(1, 0.003), k, info, rng) for k in range(rounds)])
    return paths


def _claim(root: Path, delta: float, lever: Json) -> Path:
    write(root / "claim.json", {"lever": {"flags": lever, "env": {}}, "delta": delta})
    return root / "claim.json"


def test_a_large_gain_on_one_launch_is_flagged_as_unproven(tmp_path: Path) -> None:
    lever = {"schedule_policy": "lpm"}
    verdict = audit_pair(*_legs(tmp_path, 0.67, lever), _claim(tmp_path, 0.67, lever))
    assert [hit.code for hit in hits(verdict, "real_delta", Severity.FLAG)] == ["one_launch"]
    assert verdict.verdict is Word.FLAG
    assert {finding.rule for finding in verdict.findings if finding.severity is Severity.FLAG} == {
        "output_correctness",
        "real_delta",
        "server_faults",
    }


def test_leg_folders_with_equal_outputs_pass(run: Path) -> None:
    legs = run / "comparisons/patch-stream_interval/legs"
    claim = run / "pair-claim.json"
    write(claim, {"lever": {"flags": {"stream_interval": 8}, "env": {}}})
    one = audit_pair(legs / "b00-reference", legs / "b00-candidate", claim)
    assert [finding.code for finding in one.findings if finding.severity is Severity.FLAG] == ["one_launch"]
    sides = {side: run / side for side in ("reference", "candidate")}
    for side, folder in sides.items():
        for path in sorted(legs.glob(f"b0[023]-{side}")):
            shutil.copytree(path, folder / path.name)
    verdict = audit_pair(sides["reference"], sides["candidate"], claim)
    assert "3 and 3 launches, real" in verdict.headline
    assert verdict.verdict is Word.PASS


def test_a_small_gain_is_undecided(tmp_path: Path) -> None:
    lever = {"schedule_policy": "lpm"}
    verdict = audit_pair(*_legs(tmp_path, 0.014, lever), _claim(tmp_path, 0.014, lever))
    assert [hit.code for hit in hits(verdict, "real_delta", Severity.FAIL)] == ["undecided"]
    assert "simple rule" in hits(verdict, "real_delta")[0].observed


def test_another_pool_without_a_log_is_not_certified(tmp_path: Path) -> None:
    """C01 on bare files."""
    verdict = audit_pair(*_legs(tmp_path, 0.67, {"mem_fraction_static": 0.85, "max_total_num_tokens": 1_156_449}))
    assert verdict.verdict is Word.FAIL
    assert any(note.rule == "same_conditions" for note in verdict.notes if note.kind == "unverifiable")


def test_two_changes_fail(tmp_path: Path) -> None:
    verdict = audit_pair(*_legs(tmp_path, 0.5, {"schedule_policy": "lpm", "chunked_prefill_size": 64}))
    assert {hit.code for hit in hits(verdict, "same_conditions")} == {"undeclared_difference"}
    assert verdict.lever_class == "indeterminate"


def test_one_undeclared_change_is_taken_for_the_lever(tmp_path: Path) -> None:
    verdict = audit_pair(*_legs(tmp_path, 0.5, {"schedule_policy": "lpm"}))
    assert [hit.code for hit in hits(verdict, "exactly_one_lever", Severity.FLAG)] == ["undeclared_lever"]
    assert not hits(verdict, "same_conditions")
    assert (verdict.lever_class, verdict.counts_as_kernel_win) == ("indeterminate", False)


def test_a_declared_change_that_the_server_ignored(tmp_path: Path) -> None:
    """E01: both servers resolved to the same arguments, and something else made the gain."""
    verdict = audit_pair(*_legs(tmp_path, 0.67, {}), _claim(tmp_path, 0.67, {"schedule_policy": "lpm"}))
    assert [hit.code for hit in hits(verdict, "engagement", Severity.FAIL)] == ["not_engaged"]
    other = audit_pair(
        *_legs(tmp_path, 0.67, {"chunked_prefill_size": 64}), _claim(tmp_path, 0.67, {"chunked_prefill_size": 32})
    )
    assert [entry.code for entry in hits(other, "engagement", Severity.FAIL)] == ["not_engaged"]


def test_a_variable_that_no_server_reports(tmp_path: Path) -> None:
    write(tmp_path / "claim.json", {"lever": {"flags": {}, "env": {"OMP_NUM_THREADS": "2"}}, "delta": 0.67})
    verdict = audit_pair(*_legs(tmp_path, 0.67, {}), tmp_path / "claim.json")
    assert verdict.verdict is Word.FLAG
    assert "OMP_NUM_THREADS" in hits(verdict, "engagement", Severity.FLAG)[0].observed


def test_an_empty_lever_is_no_change(tmp_path: Path) -> None:
    verdict = audit_pair(*_legs(tmp_path, 0.67, {}), _claim(tmp_path, 0.67, {}))
    assert [hit.code for hit in hits(verdict, "exactly_one_lever", Severity.FAIL)] == ["no_lever"]


def test_a_wrong_claim_fails(tmp_path: Path) -> None:
    lever = {"schedule_policy": "lpm"}
    verdict = audit_pair(*_legs(tmp_path, 0.30, lever), _claim(tmp_path, 0.67, lever))
    assert hits(verdict, "reported_vs_raw", Severity.FAIL)


def test_a_file_without_rounds_is_a_user_error(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(UserError, match="known format"):
        audit_pair(tmp_path / "empty.jsonl", tmp_path / "empty.jsonl")
    with pytest.raises(UserError, match="Cannot read"):
        audit_pair(tmp_path / "absent.jsonl", tmp_path / "absent.jsonl")
