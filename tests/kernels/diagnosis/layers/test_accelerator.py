"""A package that registers a layer for its chip is found, run in a process of its own, and cannot do harm."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bankable.kernels.build.render import render
from bankable.kernels.diagnosis.layers.harness import evaluate
from bankable.kernels.diagnosis.layers.registry import accelerators
from bankable.kernels.diagnosis.layers.runner import LayerWorker
from bankable.kernels.diagnosis.layers.subject import Subject
from bankable.kernels.task.folder import TaskFolder

PLUGIN = Path(__file__).with_name("plugin")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example package as pip installs it, in a folder of its own."""
    source, target = (tmp_path_factory.mktemp(name) for name in ("source", "target"))
    for path in (path for path in PLUGIN.rglob("*") if path.suffix in (".py", ".toml")):
        copy = source / path.relative_to(PLUGIN)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-index",
            "--no-deps",
            "--no-build-isolation",
            "--disable-pip-version-check",
            "--target",
            str(target),
            str(source),
        ],
        check=True,
        capture_output=True,
        timeout=300,
    )
    return target


@pytest.fixture
def subject(norm_task: TaskFolder, python: Path, tmp_path: Path) -> Subject:
    folder = tmp_path / "ops" / norm_task.task.operator
    folder.mkdir(parents=True)
    for name in ("task.json", "oracle.json"):
        (folder / name).write_bytes((norm_task.path / name).read_bytes())
    return Subject.of_source(TaskFolder(tmp_path, norm_task.task), render(norm_task.family, "bfloat16"), "4x64", python)


def test_an_installed_package_registers_its_layer(installed, subject, monkeypatch):
    assert accelerators() == {}
    monkeypatch.syspath_prepend(installed)
    assert accelerators() == {"example_npu": "example_npu.layer:LAYER"}
    (subject.root / "example-npu").write_text("matrix engine,31.5\nmemory,88\n", encoding="utf-8")
    (found,) = evaluate(subject, []).values()
    assert (found.layer, found.number, found.title, found.outcome) == (
        "accelerator:example_npu",
        6,
        "Example NPU",
        "measured",
    )
    assert (found.found.bound, found.found.evidence) == ("memory", ("memory is busiest",))
    assert found.describe() == "Example NPU: matrix engine 31.5 %, memory 88 %"
    assert "example_npu" not in sys.modules, "its code runs in another process only"
    assert evaluate(subject, [])["accelerator:example_npu"].cached


def test_a_chip_that_is_not_there_says_so(installed, subject, monkeypatch):
    monkeypatch.syspath_prepend(installed)
    (found,) = evaluate(subject, []).values()
    assert (found.outcome, found.why, found.found) == ("absent", "no Example NPU", None)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("raise ImportError('its driver is too old')", "import: ImportError: its driver is too old"),
        ("import os; os._exit(3)", "no answer, status 3, last step: import"),
        ("LAYER = 7", "import: TypeError: broken_npu:LAYER is a int"),
    ],
)
def test_a_broken_package_is_a_failed_layer(code, why, subject, monkeypatch, tmp_path):
    (tmp_path / "broken_npu.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    (found,) = evaluate(subject, [], plugins={"broken": "broken_npu:LAYER"}).values()
    assert (found.layer, found.number, found.outcome) == ("accelerator:broken", 6, "failed")
    assert found.why.startswith(why)


def test_a_package_that_hangs_while_it_is_imported_is_given_up(tmp_path, monkeypatch):
    (tmp_path / "slow_npu.py").write_text("import time; time.sleep(600)", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with LayerWorker() as worker:
        said = worker.describe("slow_npu:LAYER", tmp_path / "place", limit_s=3)
    assert (said.outcome, said.why) == ("timed_out", "timed out after 3 s, last step: import")


def test_without_any_it_is_said_how_to_have_one(subject):
    (found,) = evaluate(subject, [], plugins={}).values()
    assert (found.number, found.outcome) == (6, "absent")
    assert "README" in found.why
