"""``bankable gate`` through the command line, on result files as a nightly job writes them."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from bankable.evals.fixtures.build import tool_results as samples
from bankable.graph.cli import app
from bankable.tools.store.database import read_store, write_store
from bankable.tools.store.nights import read_measurements

NIGHT = "2026-11-{day:02}T03:00+00:00"
RATE = 400.0


def write_night(folder: Path, rate: float, seed: int, launches: int = 3, **more: Any) -> Path:
    """Launches of one night, one file each."""
    rng = random.Random(seed)
    for index in range(launches):
        level = rate * (1.0 + rng.gauss(0.0, 0.002))
        samples.dump(folder / f"launch{index}.json", samples.vllm(level, 100 * seed + index, **more))
    return folder


def invoke(*words: object) -> Result:
    return CliRunner().invoke(app, ["gate", *map(str, words)], catch_exceptions=True)


def run_gate(store: Path, candidate: Path, day: int, *words: object) -> Result:
    return invoke("--baseline", store, "--candidate", candidate, "--measured-at", NIGHT.format(day=day), *words)


def count_entries(store: Path) -> int:
    with read_store(store) as connection:
        return len(read_measurements(connection))


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with eight nights."""
    folder = tmp_path_factory.mktemp("history")
    for day in range(1, 9):
        night = write_night(folder / f"night{day}", RATE, day)
        result = run_gate(folder / "nights.sqlite", night, day, "--enter", "--label", "device=cpu")
        assert result.exit_code in (0, 24), result.output
    return folder / "nights.sqlite"


@pytest.fixture
def store(history: Path, tmp_path: Path) -> Path:
    """A copy that a test may write to."""
    place = tmp_path / "nights.sqlite"
    place.write_bytes(history.read_bytes())
    return place


@pytest.mark.parametrize(
    ("change", "title", "code"),
    [(0.0, "NO WORSE", 0), (0.05, "BETTER", 0), (-0.05, "WORSE", 23), (-0.02, "INCONCLUSIVE", 24)],
)
def test_outcomes_and_exit_codes(history: Path, tmp_path: Path, change: float, title: str, code: int) -> None:
    night = write_night(tmp_path / "tonight", RATE * (1.0 + change), 50)
    result = run_gate(history, night, 20)
    assert result.exit_code == code, result.output
    assert result.output.startswith(f"{title}  against 8 nights of series main; the candidate did not enter")
    assert "sd between nights" in result.output


def test_the_first_night_begins_and_one_night_decides_nothing(tmp_path: Path) -> None:
    store = tmp_path / "nights.sqlite"
    first = run_gate(store, write_night(tmp_path / "a", RATE, 1), 1, "--enter")
    assert first.exit_code == 0
    assert first.output.startswith("BASELINE BEGUN")
    second = run_gate(store, write_night(tmp_path / "b", 0.5 * RATE, 2), 2)
    assert second.exit_code == 24
    assert "a baseline of one night does not show how nights differ" in second.output
    assert "of the baseline first would decide" in second.output


def test_only_enter_writes_and_a_worse_night_never_enters(store: Path, tmp_path: Path) -> None:
    before = store.read_bytes()
    assert run_gate(store, write_night(tmp_path / "a", RATE, 51), 20).exit_code == 0
    assert store.read_bytes() == before
    assert run_gate(store, write_night(tmp_path / "b", 0.9 * RATE, 52), 20, "--enter").exit_code == 23
    assert count_entries(store) == 8
    entered = run_gate(store, write_night(tmp_path / "c", RATE, 53), 20, "--enter")
    assert "the candidate entered the baseline" in entered.output
    assert count_entries(store) == 9


def test_the_same_file_entered_twice_is_refused_also_under_another_name(store: Path, tmp_path: Path) -> None:
    night = write_night(tmp_path / "a", RATE, 54)
    assert run_gate(store, night, 20, "--enter").exit_code == 0
    record = json.loads((night / "launch1.json").read_text())
    copy = samples.dump(tmp_path / "other.json", dict(reversed(record.items())), pretty=True)
    for words in ((), ("--enter",)):
        result = run_gate(store, copy, 25, *words)
        assert result.exit_code != 0
        assert "the baseline holds this run already, as" in str(result.exception)
        assert "launch1.json" in str(result.exception)
    assert count_entries(store) == 9


