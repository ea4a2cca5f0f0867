"""An isolated number never stands for the serving one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bankable.evals.fixtures.build.benchmark import again, source
from bankable.nodes.auditor.verdict import Action, Severity, Word
from tests.nodes.auditor.builders import edit, hits, judge, read
from tests.nodes.auditor.harness_builders import edit_rows, rows_say, slow_down
from tests.nodes.auditor.kernel_builders import OPERATOR, PATCH, kernel_run, legs_say, part, sign_off

RULE = "harness_headline"


@pytest.fixture(scope="module")
def _kernel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return kernel_run(tmp_path_factory.mktemp("kernel") / "run")


@pytest.fixture
def kernel(_kernel: Path, tmp_path: Path) -> Path:
    """A patch that serves a signed-off winner and quotes its isolated figure."""
    return Path(shutil.copytree(_kernel, tmp_path / "run"))


def _quote(run: Path, ratio: float, operator: str = OPERATOR) -> None:
    edit(run / f"comparisons/{PATCH}/claim.json", lambda claim: claim["isolated"].update({operator: ratio}))


def _found(run: Path) -> list[tuple[Severity, Action, str]]:
    return [(hit.severity, hit.action, hit.code) for hit in hits(judge(run, "patch", PATCH), RULE)]


REPLACE = Severity.FLAG, Action.REPLACE_HEADLINE


def test_a_signed_figure_may_be_quoted(kernel: Path) -> None:
    assert _found(kernel) == []


def test_a_figure_may_be_rounded(kernel: Path) -> None:
    _quote(kernel, round(read(kernel / "ops/rms_norm/bench-1/claim.json")["speedup"], 2))
    assert _found(kernel) == []


def test_nothing_quoted_and_nothing_signed_is_no_finding(kernel: Path) -> None:
    edit(kernel / f"comparisons/{PATCH}/claim.json", lambda claim: claim.update(isolated={}))
    (kernel / "audits/harness-rms_norm-1/verdict.json").unlink()
    assert _found(kernel) == []


def test_a_kernel_compared_with_itself_over_a_real_gain_loses_its_headline(kernel: Path) -> None:
    """3.03× was claimed; the winner is the live implementation, and the serving gain is real all the same."""
    folder = kernel / "ops/rms_norm"
    rows_say(source=source("live"), resolved=source("live"))(folder)
    edit(folder / "bench-1/claim.json", lambda claim: claim.update(winner_backend="native", speedup=3.03))
    sign_off(kernel)
    assert read(kernel / "audits/harness-rms_norm-1/verdict.json")["verdict"] == "FAIL"
    _quote(kernel, 3.03)
    verdict = judge(kernel, "patch", PATCH)
    assert _found(kernel) == [(*REPLACE, "compared_with_itself")]
    assert [hit.modes for hit in hits(verdict, RULE)] == [("H01",)]
    assert (verdict.verdict, verdict.action) == (Word.FLAG, Action.REPLACE_HEADLINE)
    assert "+3" in verdict.headline
    assert "3.03" not in verdict.headline


def test_a_figure_without_rows_is_replaced(kernel: Path) -> None:
    _quote(kernel, 8.3, "silu_and_mul")
    assert _found(kernel) == [(*REPLACE, "isolated_without_rows")]


def test_a_ratio_to_another_file_than_the_reference_serves_is_replaced(kernel: Path) -> None:
    legs_say("reference", modules={OPERATOR: "9" * 64})(kernel)
    assert _found(kernel) == [(*REPLACE, "other_denominator")]


def test_a_larger_figure_than_the_rows_give_is_replaced(kernel: Path) -> None:
    _quote(kernel, 8.3)
    assert _found(kernel) == [(*REPLACE, "isolated_differs")]


@pytest.mark.parametrize("word", ["FAIL", "FLAG", None])
def test_a_figure_that_was_not_signed_off_is_replaced(kernel: Path, word: str | None) -> None:
    path = kernel / "audits/harness-rms_norm-1/verdict.json"
    edit(path, lambda verdict: verdict.update(verdict=word)) if word else path.unlink()
    assert _found(kernel) == [(*REPLACE, "not_signed_off")]


def test_a_signature_of_another_attempt_does_not_count(kernel: Path) -> None:
    edit(kernel / "audits/harness-rms_norm-1/verdict.json", lambda entry: entry["request"].update(attempt=2))
    assert _found(kernel) == [(*REPLACE, "not_signed_off")]


def test_another_implementation_than_the_winner_is_replaced(kernel: Path) -> None:
    served = part("torch_compile").model_dump(mode="json")
    for name in ("plan", "claim"):
        edit(
            kernel / f"comparisons/{PATCH}/{name}.json",
            lambda entry: entry["lever"]["overlays"].update({OPERATOR: served}),
        )
    assert _found(kernel) == [(*REPLACE, "other_implementation")]


@pytest.mark.parametrize("gain", [-0.20, -0.325])
def test_an_isolated_gain_that_the_server_loses_is_ejected(tmp_path: Path, gain: float) -> None:
    run = kernel_run(tmp_path / "run", gain=gain)
    verdict = judge(run, "patch", PATCH)
    assert (verdict.verdict, verdict.action) == (Word.FAIL, Action.EJECT)
    assert [(hit.code, hit.modes) for hit in hits(verdict, RULE)] == [("isolated_gain_lost", ("H18",))]


@pytest.mark.parametrize("gain", [0.002, 0.03])
def test_a_gain_too_small_alone_is_no_loss(tmp_path: Path, gain: float) -> None:
    """Whether it is enough to bank is another rule's business."""
    assert _found(kernel_run(tmp_path / "run", gain=gain)) == []


def test_a_slower_kernel_that_loses_is_not_called_a_lost_gain(tmp_path: Path) -> None:
    run = kernel_run(tmp_path / "run", gain=-0.2, quoted=False)
    edit_rows(run / "ops/rms_norm", lambda row: slow_down(row, 5.0))
    again(run / "ops/rms_norm")
    assert _found(run) == []


def test_settings_alone_are_not_asked(run: Path) -> None:
    assert [note.kind for note in judge(run).notes if note.rule == RULE] == ["not_applicable"]


def test_the_plan_names_the_attempt_whose_rows_count(kernel: Path) -> None:
    """Rows of an attempt that the plan does not name stay out of the evidence."""
    plan = kernel / f"comparisons/{PATCH}/plan.json"
    edit(plan, lambda entry: entry["lever"]["overlays"][OPERATOR].update(bench=2))
    edit(kernel / f"comparisons/{PATCH}/claim.json", lambda item: item["lever"]["overlays"][OPERATOR].update(bench=2))
    assert _found(kernel) == [(*REPLACE, "isolated_without_rows")]
