"""What came out: outputs of timed calls, right and its own; rates below the device's; the ratio that the rows give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bankable.evals.fixtures.build.benchmark import BenchmarkSpec, again
from bankable.nodes.auditor.verdict import Action, Severity
from tests.nodes.auditor.builders import Json, edit, read
from tests.nodes.auditor.harness_builders import (
    REFERENCE,
    change_claim,
    edit_rows,
    every,
    honest_benchmark,
    judge_operator,
    row_is,
    rows_say,
    slow_down,
)
from tests.nodes.auditor.harness_cases import Edit, Fraud, Honest, assert_found, assert_passes

MEASUREMENT = "bench-1/measurement.json"


AT_EIGHT = row_is(implementation="cpp-a", shape="8x256")
HELD_OUT = row_is(implementation="cpp-a", shape="5x256")


def _checked(which: Callable[[Json], bool] | None = None, **values: object) -> Edit:
    """Change what the checker says about the winner."""

    def change(row: Json) -> None:
        row["correctness"].update(values)

    return lambda folder: edit_rows(folder, change, which) if which else edit_rows(folder, change)


def _loser(**values: object) -> Edit:
    return _checked(row_is(implementation="torch_compile"), **values)


FRAUDS: dict[str, tuple[Fraud, ...]] = {
    "harness_intact": (
        Fraud(
            "a patched clock",
            lambda f: edit_rows(f, lambda row: row["intact"].update(clock=False)),
            "patched",
            "H15",
            Action.EJECT,
        ),
        Fraud(
            "a patched synchronize at one shape",
            lambda f: edit_rows(f, lambda row: row["intact"].update(synchronize=False), HELD_OUT),
            "patched",
            "H15",
            Action.EJECT,
        ),
        Fraud("identities not taken", rows_say(intact=None), "unverifiable", "H15", Action.REMEASURE),
    ),
    "harness_buffers": (
        Fraud("poison left in the output", _checked(poison_intact=False), "poison", "H14", Action.EJECT),
        Fraud("expected outputs lay about", _checked(ran_before_expected=False), "expected_in_reach", "H14"),
        Fraud("buffers not poisoned", _checked(poison_intact=None), "unverifiable", "H14", Action.REMEASURE),
    ),
    "harness_rechecked": (
        Fraud("only warm-up outputs compared", _checked(checked_calls=0, secret_seeds=0), "not_rechecked", "H13"),
        Fraud("one seed for all calls", _checked(secret_seeds=1), "seeds_reused", "H13"),
        Fraud(
            "an answer cached by pointer", _checked(same_pointer_recheck=False), "cached_answer", "H13", Action.EJECT
        ),
        Fraud("nothing compared at all", rows_say(correctness=None), "unverifiable", "H13", Action.REMEASURE),
    ),
    "harness_perturbed": (
        Fraud("a constant", _checked(changes_with_input=False), "constant_output", "H16", Action.EJECT),
        Fraud(
            "a constant at one shape",
            _checked(AT_EIGHT, changes_with_input=False),
            "constant_output",
            "H16",
            Action.EJECT,
        ),
        Fraud("never perturbed", _checked(changes_with_input=None), "unverifiable", "H16", Action.REMEASURE),
    ),
    "harness_tolerance": (
        Fraud(
            "wrong elements behind a fine mean",
            _checked(relative_error=3.0, mismatch_share=0.002),
            "wrong_elements",
            "Q06",
            Action.EJECT,
        ),
        Fraud(
            "wrong at the held-out shape", _checked(HELD_OUT, relative_error=0.4), "wrong_elements", "Q06", Action.EJECT
        ),
        Fraud("not a number", _checked(relative_error=None), "wrong_elements", "Q06", Action.EJECT),
        Fraud(
            "a tolerance for eight bits",
            lambda f: edit(f / "task.json", lambda task: task["tolerance"].update(relative_error=0.125)),
            "loose_tolerance",
            "Q06",
        ),
        Fraud(
            "a tolerance without a reason",
            lambda f: edit(f / "task.json", lambda task: task["tolerance"].update(reason=" ")),
            "loose_tolerance",
            "Q06",
        ),
        Fraud("no element compared", _checked(elements=0), "nothing_compared", "R04"),
    ),
    "harness_roofline": (
        Fraud(
            "faster than memory",
            lambda f: (edit_rows(f, lambda row: slow_down(row, 0.5)), again(f)),
            "above_peak",
            "H19",
            Action.EJECT,
        ),
        Fraud("fewer bytes for the winner", rows_say(bytes_moved=64), "other_work", "H19"),
        Fraud(
            "work not recorded",
            lambda f: edit_rows(f, lambda row: row.update(flops=None), lambda row: True),
            "unverifiable",
            "H19",
            Action.REMEASURE,
        ),
    ),
    "harness_speedup": (
        Fraud("a larger ratio", lambda f: change_claim(f, speedup=8.3), "reported_differs", "D14"),
        Fraud(
            "a larger ratio at one shape",
            lambda f: edit(f / "bench-1/claim.json", lambda claim: claim["shapes"].update({"4x256": 6.0})),
            "reported_differs",
            "D14",
        ),
        Fraud(
            "bounds of another operator benchmark",
            lambda f: change_claim(f, interval=[4.0, 4.05]),
            "reported_differs",
            "R01",
        ),
        Fraud(
            "no win over a decided one",
            lambda f: change_claim(f, outcome="no_win", winner=None),
            "reported_differs",
            "R01",
        ),
        Fraud(
            "a slower winner", lambda f: (edit_rows(f, lambda row: slow_down(row, 4.4)), again(f)), "not_real", "D01"
        ),
    ),
}

HONEST: tuple[Honest, ...] = (
    Honest(
        "a losing candidate patches its clock",
        lambda f: edit_rows(f, lambda row: row["intact"].update(clock=False), row_is(implementation="torch_compile")),
    ),
    Honest("a losing candidate leaves poison", _loser(poison_intact=False, ran_before_expected=False)),
    Honest("three outputs compared, as few as may be", _checked(checked_calls=3, secret_seeds=3)),
    Honest("every output compared", _checked(checked_calls=12, secret_seeds=12)),
    Honest("a losing candidate gives a constant", _loser(changes_with_input=False, same_pointer_recheck=False)),
    Honest("an error at the tolerance", _checked(relative_error=2.0**-6)),
    Honest(
        "a tolerance at its bound",
        lambda f: edit(
            f / "task.json", lambda task: task["tolerance"].update(relative_error=2.0**-5, mismatch_share=0.001)
        ),
    ),
    Honest(
        "a few exempt elements, within the declared share",
        lambda f: (
            edit(f / "task.json", lambda task: task["tolerance"].update(mismatch_share=0.001)),
            _checked(relative_error=0.05, mismatch_share=0.0009)(f),
        ),
    ),
    Honest(
        "just below the measured peak",
        lambda f: edit(f / MEASUREMENT, lambda item: item["peaks"].update(copy_bandwidth=5.9e9)),
    ),
    Honest("nulls over intact rows", lambda f: change_claim(f, speedup=None, interval=None, shapes={})),
    Honest(
        "rounded to two digits after the point",
        lambda f: edit(f / "bench-1/claim.json", lambda claim: claim.update(speedup=round(claim["speedup"], 2))),
    ),
)


@pytest.mark.parametrize(
    ("rule", "fraud"), [(rule, fraud) for rule, frauds in FRAUDS.items() for fraud in frauds], ids=str
)
def test_a_doctored_answer_is_found(operator: Path, rule: str, fraud: Fraud) -> None:
    fraud.edit(operator)
    assert_found(operator, rule, fraud)


@pytest.mark.parametrize("honest", HONEST, ids=str)
def test_an_honest_answer_passes(operator: Path, honest: Honest) -> None:
    honest.edit(operator)
    assert_passes(operator)


def test_the_public_case_of_a_kernel_against_itself(operator: Path) -> None:
    """3.03× claimed with baseline_backend == winner; the rows say 0.985×."""
    edit_rows(operator, lambda row: slow_down(row, 4.0 * 1.015))
    again(operator)
    change_claim(operator, winner="cpp-a", baseline_backend="cpp-a", speedup=3.03)
    verdict = judge_operator(operator)
    assert (verdict.verdict.value, verdict.action) == ("FAIL", Action.REDO)
    assert {"compared_with_itself", "reported_differs"} <= {finding.code for finding in verdict.findings}


def test_a_small_gain_in_noise_goes_back_for_more_rounds(tmp_path: Path) -> None:
    folder = honest_benchmark(tmp_path / "run", BenchmarkSpec(speedups={"cpp-a": 1.015}, process_sd=0.03))
    verdict = judge_operator(folder)
    assert (verdict.verdict.value, verdict.action) == ("FLAG", Action.REDO)
    assert [
        (finding.rule, finding.code, finding.severity)
        for finding in verdict.findings
        if finding.severity is not Severity.INFO
    ] == [("harness_speedup", "undecided", Severity.FLAG)]


def test_three_rounds_prove_nothing(tmp_path: Path) -> None:
    verdict = judge_operator(honest_benchmark(tmp_path / "run", BenchmarkSpec(rounds=3)))
    assert [finding.code for finding in verdict.findings if finding.severity is Severity.FLAG] == ["undecided"]


def test_the_headline_names_ratio_bounds_and_what_it_is_not(operator: Path) -> None:
    verdict = judge_operator(operator)
    true = read(operator / "bench-1/claim.json")
    assert f"{true['speedup']:.3g}×" in verdict.headline
    assert "isolated" in verdict.headline
    assert "serving gain is not measured" in verdict.headline
    (metric,) = verdict.metrics
    assert metric.delta == pytest.approx(true["speedup"] - 1)
    assert metric.interval is not None
    assert metric.interval.lower == pytest.approx(true["interval"][0] - 1)
    assert not verdict.counts_as_kernel_win


def test_weights_are_the_served_calls(operator: Path) -> None:
    """Twice as fast where 5 % of the calls go, unchanged elsewhere: a small gain, whatever the shape's own ratio."""
    edit_rows(operator, lambda row: slow_down(row, 4.0))
    edit_rows(operator, lambda row: slow_down(row, 0.5), row_is(implementation="cpp-a", shape="8x256"))
    again(operator)
    metric = judge_operator(operator).metrics[0]
    assert metric.delta is not None
    assert 0.0 < metric.delta < 0.06


def test_samples_of_many_calls_are_divided(operator: Path) -> None:
    before = judge_operator(operator).metrics[0]
    edit_rows(operator, lambda row: (slow_down(row, 10.0), row.update(calls_per_sample=10)), every)
    edit(operator / MEASUREMENT, lambda entry: entry["protocol"].update(calls_per_sample=10))
    assert_passes(operator)
    after = judge_operator(operator).metrics[0]
    assert (after.reference, after.candidate) == pytest.approx((before.reference, before.candidate))


def test_an_error_of_the_reference_is_not_the_winners(operator: Path) -> None:
    """Only the candidate is compared with the oracle, whose outputs are the live implementation's."""
    edit_rows(operator, lambda row: row.update(correctness=None), REFERENCE)
    assert_passes(operator)
