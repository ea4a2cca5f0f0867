"""Each replaced operator is counted once, and only what was accepted is counted."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bankable.evals.fixtures.build.benchmark import BenchmarkSpec, write_benchmark
from bankable.nodes.auditor.verdict import Severity
from bankable.tools.evidence.records import ComparisonKind, Lever
from tests.nodes.auditor.builders import RunRecipe, edit, edit_lines, hits, judge, legs, read, run_folder
from tests.nodes.auditor.kernel_builders import part, serve

RULE = "kernel_accounting"
PARTS = {"rms_norm": part("cpp-a"), "silu_and_mul": part("cpp-s", "silu_and_mul")}
NAMES = ("patch-patch-rms_norm-1", "patch-patch-silu_and_mul-1")
Edit = Callable[[Path], object]


@pytest.fixture(scope="module")
def _bundled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    levers = {f"patch-{name}": Lever(overlays={name: it}) for name, it in PARTS.items()}
    union = Lever(overlays=PARTS)
    recipes = [
        RunRecipe(name=name, kind=ComparisonKind.PATCH, lever=lever, gain=0.2, seed=5 + k, start=2e6 + 1e4 * k)
        for k, (name, lever) in enumerate(levers.items())
    ]
    bundle = RunRecipe(name="bundle", kind=ComparisonKind.BUNDLE, lever=union, gain=0.4, seed=9, start=3e6)
    run = run_folder(tmp_path_factory.mktemp("bundle") / "run", RunRecipe(), *recipes, bundle)
    write_benchmark(run, BenchmarkSpec(speedups={"cpp-a": 4.0}))
    write_benchmark(run, BenchmarkSpec("silu_and_mul", "SiluAndMul.forward_native", {"cpp-s": 3.0}, seed=11))
    for name, lever in {**levers, "bundle": union}.items():
        serve(run, name, lever)
    for name in levers:
        place = run / f"audits/patch-{name}-1"
        place.mkdir(parents=True)
        verdict = judge(run, "patch", name)
        (place / "verdict.json").write_bytes(verdict.to_bytes().replace(b'"verdict":"FAIL"', b'"verdict":"FLAG"'))
    return run


@pytest.fixture
def bundled(_bundled: Path, tmp_path: Path) -> Path:
    """A bundle of two accepted operators."""
    return Path(shutil.copytree(_bundled, tmp_path / "run"))


def _claim(run: Path, name: str) -> Path:
    return run / f"comparisons/patch-{name}/claim.json"


def _same_gain(run: Path) -> None:
    first = read(_claim(run, "rms_norm"))
    edit(_claim(run, "silu_and_mul"), lambda entry: entry.update(delta=first["delta"], interval=first["interval"]))


def _almost_the_same_gain(run: Path) -> None:
    first = read(_claim(run, "rms_norm"))
    low, high = first["interval"]
    edit(_claim(run, "silu_and_mul"), lambda entry: entry.update(delta=first["delta"], interval=[low, high + 1e-6]))


def _one_patch_point(run: Path) -> None:
    edit(run / "ops/silu_and_mul/task.json", lambda entry: entry["seam"].update(attribute="RMSNorm.forward_native"))


def _copied_rows(run: Path) -> None:
    rows = (run / "ops/rms_norm/bench-1/opbench_runs.jsonl").read_bytes()
    (run / "ops/silu_and_mul/bench-1/opbench_runs.jsonl").write_bytes(rows.replace(b"cpp-a", b"cpp-s"))


def _nothing_accepted(run: Path) -> None:
    for name in PARTS:
        edit(_claim(run, name), lambda entry: entry["lever"].update(overlays={}))


def _tuned_again(run: Path) -> None:
    plan = run / "comparisons/bundle/plan.json"
    edit(plan, lambda entry: entry["lever"]["overlays"]["rms_norm"]["parameters"].update(block_m=64))


def _two_names_for_one_change(run: Path) -> None:
    first = read(_claim(run, "rms_norm"))["lever"]
    edit(_claim(run, "silu_and_mul"), lambda entry: entry.update(lever=first))


HONEST: dict[str, Edit] = {
    "two operators": lambda run: None,
    "two gains that agree to five digits": _almost_the_same_gain,
}
FRAUDS: dict[str, tuple[Edit, str, str]] = {
    "identical gains": (_same_gain, "identical_gains", "A05"),
    "one patch point under two names": (_one_patch_point, "one_seam", "A05"),
    "one operator benchmark under two names": (_copied_rows, "identical_speedups", "A05"),
    "one operator in two patches": (_two_names_for_one_change, "twice", "A05"),
    "an empty list of accepted changes": (_nothing_accepted, "nothing_accepted", "A06"),
    "another part than the accepted one": (_tuned_again, "not_the_union", "E07"),
}


@pytest.mark.parametrize("change", HONEST.values(), ids=HONEST.keys())
def test_two_accepted_operators_pass(bundled: Path, change: Edit) -> None:
    change(bundled)
    verdict = judge(bundled, "bundle", components=NAMES)
    assert not hits(verdict, RULE), hits(verdict, RULE)
    assert not hits(verdict, "kernel_engagement"), hits(verdict, "kernel_engagement")


@pytest.mark.parametrize(("change", "code", "mode"), FRAUDS.values(), ids=FRAUDS.keys())
def test_an_operator_counted_twice_or_never_fails(bundled: Path, change: Edit, code: str, mode: str) -> None:
    change(bundled)
    found = [hit for hit in hits(judge(bundled, "bundle", components=NAMES), RULE, Severity.FAIL) if hit.code == code]
    assert found
    assert {mode} <= {mode for entry in found for mode in entry.modes}
    assert {item.action.value for item in found} == {"eject"}


def test_a_component_left_out_fails(bundled: Path) -> None:
    found = hits(judge(bundled, "bundle", components=NAMES[:1]), RULE)
    assert [entry.code for entry in found] == ["not_the_union"]


def test_a_change_that_the_bundle_drops_fails(bundled: Path) -> None:
    """Both parts were engaged in their own patches; the assembled bundle runs one of them."""
    for leg in legs(bundled, "bundle", "candidate"):
        edit_lines(leg / "engagement.jsonl", lambda rows: rows.pop())
    (found,) = hits(judge(bundled, "bundle", components=NAMES), "kernel_engagement")
    assert (found.code, found.modes[0], found.action.value) == ("dropped_by_bundle", "E07", "eject")
