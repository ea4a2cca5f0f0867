"""Recording a landscape: the design, the order of rounds, what is written, and going on after a kill."""

from __future__ import annotations

import lzma
from collections import Counter
from pathlib import Path

import pytest

from bankable.evals.bench.grid import GRID as REAL_GRID
from bankable.evals.bench.grid import batches, round_orders
from bankable.evals.bench.landscape import LandscapePlan, record
from bankable.evals.bench.records import read_landscape, read_partial
from bankable.tools.errors import UserError
from bankable.tools.levers import classify_field, knob
from tests.evals.bench.builders import ENGINE, GRID, WORKLOAD, FakeDriver, all_points


def recording(folder: Path, limit: int | None = None, seed: int = 1) -> LandscapePlan:
    return LandscapePlan(
        folder / "landscape.jsonl", folder / "logs", "somewhere/model", GRID, WORKLOAD, limit=limit, seed=seed
    )


def quiet(line: str) -> None:
    assert "batch" in line


def test_the_real_grid_has_48_configurations_of_known_knobs() -> None:
    plan = batches(REAL_GRID, 3, 4, 1)
    assert len({p for b in plan for p in b.points}) == 48
    assert len(plan) == 36
    for k in REAL_GRID:
        assert knob(k.name) is not None
        assert classify_field(k.name) == "lever"


def test_every_replicate_holds_every_configuration_once_in_other_company() -> None:
    plan = batches(GRID, 3, 4, 1)
    for launch in range(3):
        assert Counter(p for b in plan if b.launch == launch for p in b.points) == Counter(all_points())
    assert {frozenset(b.points) for b in plan if b.launch == 0} != {frozenset(b.points) for b in plan if b.launch == 1}
    assert plan == batches(GRID, 3, 4, 1)
    assert plan != batches(GRID, 3, 4, 2)


def test_orders_are_turned_and_mirrored() -> None:
    assert round_orders(4, 4) == [(0, 1, 2, 3), (3, 2, 1, 0), (1, 2, 3, 0), (0, 3, 2, 1)]


def test_records_every_launch_with_its_rounds_and_costs(tmp_path: Path) -> None:
    driver = FakeDriver()
    assert record(driver, ENGINE, recording(tmp_path), quiet) == 18
    found = read_landscape(tmp_path / "landscape.jsonl")
    assert found.header.model == "model", "a name, not a path"
    assert len(found.launches) == 72
    assert {len(rows) for rows in found.by_point().values()} == {3}
    row = next(r for r in found.launches if r.flags == {"stream_interval": 8} and not r.env)
    assert [r.output_throughput for r in row.rounds] == pytest.approx([300 * 1.1051709] * 3)
    assert (row.startup_s, row.batch_startup_s, row.round_s) == (30.0, 40.0, 8.0)
    assert all(server.closed for server in driver.servers)


def test_all_servers_of_a_round_see_the_same_prompts_and_rounds_differ(tmp_path: Path) -> None:
    driver = FakeDriver()
    record(driver, ENGINE, recording(tmp_path, limit=1), quiet)
    seeds = {(index, seed) for _, index, seed, _ in driver.loads}
    assert len(seeds) == 4, "one warm-up and three timed rounds"
    assert {peers for *_, peers in driver.loads} == {3}


def test_a_killed_recording_goes_on_and_ends_up_the_same(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        record(FakeDriver(breaks_after=20), ENGINE, recording(tmp_path), quiet)
    path = tmp_path / "landscape.jsonl"
    torn = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(torn[:-1]) + torn[-1][:40])
    assert record(FakeDriver(), ENGINE, recording(tmp_path), quiet) == 18 - 4, "the torn batch is recorded again"
    whole = tmp_path / "whole"
    whole.mkdir()
    record(FakeDriver(), ENGINE, recording(whole), quiet)
    assert len(read_landscape(path).launches) == 72
    assert {(r.launch, *r.point) for r in read_landscape(path).launches} == {
        (r.launch, *r.point) for r in read_landscape(whole / "landscape.jsonl").launches
    }
    assert record(FakeDriver(), ENGINE, recording(tmp_path), quiet) == 0


def test_failures_are_recorded_and_the_rest_of_the_batch_goes_on(tmp_path: Path) -> None:
    record(FakeDriver(refuses="float32"), ENGINE, recording(tmp_path), quiet)
    rows = read_landscape(tmp_path / "landscape.jsonl").launches
    assert {r.flags.get("dtype") for r in rows if r.failure} == {"float32"}
    assert all(len(r.rounds) == (0 if r.failure else 3) for r in rows)
    assert record(FakeDriver(), ENGINE, recording(tmp_path), quiet) == 0, "a crash is a result, not a gap"


def test_a_port_clash_is_not_a_result(tmp_path: Path) -> None:
    record(FakeDriver(refuses="float32", failure="port_taken"), ENGINE, recording(tmp_path), quiet)
    assert record(FakeDriver(), ENGINE, recording(tmp_path), quiet) > 0
    assert not any(r.failure for r in read_landscape(tmp_path / "landscape.jsonl").launches)


def test_another_landscape_is_not_mixed_in(tmp_path: Path) -> None:
    record(FakeDriver(), ENGINE, recording(tmp_path, limit=1), quiet)
    with pytest.raises(UserError, match=r"holds another one.*seed"):
        record(FakeDriver(), ENGINE, recording(tmp_path, seed=2), quiet)


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    record(FakeDriver(), ENGINE, recording(tmp_path, limit=1), quiet)
    path = tmp_path / "landscape.jsonl"
    path.write_bytes(path.read_bytes()[:-30])
    assert len(read_landscape(path).launches) == 3


def test_damaged_files_are_one_line_errors(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    assert read_partial(path) == (None, [])
    with pytest.raises(UserError, match="no launch in this file"):
        read_landscape(path)
    record(FakeDriver(), ENGINE, recording(tmp_path, limit=1), quiet)
    lines = (tmp_path / "landscape.jsonl").read_text().splitlines()
    for broken in ("{}", "[1, 2]", lines[1].replace('"launch":0', '"launch":"x"'), "\x00\xff"):
        path.write_text("\n".join([lines[0], broken]) + "\n")
        with pytest.raises(UserError, match=r"x\.jsonl:2"):
            read_landscape(path)
    point = lines[1].replace('"point":[', '"point":[9,')
    path.write_text("\n".join([lines[0], point]) + "\n")
    with pytest.raises(UserError, match="outside the grid"):
        read_landscape(path)


def test_a_packed_landscape_reads_like_the_plain_one(tmp_path: Path) -> None:
    record(FakeDriver(), ENGINE, recording(tmp_path), quiet)
    plain, packed = tmp_path / "landscape.jsonl", tmp_path / "landscape.jsonl.xz"
    packed.write_bytes(lzma.compress(plain.read_bytes()))
    assert read_landscape(packed) == read_landscape(plain)
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(UserError, match="Cannot unpack the landscape"):
        read_landscape(packed)
