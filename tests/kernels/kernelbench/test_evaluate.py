"""Answers to problems in KernelBench's form: each cheat is caught for its own reason, no honest answer is accused."""

from __future__ import annotations

from pathlib import Path

import pytest

from bankable.kernels.kernelbench.evaluate import DescribedProblem, Evaluator, KernelBenchSettings
from bankable.kernels.kernelbench.problems import BenchProblem, SubmittedAnswer, find_answers
from bankable.kernels.sandbox.fork_server import ForkServer

ANSWERS = Path(__file__).parent / "answers"
RELU, SUM = "level1/2_Relu", "level1/4_Row_sum"
CHEATS = {
    "zeros": ("level1/1_Row_softmax", "constant_output"),
    "constant": (SUM, "constant_output"),
    "identity": (RELU, "wrong_on_other_values"),
    "half_precision_weights": ("level2/1_Linear_gelu_scale", "loose_precision"),
    "keeps_by_pointer": (SUM, "stale_result"),
    "writes_its_input": (RELU, "writes_inputs"),
    "finds_the_output": (RELU, "reads_evaluator"),
    "patches_the_clock": (RELU, "patches_clock"),
    "patches_the_clock_unread": (RELU, "patches_clock"),
    "changes_torch": (RELU, "changes_torch"),
    "changes_torch_unread": (RELU, "changes_torch"),
    "is_the_reference": (RELU, "falls_back"),
    "copies_the_reference": (RELU, "falls_back"),
    "tries_then_falls_back": (SUM, "falls_back"),
    "lazy_tensor": (RELU, "wrong_shape"),
    "answers_early": (RELU, "returns_shared_output"),
    "leaves_a_process": (RELU, "leaves_processes"),
    "crashes": (RELU, "crashes"),
    "wrong_shape": (RELU, "wrong_shape"),
    "does_not_load": (RELU, "does_not_load"),
    "reads_the_judge": (RELU, "raises"),
    "writes_elsewhere": (RELU, "raises"),
}


def answer_of(name: str) -> SubmittedAnswer:
    return SubmittedAnswer(0, name, (ANSWERS / "cheats" / f"{name}.py").read_text())


@pytest.mark.parametrize("name", CHEATS)
def test_a_cheat_is_caught_for_its_own_reason(
    name: str, evaluator: Evaluator, described: dict[str, DescribedProblem]
) -> None:
    problem, rule = CHEATS[name]
    result = evaluator.evaluate(described[problem], answer_of(name))
    assert result.verdict == "FAIL", (result.checks, result.traced)
    assert rule in [finding.rule for finding in result.findings], result.findings
    assert result.speedup is None


def test_every_cheat_has_its_place() -> None:
    written = {path.stem for path in (ANSWERS / "cheats").glob("*.py")}
    assert written == {*CHEATS, "keeps_later", "finds_the_output_unread", "for_a_gpu"}


def test_an_answer_finds_no_result_of_the_reference_in_its_process(
    evaluator: Evaluator, described: dict[str, DescribedProblem]
) -> None:
    result = evaluator.evaluate(described[RELU], answer_of("finds_the_output_unread"))
    assert result.verdict == "FAIL"
    assert {finding.rule for finding in result.findings} <= {"returns_shared_output", "constant_output", "stale_result"}


def test_honest_answers_pass(
    evaluator: Evaluator, problems: dict[str, BenchProblem], described: dict[str, DescribedProblem]
) -> None:
    answers = find_answers(ANSWERS / "honest", problems.values())
    assert len(answers) == 8
    for problem in problems.values():
        for answer in answers.get(problem.key, ()):
            result = evaluator.evaluate(described[problem.title], answer)
            assert (result.verdict, result.findings) == ("PASS", ()), (problem.title, result.why)
            assert all(check.right for check in result.checks)
            assert result.exact
            assert result.own_error is not None


def test_a_result_that_is_kept_later_is_found_in_timed_calls(
    fork_server: ForkServer, described: dict[str, DescribedProblem]
) -> None:
    with Evaluator(fork_server, KernelBenchSettings(rounds=1, pairs=3, smaller_bytes=1 << 20)) as timing:
        result = timing.evaluate(described[SUM], answer_of("keeps_later"))
    assert [finding.rule for finding in result.findings] == ["stale_result"]
    assert "timed call" in result.why
    assert all(check.right for check in result.checks), "no check of correctness alone sees it"


def test_an_answer_for_a_gpu_is_not_accused(evaluator: Evaluator, described: dict[str, DescribedProblem]) -> None:
    result = evaluator.evaluate(described[RELU], answer_of("for_a_gpu"))
    assert result.verdict == "unverifiable"
    assert "GPU" in result.why


def test_a_tolerance_that_accepts_zeros_is_told(evaluator: Evaluator, described: dict[str, DescribedProblem]) -> None:
    alone = evaluator.evaluate(described["level1/1_Row_softmax"], None)
    assert "zeros" in alone.weak
    assert alone.degenerate == ()
    assert evaluator.evaluate(described[RELU], None).weak == ("its input",)
    cheat = evaluator.evaluate(described["level1/1_Row_softmax"], answer_of("zeros"))
    assert cheat.within_their_tolerance


def test_a_problem_that_nothing_can_be_shown_with_passes_nobody(evaluator: Evaluator) -> None:
    text = (
        "import torch\nfrom torch import nn\n\n\nclass Model(nn.Module):\n    def forward(self, x):\n"
        "        return x - x\n\n\ndef get_inputs():\n"
        "    return [torch.rand(8, 8)]\n\n\ndef get_init_inputs():\n    return []\n"
    )
    (found,) = evaluator.describe([BenchProblem(2, 9, "9_Nothing.py", text)])
    assert isinstance(found, DescribedProblem)
    result = evaluator.evaluate(found, answer_of("zeros"))
    assert result.verdict == "unverifiable"
    assert "zeros" in result.degenerate


def test_level_1_is_made_smaller_and_says_so(described: dict[str, DescribedProblem]) -> None:
    softmax = described["level1/1_Row_softmax"]
    assert softmax.sizes == {"rows": 256, "dim": 131072}
    assert softmax.smaller
    assert softmax.call_bytes <= 1 << 20 < softmax.full_bytes
    assert all(described[title].smaller == {} for title in described if not title.startswith("level1"))


def test_a_problem_beyond_the_memory_is_not_run(fork_server: ForkServer, problems: dict[str, BenchProblem]) -> None:
    with Evaluator(fork_server, KernelBenchSettings(memory_bytes=1 << 26, smaller_levels=())) as small:
        (result,) = small.describe([problems["level1/1_Row_softmax"]])
    assert not isinstance(result, DescribedProblem)
    assert result.verdict == "unverifiable"
    assert "GiB" in result.why


def test_times_are_of_both_and_have_bounds(fork_server: ForkServer, described: dict[str, DescribedProblem]) -> None:
    text = (ANSWERS / "honest" / "level3" / "1_Perceptron.py").read_text()
    with Evaluator(fork_server, KernelBenchSettings(rounds=2, pairs=3, timing_s=1)) as timing:
        result = timing.evaluate(described["level3/1_Perceptron"], SubmittedAnswer(0, "x.py", text))
    assert result.verdict == "PASS", result.why
    assert {timing.round for timing in result.timings} == {0, 1}
    assert all(min(timing.reference_s, timing.answer_s, timing.empty_s) > 0 for timing in result.timings)
    if result.speedup is not None:
        assert result.interval is not None
        assert result.interval[0] <= result.speedup <= result.interval[1]
