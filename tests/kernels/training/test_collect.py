"""Rows of training data: a reward for what passed an audit, none for anything else, and no row twice."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from bankable.kernels.build.render import render
from bankable.kernels.operators import FAMILIES
from bankable.kernels.search.policy_bench import RECORDED
from bankable.kernels.training.collect import collect
from bankable.kernels.training.row import NOT_AUDITED, deduplicate
from bankable.tools.errors import UserError
from tests.kernels.training.conftest import result


def test_the_reward_of_an_answer_is_its_audited_gain(recorded: Callable[..., Path]) -> None:
    fast, cheat, slow = collect(recorded(result("a = 1\n"), result("b = 2\n", "FAIL"), result("c = 3\n", lower=0.9)))
    assert (fast.verdict, fast.reward, fast.gain) == ("PASS", 0.5, pytest.approx(0.8, abs=1e-3))
    assert (cheat.verdict, cheat.reward) == ("FAIL", 0.0)
    assert cheat.reasons == ("stale_result: of call 1",)
    assert slow.reward == 0.0, "its lower bound is below one"
    assert fast.licence == "unknown"
    assert collect(recorded(result("a = 1\n"), name="other"), "MIT")[0].licence == "MIT"


@pytest.mark.parametrize("verdict", ["FLAG", "FAIL", "unverifiable", "harness_error"])
def test_nothing_but_a_pass_is_rewarded(verdict: str, recorded: Callable[..., Path]) -> None:
    (row,) = collect(recorded(result("a = 1\n", verdict, log_ratio=1.0, interval=(2.0, 3.0))))
    assert row.reward == 0.0


def test_a_source_is_one_row_with_its_least_reward(recorded: Callable[..., Path]) -> None:
    rows = collect(recorded(result("a = 1\n", lower=1.9), result("a = 1\n", "FAIL"), result("b = 1\n")))
    once = deduplicate(rows)
    assert [(row.source, row.reward, row.evaluations) for row in once] == [("a = 1\n", 0.0, 2), ("b = 1\n", 0.5, 1)]


def test_the_same_source_for_another_size_is_another_row(recorded: Callable[..., Path]) -> None:
    rows = collect(recorded(result("a = 1\n"), result("a = 1\n", smaller={"dim": 8})))
    assert len(deduplicate(rows)) == 2


def test_searched_kernels_have_sources_diagnoses_and_parents(tmp_path: Path) -> None:
    default = render(FAMILIES["rms_norm"], "bfloat16")
    folder = searched(tmp_path, default.implementation, dict(default.choices))
    rows = {row.source_digest: row for row in collect(folder)}
    row = rows[default.digest]
    assert row.source == default.text
    assert (row.verdict, row.reward, row.licence) == (NOT_AUDITED, 0.0, "Apache-2.0")
    assert row.gain is not None
    assert row.diagnosis is not None
    assert {other.parent for other in rows.values()} >= {None, default.digest}


def test_a_kernel_that_won_an_audited_claim_is_rewarded(tmp_path: Path) -> None:
    default = render(FAMILIES["rms_norm"], "bfloat16")
    folder = searched(tmp_path, default.implementation, dict(default.choices))
    win(folder, default.implementation, "PASS")
    assert {row.source_digest: row.reward for row in collect(folder)}[default.digest] == 2.25
    (folder / "audits" / "harness-rms_norm-1" / "verdict.json").unlink()
    win(folder, default.implementation, "FLAG")
    row = next(row for row in collect(folder) if row.source_digest == default.digest)
    assert (row.verdict, row.reward) == ("FLAG", 0.0)


def test_a_folder_without_evaluations_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no evaluation of a kernel"):
        collect(tmp_path)


def searched(tmp_path: Path, implementation: str, choices: dict[str, int]) -> Path:
    """A recorded search, with the ids that today's template gives its first kernel and one that follows from it."""
    folder = tmp_path / "search"
    shutil.copytree(RECORDED, folder)
    log = folder / "ops" / "rms_norm" / "search.jsonl"
    first, second = [json.loads(line) for line in log.read_text().splitlines()[:2]]
    derived = render(FAMILIES["rms_norm"], "bfloat16", second["choices"])
    lines = [
        {**first, "implementation": implementation, "choices": choices},
        {**second, "implementation": derived.implementation, "parent": implementation},
        {**second, "implementation": "cpp-000000000000"},
    ]
    log.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    return folder


def win(folder: Path, implementation: str, verdict: str) -> None:
    """A claim that a kernel won, and a verdict on it."""
    bench, audit = folder / "ops" / "rms_norm" / "bench-1", folder / "audits" / "harness-rms_norm-1"
    for place in (bench, audit):
        place.mkdir(parents=True, exist_ok=True)
    claim = {
        "run_id": "r",
        "operator": "rms_norm",
        "outcome": "winner",
        "winner": implementation,
        "winner_backend": "cpp",
        "baseline": "live",
        "baseline_backend": "native",
        "speedup": 3.5,
        "interval": [3.25, 3.75],
        "shapes": {},
        "headline": "3.5×",
    }
    (bench / "claim.json").write_bytes(orjson.dumps(claim))
    metrics = [{"name": "isolated_time", "delta": 2.5, "interval": {"lower": 2.25, "upper": 2.75}}]
    (audit / "verdict.json").write_bytes(orjson.dumps({"verdict": verdict, "metrics": metrics}))
