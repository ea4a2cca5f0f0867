"""A user's mistake is one line that says what, where and what to do, exit code 2, and never a traceback.

The first is made in a process of its own, as users make them.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.graph.conftest import RECORDING, ROOT, Bankable

SHIPPED = ROOT / "tools" / "model" / "shipped"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A copy of the shipped model to spoil."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "model"))


def one_line(run: Bankable, *words: object) -> str:
    done = run(*words)
    assert done.code == 2, done
    assert "Traceback" not in done.err + done.out
    assert done.err.count("\n") == 1, done.err
    return done.err


def test_a_wrong_model_path(bankable: Bankable, tmp_path: Path) -> None:
    assert "nowhere" in one_line(bankable, "run", "--model", tmp_path / "nowhere", "--out", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_empty_model_folder(in_process: Bankable, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "config.json" in one_line(in_process, "run", "--model", tmp_path / "empty", "--out", tmp_path / "run")


@pytest.mark.parametrize("content", ["not json", "[1, 2]", ""])
def test_a_config_that_is_not_json(in_process: Bankable, model: Path, tmp_path: Path, content: str) -> None:
    (model / "config.json").write_text(content)
    assert "config.json" in one_line(in_process, "run", "--model", model, "--out", tmp_path / "run")


def test_pickled_weights_need_permission(in_process: Bankable, model: Path, tmp_path: Path) -> None:
    (model / "model.safetensors").rename(model / "pytorch_model.bin")
    assert "pickle" in one_line(in_process, "run", "--model", model, "--out", tmp_path / "run")


def test_code_that_comes_with_a_model_needs_permission(in_process: Bankable, model: Path, tmp_path: Path) -> None:
    config = (model / "config.json").read_text().replace("{", '{"auto_map": {"AutoModel": "evil.Model"},', 1)
    (model / "config.json").write_text(config)
    assert "trust-remote-code" in one_line(in_process, "run", "--model", model, "--out", tmp_path / "run").replace(
        "_", "-"
    )


def test_an_unreadable_dataset(in_process: Bankable, tmp_path: Path) -> None:
    words = ("run", "--model", SHIPPED, "--dataset", "sharegpt", "--dataset-path", tmp_path / "gone.json")
    assert "gone.json" in one_line(in_process, *words, "--out", tmp_path / "run")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("inferencex-8k1k", "--input-len", "4"), "Cannot combine --workload with --input-len"),
        (("inferencex-8k1k",), "positions of the model"),
    ],
)
def test_a_named_workload_that_does_not_fit(
    in_process: Bankable, tmp_path: Path, words: tuple[str, ...], why: str
) -> None:
    line = one_line(in_process, "run", "--model", SHIPPED, "--out", tmp_path / "run", "--workload", *words)
    assert why in line
    assert why.startswith("Cannot") or "Use --workload inferencex-8k1k/3" in line


def test_an_unknown_engine_flag(in_process: Bankable, tmp_path: Path) -> None:
    words = ("run", "--model", SHIPPED, "--flag", "no_such_flag=1", "--out", tmp_path / "run")
    assert "no_such_flag" in one_line(in_process, *words)


def test_an_option_that_does_not_exist(in_process: Bankable) -> None:
    done = in_process("run", "--no-such-option")
    assert done.code == 2
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    "words", [("--budget", "-1"), ("--concurrency", "0"), ("--dataset", "poems"), ("--slo", "ttft=-5")]
)
def test_a_value_that_cannot_be(in_process: Bankable, tmp_path: Path, words: tuple[str, str]) -> None:
    one_line(in_process, "run", "--model", SHIPPED, "--out", tmp_path / "run", *words)


def test_a_folder_that_holds_a_run(in_process: Bankable, replayed: Path) -> None:
    assert "already holds a run" in one_line(in_process, "run", "--replay", RECORDING, "--out", replayed)


def test_a_run_of_a_newer_version(in_process: Bankable, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"schema_version": 99, "run_id": "x", "config": {}}')
    assert "newer" in one_line(in_process, "resume", tmp_path)


@pytest.mark.parametrize("command", ["resume", "verify", "report"])
def test_a_folder_that_is_no_run(in_process: Bankable, tmp_path: Path, command: str) -> None:
    one_line(in_process, command, tmp_path)


def test_a_recording_that_is_none(in_process: Bankable, tmp_path: Path) -> None:
    (tmp_path / "x.tar.xz").write_bytes(b"no archive")
    assert "x.tar.xz" in one_line(in_process, "run", "--replay", tmp_path / "x.tar.xz", "--out", tmp_path / "run")


def test_an_engine_that_is_none(in_process: Bankable, tmp_path: Path) -> None:
    words = ("run", "--model", SHIPPED, "--engine-python", tmp_path / "python", "--out", tmp_path / "run")
    assert "engine interpreter not found" in one_line(in_process, *words)