@pytest.mark.parametrize(
    ("more", "words", "reason"),
    [
        ({"model_id": "large"}, (), "model: tiny on the baseline, large on the candidate"),
        ({"max_concurrency": 8}, (), "workload, max_concurrency: 4 on the baseline, 8 on the candidate"),
        ({}, ("--label", "device=h200"), "device: cpu on the baseline, h200 on the candidate"),
        ({}, ("--label", "engine=sglang"), "engine: vllm on the baseline, sglang on the candidate"),
    ],
)
def test_another_subject_is_not_comparable_and_does_not_enter(
    store: Path, tmp_path: Path, more: dict[str, Any], words: tuple[str, ...], reason: str
) -> None:
    result = run_gate(store, write_night(tmp_path / "a", RATE, 55, **more), 20, "--enter", *words)
    assert result.exit_code == 25, result.output
    assert reason in result.output
    assert count_entries(store) == 8


def test_another_tool_is_not_comparable(store: Path, tmp_path: Path) -> None:
    candidate = samples.dump(tmp_path / "a.json", samples.sglang(RATE, 5))
    assert "tool: vLLM bench serve on the baseline, sglang" in run_gate(store, candidate, 20).output


def test_a_candidate_with_a_fail_never_enters(store: Path, tmp_path: Path) -> None:
    night = write_night(tmp_path / "a", RATE, 56)
    record = json.loads((night / "launch0.json").read_text())
    record["output_throughput"] *= 1.3
    samples.dump(night / "launch0.json", record)
    result = run_gate(store, night, 20, "--enter")
    assert result.exit_code == 20, result.output
    assert "FAIL reported_vs_raw" in result.output
    assert count_entries(store) == 8


def test_nights_that_are_minutes_apart_are_one(tmp_path: Path) -> None:
    store = tmp_path / "nights.sqlite"
    for index in range(6):
        night = write_night(tmp_path / f"n{index}", RATE, 60 + index)
        at = f"2026-11-01T03:{10 * index:02}+00:00"
        invoke("--baseline", store, "--candidate", night, "--measured-at", at, "--enter")
    result = run_gate(store, write_night(tmp_path / "x", 0.8 * RATE, 70), 2)
    assert result.exit_code == 24
    assert "against 1 night of" in result.output
    assert count_entries(store) == 6


def test_a_slow_loss_that_no_night_shows_is_drift(tmp_path: Path) -> None:
    store = tmp_path / "nights.sqlite"
    codes = []
    for day in range(1, 14):
        night = write_night(tmp_path / f"n{day}", RATE * (1.0 - 0.006 * day), day, 1)
        codes.append(run_gate(store, night, day, "--enter", "--window", 5).exit_code)
    assert 26 in codes
    assert 23 not in codes[: codes.index(26)]
    result = run_gate(store, write_night(tmp_path / "x", RATE * (1.0 - 0.006 * 14), 28, 1), 14, "--window", 5)
    assert "drift of the baseline, last" in result.output
    again = run_gate(store, write_night(tmp_path / "y", RATE * 0.88, 29, 1), 15, "--enter", "--restart")
    assert (again.exit_code, again.output.split("  ")[0]) == (0, "BASELINE BEGUN")
    after = run_gate(store, write_night(tmp_path / "z", RATE * 0.88, 30, 1), 16)
    assert "against 1 night of" in after.output


def test_several_figures_and_what_a_launch_lacks(history: Path, tmp_path: Path) -> None:
    night = write_night(tmp_path / "a", RATE, 57)
    result = run_gate(history, night, 20, "--margin", "throughput=2%,ttft=20%")
    assert "median_ttft_ms: " in result.output
    bare = write_night(tmp_path / "b", RATE, 58, details=False)
    for path in bare.iterdir():
        record = json.loads(path.read_text())
        del record["median_ttft_ms"]
        samples.dump(path, record)
    result = run_gate(history, bare, 20, "--margin", "throughput=2%,ttft=20%")
    assert result.exit_code == 24
    assert "not in every launch, or zero: median_ttft_ms" in result.output


def test_goodput_has_a_margin_within_limits_that_are_part_of_the_baseline(tmp_path: Path) -> None:
    store, slo = tmp_path / "nights.sqlite", ("--slo", "ttft=500,tpot=50", "--margin", "goodput=5%")
    for day in range(1, 8):
        run_gate(store, write_night(tmp_path / f"n{day}", RATE, day), day, "--enter", *slo)
    tonight = write_night(tmp_path / "tonight", RATE, 40)
    assert "goodput: " in run_gate(store, tonight, 20, *slo).output
    other = run_gate(store, tonight, 20, "--slo", "ttft=900,tpot=90", "--margin", "goodput=5%")
    assert other.exit_code == 25
    assert "workload, limits: tpot 50 ms, ttft 500 ms on the baseline" in other.output


