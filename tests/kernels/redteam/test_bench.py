"""The hostile bench: every mode is tried, each is caught where it shows, and honest ones are left alone."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from bankable.kernels.redteam.attack import load_attacks
from bankable.kernels.redteam.bench import HostileBench
from bankable.kernels.redteam.candidates import HONEST
from bankable.kernels.redteam.forgeries import FORGERIES
from bankable.kernels.redteam.table import MODES, summary_lines
from bankable.kernels.redteam.trial import RedTeamResult
from bankable.tools.errors import UserError

NEVER_SEEN = {"dormant-on-unserved", "borrows-without-state"}
"""What no benchmark can see: a shape that nobody asks for, and a kernel that owns the process which times it."""


long = pytest.mark.long


@pytest.fixture(scope="module")
def found(python: Path, compiler, tmp_path_factory) -> dict[str, RedTeamResult]:
    out = tmp_path_factory.mktemp("bench") / "out"
    bench = HostileBench(out, python, compiler, families=["silu_and_mul"], seed=3)
    entries = bench.run()
    said = [RedTeamResult.model_validate_json(line) for line in (out / "hostile.jsonl").read_bytes().splitlines()]
    assert said == entries
    return {entry.technique if entry.modes else entry.id: entry for entry in entries}


@long
def test_every_mode_is_tried_and_nothing_hostile_gets_through_but_what_is_said(found):
    assert {mode for entry in found.values() for mode in entry.modes} >= set(MODES)
    assert {name for name, it in found.items() if it.outcome == "missed"} <= NEVER_SEEN
    assert len(found) == len(load_attacks()) + HONEST + len(FORGERIES)


@long
def test_the_only_one_that_does_not_compile_is_meant_not_to(found):
    assert [name for name, it in found.items() if "compiler" in it.layers] == ["does-not-compile"]


@long
def test_honest_ones_are_right_and_not_refused_by_anything_but_a_clock(found):
    for entry in found.values():
        if not entry.modes:
            assert set(entry.layers) <= {"audit"}, entry  # figures of times, on a machine with other tenants


@pytest.mark.parametrize(
    ("technique", "layer", "said"),
    [
        ("pointer-cache", "correctness", "the answer for old contents"),
        ("edits-the-harness", "containment", "was prevented from what it tried"),
        ("leaves-a-process", "containment", "was prevented from what it tried"),
        ("calls-out", "containment", "crashed"),
        ("reads-the-expected", "containment", "crashed"),
        ("writes-past-its-end", "timing", ""),
        ("spins", "containment", "cpu_limit"),
        ("time-bomb", "reading", "rdtsc"),
        ("forged: edited-harness", "audit", "FAIL"),
    ],
)
@long
def test_each_is_caught_where_it_shows(found, technique, layer, said):
    assert said in found[technique].layers[layer]


@long
def test_what_was_missed_and_accused_is_named(found):
    told = list(summary_lines(list(found.values())))
    assert told[0].startswith(f"{len(found)} candidates: ")
    for entry in found.values():
        assert any(entry.id in line for line in told[1:]) == (entry.outcome in ("missed", "accused", "harness_error"))


def test_a_sample_is_drawn_by_its_seed_and_a_folder_is_not_written_twice(python, compiler, tmp_path):
    def ids(name: str, seed: int) -> list[str]:
        out = tmp_path / name
        HostileBench(out, python, compiler, families=["rms_norm"], seed=seed, sample=4).run()
        return [orjson.loads(line)["id"] for line in (out / "hostile.jsonl").read_bytes().splitlines()]

    assert [entry for entry in ids("a", 5) if "forged" not in entry] == [
        item for item in ids("b", 5) if "forged" not in item
    ]
    with pytest.raises(UserError, match="the folder exists"):
        HostileBench(tmp_path / "a", python, compiler).run()
