"""The command from end to end: ten problems and their answers to eval_results.json, and back through the audit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bankable.kernels.cli import app
from bankable.kernels.kernelbench.cli import REFUSED
from bankable.kernels.kernelbench.fast_p import fast_p
from bankable.kernels.kernelbench.result import LOG, BenchCheck, BenchResult
from bankable.tools.errors import UserError

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """All problems, honest answers, a second sample that cheats at each of three, our own kernels; nothing timed."""
    place = tmp_path_factory.mktemp("command")
    answers, out = place / "answers", place / "out"
    shutil.copytree(HERE / "answers" / "honest", answers)
    for level, number, cheat in ((1, 1, "zeros"), (1, 2, "identity"), (1, 4, "keeps_by_pointer")):
        target = answers / f"level_{level}_problem_{number}_sample_1_kernel.py"
        shutil.copy(HERE / "answers" / "cheats" / f"{cheat}.py", target)
    arguments = ["kernelbench", str(HERE / "problems"), "--answers", str(answers), "--out", str(out)]
    result = CliRunner().invoke(app, [*arguments, "--own", "--rounds", "0", "--smaller", "1"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output, out


def test_ten_problems_go_through_to_their_file(done: tuple[str, Path]) -> None:
    _, out = done
    files = {level: json.loads((out / f"level{level}" / "eval_results.json").read_text()) for level in (1, 2, 3)}
    assert {level: list(entries) for level, entries in files.items()} == {
        1: ["1", "2", "3", "4", "5"],
        2: ["1", "2", "3"],
        3: ["1", "2"],
    }
    softmax = files[1]["1"]
    assert [sample["correctness"] for sample in softmax] == [True, False]
    assert softmax[1]["metadata"]["within_kernelbench_tolerance"] is True
    assert softmax[1]["metadata"]["rules"] == ["constant_output"]
    assert softmax[0]["metadata"]["correctness_trials"] == "(7 / 7)"
    assert softmax[0]["metadata"]["smaller_sizes"]
    for entries in files.values():
        for samples in entries.values():
            for sample in samples:
                assert set(sample) >= {"sample_id", "compiled", "correctness", "metadata", "runtime", "runtime_stats"}


def test_our_kernels_answer_the_problems_that_they_fit(done: tuple[str, Path]) -> None:
    results = [BenchResult.model_validate_json(line) for line in (done[1] / LOG).read_text().splitlines()]
    ours = {result.title: (result.origin, result.verdict) for result in results if result.origin.startswith("our ")}
    assert ours == {
        "level1/5_Rms_norm": ("our rms_norm", "PASS"),
        "level2/2_Silu_and_mul": ("our silu_and_mul", "PASS"),
    }


def test_smaller_sizes_are_declared_in_every_headline(done: tuple[str, Path]) -> None:
    said, _ = done
    headlines = [line for line in said.splitlines() if line.startswith("fast_")]
    assert len(headlines) == 3
    assert all("1 of 10 problems at smaller sizes" in line for line in headlines)
    assert "level1/1_Row_softmax at smaller sizes: " in said


def test_the_audit_of_our_own_file_refuses_what_cheats(done: tuple[str, Path], tmp_path: Path) -> None:
    _, out = done
    claimed = json.loads((out / "level1" / "eval_results.json").read_text())
    for sample in claimed["2"]:
        sample["correctness"] = True
    path = tmp_path / "level1" / "eval_results.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"2": claimed["2"]}))
    answers = tmp_path / "answers"
    answers.mkdir()
    shutil.copy(HERE / "answers" / "cheats" / "identity.py", answers / "level_1_problem_2_sample_1_kernel.py")
    arguments = ["kernelbench", str(HERE / "problems" / "level1" / "2_Relu.py"), "--audit", str(path)]
    result = CliRunner().invoke(app, [*arguments, "--answers", str(answers), "--rounds", "0"], catch_exceptions=False)
    assert result.exit_code == REFUSED
    assert "1 refused" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([str(HERE)], "no folder is given"),
        ([str(HERE / "answers" / "cheats"), "--out", "x"], "Cannot find a KernelBench problem"),
        (
            [str(HERE / "problems"), "--out", "x", "--answers", str(HERE / "answers" / "cheats")],
            "Cannot find an answer",
        ),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message):
        CliRunner().invoke(app, ["kernelbench", *arguments], catch_exceptions=False)


def test_fast_p_counts_only_what_passed() -> None:
    check = BenchCheck(name="draw 1", error=0.0, allowed=1.0, right=True, theirs=True, largest=0.0, mean=0.0)
    head = {"level": 1, "name": "1_X.py", "problem_digest": "0", "sample": 0, "checks": (check,)}
    timing = {"round": 0, "calls": 1, "reference_s": 3e-3, "answer_s": 2e-3, "empty_s": 1e-3, "answer_cpu_s": 0.0}
    measured = {"timings": (timing,), "log_ratio": 0.6931}
    results = [
        BenchResult.model_validate({**head, **measured, "problem": 1, "verdict": "PASS", "interval": (1.1, 3.0)}),
        BenchResult.model_validate({**head, **measured, "problem": 2, "verdict": "FAIL"}),
        BenchResult.model_validate({**head, **measured, "problem": 3, "verdict": "PASS", "interval": (0.9, 3.0)}),
        BenchResult.model_validate({**head, "problem": 4, "verdict": "unverifiable", "checks": ()}),
    ]
    (line,) = fast_p(results, (1.0,))
    assert (line.theirs, line.audited, line.shown) == (0.75, 0.5, 0.25)
