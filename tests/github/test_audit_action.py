"""The GitHub Action: its definition parses, and its step does what it says when bash runs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from bankable.evals.fixtures.build import tool_results as samples

ROOT = Path(__file__).resolve().parents[2]
ACTION = ROOT / ".github" / "actions" / "audit" / "action.yml"

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")


@pytest.fixture(scope="module")
def action() -> dict[str, Any]:
    found = yaml.safe_load(ACTION.read_text())
    assert isinstance(found, dict)
    return found


def step(action: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in action["runs"]["steps"] if one["id"] == name)


def run(action: dict[str, Any], folder: Path, *, at: str = "audit", **inputs: str) -> tuple[int, str, str]:
    """Exit code, step summary and outputs of a step with these inputs."""
    chosen = {name: str(entry.get("default", "")) for name, entry in action["inputs"].items()}
    chosen.update({name.replace("_", "-"): value for name, value in inputs.items()})
    env = {
        "PATH": os.environ["PATH"],
        # A checkout tested through links has its package there; -P keeps only the working directory out.
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        "GITHUB_OUTPUT": str(folder / "output"),
    }
    for name, value in step(action, at)["env"].items():
        inner = value.removeprefix("${{").removesuffix("}}").strip()
        env[name] = sys.executable if inner.startswith("steps.") else chosen[inner.removeprefix("inputs.")]
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step(action, at)["run"]],
        env=env,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    read = [path.read_text() if path.exists() else "" for path in (folder / "summary.md", folder / "output")]
    return done.returncode, read[0], read[1]


def test_no_input_is_pasted_into_a_script(action: dict[str, Any]) -> None:
    for one in action["runs"]["steps"]:
        assert "${{" not in one["run"]
        assert one["shell"] == "bash"
    assert set(action["inputs"]) == {"reference", "candidate", "claim", "scope", "fail-on"}


def test_two_files_give_a_summary_and_a_verdict(action: dict[str, Any], tmp_path: Path) -> None:
    samples.dump(tmp_path / "a.json", samples.vllm(400.0, 1))
    samples.dump(tmp_path / "b.json", samples.vllm(500.0, 2))
    code, summary, output = run(action, tmp_path, reference="a.json", candidate="b.json")
    assert (code, output) == (0, "verdict=FLAG\n")
    assert summary.startswith("### FLAG: pair `patch`")
    assert "| output\\_throughput | 400.00 tok/s | 500.00 tok/s |" in summary
    assert run(action, tmp_path, reference="a.json", candidate="b.json", fail_on="FLAG")[0] == 1


def test_the_figures_are_outputs(action: dict[str, Any], tmp_path: Path) -> None:
    samples.dump(tmp_path / "a.json", samples.vllm(400.0, 1))
    samples.dump(tmp_path / "b.json", samples.vllm(500.0, 2))
    code, _, output = run(action, tmp_path, at="figures", reference="a.json", candidate="b.json")
    figures = dict(line.split("=", 1) for line in output.splitlines())
    assert code == 0
    assert (float(figures["reference"]), float(figures["candidate"])) == pytest.approx((400.0, 500.0))
    assert float(figures["lower"]) < float(figures["change"]) < float(figures["upper"])
    assert "on 1 and 1 launches" in figures["headline"]
    assert set(figures) | {"verdict"} == set(action["outputs"])


def test_a_fail_fails_the_step(action: dict[str, Any], tmp_path: Path) -> None:
    samples.dump(tmp_path / "a.json", samples.vllm(400.0, 1))
    samples.dump(tmp_path / "b.json", samples.vllm(402.0, 2))
    code, summary, output = run(action, tmp_path, reference="a.json", candidate="b.json")
    assert (code, output) == (1, "verdict=FAIL\n")
    assert summary.startswith("### FAIL")


def test_inputs_are_never_commands(action: dict[str, Any], tmp_path: Path) -> None:
    samples.dump(tmp_path / "a.json", samples.vllm(400.0, 1))
    for evil in ("$(touch pwned)", "`touch pwned`", '"; touch pwned; "', "--help", "-x"):
        code, _, output = run(action, tmp_path, reference="a.json", candidate=evil, scope=evil, claim=evil)
        assert (code, output) == (2, "")
    assert not (tmp_path / "pwned").exists()


def test_a_package_of_the_checked_out_repository_is_not_run(action: dict[str, Any], tmp_path: Path) -> None:
    for name in ("bankable", "graph"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__main__.py").write_text("open('pwned', 'w')")
        (tmp_path / name / "__init__.py").write_text("open('pwned', 'w')")
    samples.dump(tmp_path / "a.json", samples.vllm(400.0, 1))
    samples.dump(tmp_path / "b.json", samples.vllm(500.0, 2))
    assert run(action, tmp_path, reference="a.json", candidate="b.json")[0] == 0
    assert not (tmp_path / "pwned").exists()
