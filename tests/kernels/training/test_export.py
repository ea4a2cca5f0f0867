"""What is exported: formats as their readers expect them, and never a secret."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bankable.kernels.cli import app
from bankable.kernels.training.cli import without_secrets
from bankable.kernels.training.collect import collect
from bankable.kernels.training.formats import verl_row
from bankable.kernels.training.secrets import SecretFilter
from bankable.tools.errors import UserError
from tests.kernels.training.conftest import PROBLEM, result

KEY = "sk-proj-" + "a1B2" * 8
VALUE = "correct-horse-battery"


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["export", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_planted_key_is_nowhere_in_an_export(
    recorded: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVICE_TOKEN", VALUE)
    folder = recorded(
        result(f'key = "{KEY}"\n'),
        result(f'password = "{VALUE}"\n'),
        result("a = 1\n", build_log=f"HTTP header Authorization: Bearer {KEY[3:]}", why=f"used {VALUE}"),
    )
    for name in ("jsonl", "openenv"):
        out = tmp_path / name
        said = run(str(folder), "--out", str(out), "--format", name)
        assert "2 left out for a secret" in said
        written = b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())
        assert written
        for secret in (KEY, KEY[3:], VALUE):
            assert secret.encode() not in written
    rows = [json.loads(line) for line in (tmp_path / "jsonl" / "rows.jsonl").read_text().splitlines()]
    assert [row["source"] for row in rows] == ["a = 1\n"]
    assert rows[0]["build_log"] == "HTTP header Authorization: [secret]"


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        "ghp_" + "a" * 36,
        "hf_" + "b" * 34,
        "AKIA" + "C" * 16,
        "https://user:password@host/x",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_common_forms_of_secrets_are_known(text: str) -> None:
    secrets = SecretFilter({})
    assert secrets.holds(f"x = '{text}'")
    left = f"<{text}>".replace("://user:password@" if "@" in text else text, "[secret]")
    assert secrets.clean({"a": [f"<{text}>"]}) == {"a": [left]}


def test_source_code_is_no_secret() -> None:
    assert not SecretFilter({"HOME": "/home/someone", "API_KEY": "short"}).holds(PROBLEM + "mask-attention sk-layer\n")


def test_a_row_for_verl_has_its_columns(recorded: Callable[..., Path]) -> None:
    (row,) = collect(recorded(result("a = 1\n")))
    built = verl_row(row, 7)
    assert set(built) == {"data_source", "prompt", "ability", "reward_model", "extra_info"}
    assert built["reward_model"] == {"style": "rule", "ground_truth": PROBLEM}
    assert built["prompt"][0]["role"] == "user"
    assert PROBLEM in built["prompt"][0]["content"]
    assert built["extra_info"]["index"] == 7
    assert (built["extra_info"]["reward"], built["extra_info"]["response"]) == (0.5, "a = 1\n")


def test_parquet_is_read_back_by_pyarrow(recorded: Callable[..., Path], tmp_path: Path, python: Path) -> None:
    folder = recorded(result("a = 1\n"), result("b = 2\n", "FAIL"))
    run(str(folder), "--out", str(tmp_path / "verl"), "--format", "verl")
    run(str(folder), "--out", str(tmp_path / "flat"), "--format", "parquet")
    script = (
        "import json, sys, pyarrow.parquet as p; "
        "print(json.dumps([p.read_table(name).to_pylist() for name in sys.argv[1:]]))"
    )
    paths = [str(tmp_path / "verl" / "train.parquet"), str(tmp_path / "flat" / "rows.parquet")]
    read = json.loads(subprocess.run([python, "-c", script, *paths], capture_output=True, check=True).stdout)
    assert [row["extra_info"]["reward"] for row in read[0]] == [0.5, 0.0]
    assert [(row["source"], row["verdict"]) for row in read[1]] == [("a = 1\n", "PASS"), ("b = 2\n", "FAIL")]
    assert json.loads(read[1][0]["setting"])["level"] == 1


def test_an_environment_has_the_problems_and_no_answer(recorded: Callable[..., Path], tmp_path: Path) -> None:
    folder, out = recorded(result("a = 1\n"), result("b = 2\n", "FAIL")), tmp_path / "environment"
    run(str(folder), "--out", str(out), "--format", "openenv")
    tasks = [json.loads(line) for line in (out / "tasks.jsonl").read_text().splitlines()]
    assert tasks == [{"level": 1, "number": 2, "name": "2_Relu.py", "source": PROBLEM}]
    assert "spec_version: 1" in (out / "openenv.yaml").read_text()
    for path in out.rglob("*.py"):
        compile(path.read_text(), path.name, "exec")
    assert b"a = 1" not in b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())


def test_an_existing_folder_is_left_alone(recorded: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the folder exists"):
        CliRunner().invoke(
            app, ["export", str(recorded(result("a = 1\n"))), "--out", str(tmp_path)], catch_exceptions=False
        )


def test_only_text_is_cleaned(recorded: Callable[..., Path]) -> None:
    rows = collect(recorded(result("a = 1\n")))
    assert without_secrets(rows, SecretFilter({})) == (rows, 0)
