"""A bundle is made of the accepted patches, all of them and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from bankable.nodes.auditor.verdict import Severity, Word
from bankable.tools.evidence.records import ComparisonKind, Lever
from tests.nodes.auditor.builders import REFERENCE, RunRecipe, edit, hits, judge, run_folder

RULE = "bundle_components"
PARTS = {"patch-a": Lever(flags={"stream_interval": 8}), "patch-b": Lever(flags={"schedule_policy": "lpm"})}
UNION = Lever(flags={"stream_interval": 8, "schedule_policy": "lpm"})


def _bundle(root: Path, lever: Lever = UNION) -> Path:
    first, second = PARTS.items()
    top = REFERENCE.with_lever(first[1])
    patches = [
        RunRecipe(name=first[0], kind=ComparisonKind.PATCH, lever=first[1], gain=0.2, seed=5, start=2e6),
        RunRecipe(
            name=second[0],
            kind=ComparisonKind.PATCH,
            lever=second[1],
            gain=0.2,
            seed=6,
            start=2.1e6,
            reference=top,
            reference_rate=480.0,
        ),
    ]
    bundle = RunRecipe(name="bundle", kind=ComparisonKind.BUNDLE, lever=lever, gain=0.44, seed=9, start=3e6)
    run = run_folder(root / "run", RunRecipe(), *patches, bundle)
    for name in PARTS:
        verdict = judge(run, "patch", name)
        assert verdict.verdict is not Word.FAIL
        (run / f"audits/patch-{name}-1").mkdir(parents=True)
        (run / f"audits/patch-{name}-1/verdict.json").write_bytes(verdict.to_bytes())
    return run


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _bundle(tmp_path_factory.mktemp("bundle"))


def test_the_union_of_accepted_patches_passes(bundled: Path) -> None:
    verdict = judge(bundled, "bundle")
    assert verdict.verdict is Word.PASS, verdict.findings
    assert verdict.request.components == ("patch-patch-a-1", "patch-patch-b-1")


def test_named_components_pass(bundled: Path) -> None:
    names = ["patch-patch-a-1", "patch-patch-b-1"]
    assert not hits(judge(bundled, "bundle", components=names), RULE)


def test_a_bundle_without_components_is_never_a_pass(bundled: Path) -> None:
    verdict = judge(bundled, "bundle", components=[])
    assert verdict.verdict is Word.FAIL


def test_an_extra_lever_fails(bundled: Path) -> None:
    """One component was left out of the list, and its change stayed in the bundle."""
    found = hits(judge(bundled, "bundle", components=["patch-patch-a-1"]), RULE)
    assert [entry.code for entry in found] == ["not_the_union"]


def test_a_rejected_component_fails(bundled: Path) -> None:
    path = bundled / "audits/patch-patch-a-1/verdict.json"
    kept = path.read_bytes()
    try:
        edit(path, lambda verdict: verdict.update(verdict="FAIL"))
        found = hits(judge(bundled, "bundle", components=["patch-patch-a-1", "patch-patch-b-1"]), RULE)
        assert [entry.code for entry in found] == ["not_accepted"]
        assert hits(judge(bundled, "bundle"), RULE)[0].code == "not_the_union"
    finally:
        path.write_bytes(kept)


def test_credit_to_one_component_is_flagged(bundled: Path) -> None:
    path = bundled / "comparisons/bundle/claim.json"
    kept = path.read_bytes()
    try:
        edit(path, lambda claim: claim.update(headline="stream_interval makes it faster"))
        found = hits(judge(bundled, "bundle"), RULE)
        assert [(entry.severity, entry.code, entry.action.value) for entry in found] == [
            (Severity.FLAG, "credited_to_one", "downgrade_headline")
        ]
    finally:
        path.write_bytes(kept)


def test_a_component_of_another_run_fails(bundled: Path) -> None:
    path = bundled / "audits/patch-patch-b-1/verdict.json"
    kept = path.read_bytes()
    try:
        edit(path, lambda verdict: verdict["request"].update(run_id="run-0000"))
        assert "stale" in {hit.code for hit in hits(judge(bundled, "bundle"), RULE)}
    finally:
        path.write_bytes(kept)
