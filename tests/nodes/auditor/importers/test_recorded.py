"""Legs that a real sglang server was measured with, taken as somebody's folders."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import pytest

from bankable.nodes.auditor.pair import audit_pair
from bankable.nodes.auditor.verdict import Severity, Word
from tests.nodes.auditor.builders import hits, read, write

RECORDING = Path(__file__).resolve().parents[4] / "evals" / "recorded" / "cpu-search.tar.xz"
PATCH = "capped/comparisons/patch-max_running_requests-12"


@pytest.fixture(scope="module")
def patch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recorded patch, its legs sorted into one folder a side."""
    folder = tmp_path_factory.mktemp("recorded")
    with tarfile.open(RECORDING) as packed:
        packed.extractall(folder, [entry for entry in packed if entry.name.startswith(PATCH)], filter="data")
    for leg in sorted((folder / PATCH / "legs").iterdir()):
        shutil.move(leg, folder / PATCH / leg.name.split("-")[1] / leg.name)
    return folder / PATCH


def test_five_launches_a_side_tell_what_the_sealed_audit_told(patch: Path) -> None:
    verdict = audit_pair(patch / "reference", patch / "candidate", patch / "claim.json")
    assert verdict.headline.startswith("output_throughput +132.2% ")
    assert "5 and 5 launches, real" in verdict.headline
    assert verdict.verdict is Word.FLAG
    assert verdict.lever_class == "B"
    assert not hits(verdict, "reported_vs_raw")
    assert not hits(verdict, "same_conditions")


def test_a_claim_that_was_touched_up(patch: Path) -> None:
    claim = read(patch / "claim.json")
    claim["delta"] += 0.1
    write(patch / "touched.json", claim)
    verdict = audit_pair(patch / "reference", patch / "candidate", patch / "touched.json")
    assert [hit.observed for hit in hits(verdict, "reported_vs_raw", Severity.FAIL)] == ["gain +142.17%"]


def test_bare_files_without_the_claim_are_not_certified(patch: Path) -> None:
    """The cap on running requests moved and nothing says that it was meant to."""
    files = [patch / side / f"b00-{side}" / "bench_runs.jsonl" for side in ("reference", "candidate")]
    verdict = audit_pair(*files)
    assert verdict.verdict is Word.FAIL
    assert hits(verdict, "same_conditions", Severity.FAIL)