def test_a_comment_for_a_pull_request(history: Path, tmp_path: Path) -> None:
    night = write_night(tmp_path / "a", 0.9 * RATE, 59)
    comment = tmp_path / "comment.md"
    assert run_gate(history, night, 20, "--markdown", comment).exit_code == 23
    lines = comment.read_text().splitlines()
    assert lines[0] == "<!-- bankable gate -->"
    assert lines[2] == "### Performance gate: worse"
    assert any(line.startswith("| output\\_throughput | 4") and line.endswith("| worse |") for line in lines)


def test_json_has_the_decision(history: Path, tmp_path: Path) -> None:
    result = run_gate(history, write_night(tmp_path / "a", RATE, 71), 20, "--json")
    fields = json.loads(result.output)
    assert fields["outcome"] == "no_worse"
    decision = fields["loads"][0]["figures"][0]["decision"]
    assert decision["lower"] < decision["harm"] < decision["upper"] < 0.02
    assert decision["nights"] == [8, 1]


def test_each_load_of_a_sweep_has_its_own_nights(tmp_path: Path) -> None:
    store = tmp_path / "nights.sqlite"
    for day in range(1, 7):
        for load in (4, 8):
            write_night(tmp_path / f"n{day}" / str(load), RATE * load, 10 * day + load, 2, max_concurrency=load)
        run_gate(store, tmp_path / f"n{day}", day, "--enter")
    for load, rate in ((4, RATE), (8, 0.9 * RATE)):
        write_night(tmp_path / "x" / str(load), rate * load, 200 + load, 2, max_concurrency=load)
    result = run_gate(store, tmp_path / "x", 20)
    assert result.exit_code == 23
    assert "== max_concurrency=4: no worse" in result.output
    assert "== max_concurrency=8: worse" in result.output
    alone = run_gate(store, write_night(tmp_path / "y", RATE, 300, 2, max_concurrency=16), 20)
    assert alone.exit_code == 25


def test_files_of_two_models_are_no_candidate(history: Path, tmp_path: Path) -> None:
    first = write_night(tmp_path / "a", RATE, 72, 1)
    other = write_night(tmp_path / "b", RATE, 73, 1, model_id="large")
    result = invoke("--baseline", history, "--candidate", first / "launch0.json", other / "launch0.json")
    assert "launches with different model" in str(result.exception)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--restart",), "Cannot begin a baseline anew without entering"),
        (("--series", "none"), "no series 'none' in the store"),
        (("--margin", "speed=2%"), "invalid value 'speed=2%' for --margin"),
        (("--margin", "goodput=2%"), "Cannot gate goodput: no latency limits"),
        (("--label", "device"), "invalid value 'device' for --label"),
        (("--measured-at", "tonight"), "invalid value 'tonight' for --measured-at"),
    ],
)
def test_mistakes_are_one_line(history: Path, tmp_path: Path, words: tuple[str, ...], reason: str) -> None:
    result = invoke("--baseline", history, "--candidate", write_night(tmp_path / "a", RATE, 74), *words)
    assert reason in str(result.exception)


def test_a_newer_store_is_left_alone(store: Path, tmp_path: Path) -> None:
    with write_store(store) as connection:
        connection.execute("PRAGMA user_version = 7")
    before = store.read_bytes()
    result = run_gate(store, write_night(tmp_path / "a", RATE, 75), 20, "--enter")
    assert "version 7, and this program reads up to 1" in str(result.exception)
    assert store.read_bytes() == before


def test_history_lists_and_draws_the_nights(history: Path, tmp_path: Path) -> None:
    page = tmp_path / "nights.html"
    listed = CliRunner().invoke(app, ["history", str(history), "--plot", str(page)])
    assert listed.exit_code == 0, listed.output
    lines = listed.output.splitlines()
    assert len(lines) == 8
    assert lines[0].startswith("main  2026-11-01 03:00  3 launches  output_throughput ")
    assert lines[0].endswith("begun")
    drawn = page.read_text()
    assert drawn.count('class="night"') == 7 * 3
    assert "http" not in drawn
    nights = json.loads(CliRunner().invoke(app, ["history", str(history), "--json"]).output)["nights"]
    assert nights[0]["levels"]["output_throughput"] == pytest.approx(RATE, rel=0.01)
