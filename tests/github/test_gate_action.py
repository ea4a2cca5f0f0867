"""The GitHub Action around ``gate``: its definition parses, and its step does what it says when bash runs it."""

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
ACTION = ROOT / ".github" / "actions" / "gate" / "action.yml"

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")


@pytest.fixture(scope="module")
def action() -> dict[str, Any]:
    content = yaml.safe_load(ACTION.read_text())
    assert isinstance(content, dict)
    return content


def run(action: dict[str, Any], folder: Path, **inputs: str) -> tuple[int, str, dict[str, str]]:
    """Exit code, step summary and outputs of the step with these inputs."""
    step = next(one for one in action["runs"]["steps"] if one["id"] == "gate")
    chosen = {name: str(entry.get("default", "")) for name, entry in action["inputs"].items()}
    chosen.update({name.replace("_", "-"): value for name, value in inputs.items()})
    files = {name: folder / name for name in ("summary.md", "output")}
    for path in files.values():
        path.unlink(missing_ok=True)
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "GITHUB_STEP_SUMMARY": str(files["summary.md"]),
        "GITHUB_OUTPUT": str(files["output"]),
    }
    for name, value in step["env"].items():
        inner = value.removeprefix("${{").removesuffix("}}").strip()
        env[name] = sys.executable if inner.startswith("steps.") else chosen[inner.removeprefix("inputs.")]
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        env=env,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    read = [path.read_text() if path.exists() else "" for path in files.values()]
    return done.returncode, read[0], dict(line.split("=", 1) for line in read[1].splitlines())


def write_launches(folder: Path, rate: float, seed: int) -> str:
    for index in range(2):
        samples.dump(folder / f"{index}.json", samples.vllm(rate * (1 + 0.001 * index), 10 * seed + index))
    return folder.name


def test_no_input_is_pasted_into_a_script(action: dict[str, Any]) -> None:
    for one in action["runs"]["steps"]:
        assert "${{" not in one["run"]
        assert one["shell"] == "bash"


def test_a_night_begins_the_baseline_and_the_next_is_held_against_it(action: dict[str, Any], tmp_path: Path) -> None:
    first = write_launches(tmp_path / "a", 400.0, 1)
    code, summary, outputs = run(action, tmp_path, baseline="n.sqlite", candidate=first, enter="true")
    assert (code, outputs["outcome"], outputs["change"]) == (0, "begun", "")
    assert "### Performance gate: baseline begun" in summary
    second = write_launches(tmp_path / "b", 404.0, 2)
    code, summary, outputs = run(action, tmp_path, baseline="n.sqlite", candidate=second)
    assert (code, outputs["outcome"], outputs["nights"]) == (0, "inconclusive", "1")
    assert float(outputs["change"]) == pytest.approx(0.01, abs=0.001)
    assert int(outputs["launches-needed"]) > 0
    assert set(outputs) == set(action["outputs"])
    assert (tmp_path / outputs["comment"]).read_text() == summary
    assert run(action, tmp_path, baseline="n.sqlite", candidate=second, fail_on="inconclusive")[0] == 1


def test_another_model_fails_the_step(action: dict[str, Any], tmp_path: Path) -> None:
    run(action, tmp_path, baseline="n.sqlite", candidate=write_launches(tmp_path / "a", 400.0, 1), enter="true")
    samples.dump(tmp_path / "other.json", samples.vllm(400.0, 9, model_id="large"))
    code, summary, outputs = run(action, tmp_path, baseline="n.sqlite", candidate="other.json")
    assert (code, outputs["outcome"]) == (1, "not_comparable")
    assert "model: tiny on the baseline, large on the candidate" in summary


def test_inputs_are_never_commands(action: dict[str, Any], tmp_path: Path) -> None:
    good = write_launches(tmp_path / "a", 400.0, 1)
    for evil in ("$(touch pwned)", "`touch pwned`", '"; touch pwned; "', "--help"):
        code, _, outputs = run(action, tmp_path, baseline="n.sqlite", candidate=evil, series=evil, label=evil)
        assert (code, outputs) == (2, {})
        assert run(action, tmp_path, baseline="n.sqlite", candidate=good, enter=evil)[0] == 2
    assert not (tmp_path / "pwned").exists()
