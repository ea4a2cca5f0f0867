"""The files that were laid over a server are the declared ones, and hold the kernel that was benched."""

from __future__ import annotations

from pathlib import Path

import pytest

from bankable.nodes.auditor.verdict import Action, Severity
from bankable.tools.evidence.records import Lever
from tests.nodes.auditor.builders import hits, judge
from tests.nodes.auditor.kernel_builders import OPERATOR, PATCH, kernel_run, part

RULE = "overlay_as_declared"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return kernel_run(tmp_path / "run")


def _overlay(run: Path) -> Path:
    return run / f"comparisons/{PATCH}/overlay"


def test_the_declared_files_are_named(run: Path) -> None:
    (found,) = hits(judge(run, "patch", PATCH), RULE, Severity.INFO)
    assert found.observed == part().digest[:12]


@pytest.mark.parametrize("name", [f"{OPERATOR}/kernel.cpp", f"{OPERATOR}/more.py", "sitecustomize.py"])
def test_one_byte_more_is_another_overlay(run: Path, name: str) -> None:
    with (_overlay(run) / name).open("ab") as file:
        file.write(b"\n")
    found = [hit for hit in hits(judge(run, "patch", PATCH), RULE, Severity.FAIL) if hit.code == "other_files"]
    assert [(entry.action, entry.modes) for entry in found] == [(Action.REMEASURE, ("E01", "E07"))]


def test_another_operators_files_are_not_this_ones(tmp_path: Path) -> None:
    lever = Lever(overlays={OPERATOR: part(), "silu_and_mul": part("cpp-s", "silu_and_mul")})
    run = kernel_run(tmp_path / "run", quoted=False, lever=lever)
    assert hits(judge(run, "patch", PATCH), RULE, Severity.FAIL) == []
    (_overlay(run) / "silu_and_mul/kernel.cpp").unlink()
    (found,) = hits(judge(run, "patch", PATCH), RULE, Severity.FAIL)
    assert found.expected.startswith("silu_and_mul: ")
