"""A run remembers what it verified; the next one tries that first, and its verdicts are the same as without."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from bankable.graph.memory import find_verified, remember
from bankable.tools.errors import UserError
from bankable.tools.store.database import read_store, write_store
from bankable.tools.store.memory import add_verified, read_verified
from tests.graph.conftest import BANKED, Bankable

LEVER = "max_running_requests=12"


def test_a_finished_run_is_remembered_with_its_place_and_outcome(banked: Path, tmp_path: Path) -> None:
    store = tmp_path / "store.sqlite"
    assert remember(store, banked) == 1
    assert remember(store, banked) == 0
    with read_store(store) as connection:
        (row,) = read_verified(connection)
    assert (row.lever, row.outcome, row.metric) == (LEVER, "banked", "output_throughput")
    assert row.gain == pytest.approx(1.32, abs=0.01)
    assert row.place.engine.startswith("sglang 0.5.23, torch ")
    assert (row.place.architecture, row.place.device) == ("Qwen3ForCausalLM", "cpu, 2 cores")
    assert "input_len 128" in row.place.workload
    assert len(row.verdict_digest) == 64


def test_a_folder_without_a_launch_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"run_id": "0000000000000000", "schema_version": 1, "config": {}}')
    with pytest.raises(UserError, match="Cannot remember the run: it measured nothing"):
        list(find_verified(tmp_path))


def test_the_next_run_tries_what_was_banked_first_and_verdicts_do_not_move(
    banked: Path, bankable: Bankable, tmp_path: Path
) -> None:
    store = tmp_path / "store.sqlite"
    (row,) = find_verified(banked)
    # A memory that promises the moon: it may steer the search, and no verdict.
    boast = row.model_copy(update={"run_id": "f" * 16, "gain": 99.0, "lower": 98.0, "upper": 100.0})
    other = row.model_copy(
        update={"run_id": "e" * 16, "place": row.place.model_copy(update={"engine": "sglang 0.4.0"})}
    )
    with write_store(store) as connection:
        add_verified(connection, [boast, other], "0.1.0")
    out = tmp_path / "run"
    done = bankable("run", "--replay", BANKED, "--memory", store, "--out", out)
    assert done.code == 0, done.err
    assert "memory: 1 settings that were banked here are tried first" in done.out
    assert "1 verified elsewhere do not count" in done.out
    first = orjson.loads((out / "search" / "trials.jsonl").read_bytes().splitlines()[0])
    assert first["flags"] == {"max_running_requests": 12}
    outcomes = [orjson.loads((run / "outcome.json").read_bytes()) for run in (out, banked)]
    assert [outcome["verdict"] for outcome in outcomes] == ["verified gain, corrected headline"] * 2
    assert outcomes[0]["delta"] == outcomes[1]["delta"]
    listed = bankable("history", store)
    assert f"  {LEVER}: banked, output_throughput +9900.0%" in listed.out
    assert listed.out.count(f"  {LEVER}: ") == 3
    assert "at sglang 0.4.0; Qwen3ForCausalLM; cpu, 2 cores; " in listed.out


def test_a_store_that_cannot_be_read_is_said_before_anything_is_launched(bankable: Bankable, tmp_path: Path) -> None:
    (tmp_path / "store.sqlite").write_text("no database, and longer than a hundred bytes " * 10)
    done = bankable("run", "--replay", BANKED, "--memory", tmp_path / "store.sqlite", "--out", tmp_path / "run")
    assert done.code == 2
    assert "Cannot use the store: file is not a database" in done.err
    assert not (tmp_path / "run").exists()
