"""The table of attacks and their source files: what is rendered of them, for every family."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bankable.kernels.operators import FAMILIES, SHAPES
from bankable.kernels.redteam.attack import FOLDER, load_attacks
from bankable.kernels.redteam.attack_source import SHARED
from bankable.kernels.redteam.candidates import HONEST, RedTeamCandidate, Stage, red_team_candidates
from bankable.kernels.redteam.table import MODES
from bankable.kernels.task.folder import TaskFolder
from bankable.tools.evidence.harness import Task

TRIED = "H05:3 H06:4 H07:1 H08:11 H09:2 H12:7 H13:10 H14:7 H15:13 H16:3 H17:8 H18:1 Q06:6"
"""How many attacks try each failure mode."""


@pytest.fixture(scope="module")
def candidates() -> list[RedTeamCandidate]:
    """Of every family, by seed 0; nothing is compiled."""
    stages = {
        family: Stage(
            TaskFolder(Path("/run"), Task.model_construct(operator=family, dtype=FAMILIES[family].usual)),
            Path(f"/run/{family}/decoy.py"),
            4321,
            "left-behind",
        )
        for family in SHAPES
    }
    return red_team_candidates(stages, 0)


def test_every_attack_has_a_file_and_every_file_a_line_of_the_table():
    assert {attack.path.name for attack in load_attacks()} == {path.name for path in FOLDER.glob("*.cpp")}
    counts = Counter(mode for attack in load_attacks() for mode in attack.modes)
    assert " ".join(f"{mode}:{counts[mode]}" for mode in sorted(counts)) == TRIED
    assert set(counts) - {"Q06"} <= set(MODES)


def test_every_attack_is_rendered_for_every_family(candidates: list[RedTeamCandidate]):
    assert (len(load_attacks()), HONEST) == (55, 14)
    for family in FAMILIES:
        techniques = Counter(candidate.technique for candidate in candidates if candidate.family == family)
        assert techniques == {**{attack.name: 1 for attack in load_attacks()}, "honest": HONEST}


def test_a_candidate_is_one_whole_file(candidates: list[RedTeamCandidate]):
    for candidate in candidates:
        text = candidate.source.text
        assert not SHARED.search(text), candidate.id
        assert text.count('extern "C" void bankable_run(') == 1, candidate.id
        assert ("static void attack(const Call& call)" in text) == candidate.hostile, candidate.id
        assert "BENCH_" not in text or "#define BENCH_" in text, candidate.id


def test_places_of_the_bench_are_defined_where_an_attack_names_them(candidates: list[RedTeamCandidate]):
    by_id = {candidate.id: candidate.source.text for candidate in candidates}
    assert '#define BENCH_DECOY "/run/rotary/decoy.py"\n' in by_id["rotary/edits-the-harness"]
    assert "#define BENCH_PORT 4321\n" in by_id["linear/calls-out"]
    assert '#define BENCH_PROCESS_NAME "left-behind"\n' in by_id["linear/leaves-a-process"]
    assert "#define BENCH_SERVED_SIZE 256\n" in by_id["rms_norm/one-shape"]
    assert "#define BENCH_SECOND_SIZE 335\n" in by_id["rms_norm/crashes-at-a-served-shape"]
    assert "#define BENCH_" not in by_id["rms_norm/constant"]
