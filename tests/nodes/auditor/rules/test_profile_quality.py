"""A profile that can route work, and profiles that mislead."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from bankable.nodes.auditor.verdict import Severity, Word
from tests.nodes.auditor.builders import RUN_ID, Json, edit, hits, judge, write

RULE = "profile_quality"
TRACE = b"trace"


def _op(name: str, family: str, share: float, skew: float = 1.0) -> Json:
    return {
        "op": name,
        "family": family,
        "symbols": [name],
        "us": 1000 * share,
        "count": 10,
        "share": share,
        "wall_share": share / 2,
        "mean_us": 1.0,
        "median_us": 1.0,
        "skew": skew,
        "settled_share": share / skew,
        "blank_us": 0.0,
        "phases": [],
        "shapes": [],
    }


def _phase(name: str, steps: int) -> Json:
    return {
        "phase": name,
        "steps": steps,
        "requests": 4,
        "tokens": 4,
        "median_batch": 4.0,
        "wall_us": 900.0,
        "operator_us": 500.0,
        "wall_share": 0.5,
    }


@pytest.fixture
def profiled(tmp_path: Path) -> Path:
    run = tmp_path / "run"
    ops = [_op("aten::mm", "matmul", 0.5), _op("aten::mul", "elementwise", 0.3), _op("aten::copy_", "copy", 0.2)]
    families = [{"family": op["family"], "us": op["us"], "share": op["share"], "count": 10} for op in ops]
    digest = hashlib.sha256(TRACE).hexdigest()
    profile = {
        "traces": [{"name": "a.trace.json.gz", "digest": digest, "bytes": 5, "events": 9}],
        "device": "cpu",
        "phase_source": "markers",
        "window_us": 2000.0,
        "idle_us": 0.0,
        "wall_us": 2000.0,
        "operator_us": 1000.0,
        "covered_us": 900.0,
        "outside_us": 0.0,
        "steps": 12,
        "phases": [_phase("prefill", 4), _phase("decode", 8)],
        "tokens_per_decoded": 4.0,
        "first_phase": "prefill",
        "idle_share": 0.0,
        "host_share": 0.5,
        "blank_shape_share": 0.05,
        "unphased_share": 0.02,
        "ops": ops,
        "families": families,
    }
    write(run / "run.json", {"schema_version": 1, "run_id": RUN_ID})
    write(run / "profile/profile.json", profile)
    (run / "profile/a.trace.json.gz").write_bytes(TRACE)
    return run


def _found(run: Path, change: Callable[[Json], object]) -> list[tuple[str, tuple[str, ...]]]:
    edit(run / "profile/profile.json", change)
    return [(hit.severity.value, hit.modes) for hit in hits(judge(run, "profile"), RULE)]


def test_a_steady_window_passes(profiled: Path) -> None:
    assert judge(profiled, "profile").verdict is Word.PASS


def test_a_profile_without_its_trace_passes_with_a_remark(profiled: Path) -> None:
    (profiled / "profile/a.trace.json.gz").unlink()
    verdict = judge(profiled, "profile")
    assert verdict.verdict is Word.PASS
    assert [note.kind for note in verdict.notes if note.rule == RULE] == ["remark"]


def test_shares_that_do_not_add_up_fail(profiled: Path) -> None:
    assert ("FAIL", ("P01",)) in _found(profiled, lambda entry: entry["ops"][0].update(share=0.9))


def test_a_profile_of_another_trace_fails(profiled: Path) -> None:
    (profiled / "profile/a.trace.json.gz").write_bytes(b"other")
    assert _found(profiled, lambda entry: None) == [("FAIL", ("R03",))]


def test_a_window_without_steps_fails(profiled: Path) -> None:
    assert _found(profiled, lambda entry: entry.update(steps=0, phases=[])) == [("FAIL", ("P07",))]


@pytest.mark.parametrize(
    ("change", "mode"),
    [
        (lambda entry: entry.update(blank_shape_share=0.6), "P03"),
        (lambda item: item.update(phases=[_phase("prefill", 40), _phase("decode", 1)], steps=41), "P07"),
        (lambda element: element["ops"].__setitem__(0, _op("all_reduce", "communication", 0.5, skew=6.0)), "P02"),
        (lambda member: member["ops"][1].update(op="aten::mm"), "P06"),
        (lambda one: one.update(unphased_share=0.5), "P03"),
    ],
)
def test_a_misleading_profile_is_flagged(profiled: Path, change: Callable[[Json], object], mode: str) -> None:
    assert ("FLAG", (mode,)) in _found(profiled, change)


def test_a_missing_profile_is_never_a_pass(profiled: Path) -> None:
    (profiled / "profile/profile.json").unlink()
    verdict = judge(profiled, "profile")
    assert verdict.verdict is Word.FAIL
    assert [hit.severity for hit in hits(verdict, RULE)] == [Severity.FAIL]
