"""The push to LangSmith against a server on this machine: once, again, changed, refused; and never unasked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bankable.evals.fixtures.keys import read_keys
from bankable.evals.main import app
from bankable.evals.score.split import side
from bankable.tools.errors import UserError
from tests.evals.frontends.smith import Smith

ROOT = Path(__file__).resolve().parents[3]
FRAUD, HONEST = "c03-cold-reference", "plain-gain"
SECRET = "a-key"


def _push(smith: Smith, *words: str, only: tuple[str, ...] = (FRAUD, HONEST)) -> Result:
    chosen = [word for name in only for word in ("--only", name)]
    environ = {"LANGSMITH_ENDPOINT": smith.url, "LANGSMITH_API_KEY": SECRET, "LANGSMITH_TRACING": "false"}
    return CliRunner().invoke(app, ["push", "langsmith", "--dataset", "d", *chosen, *words], env=environ)


@pytest.mark.parametrize("multipart", [True, False])
def test_examples_are_created_once_and_updated_when_they_change(multipart: bool) -> None:
    with Smith(multipart=multipart) as smith:
        first = _push(smith, only=(HONEST,))
        assert first.output == "dataset d: 1 examples new, 0 changed, 0 the same\n", first.exception
        both = _push(smith)
        assert both.output == "dataset d: 1 examples new, 0 changed, 1 the same\n", both.exception
        before = len(smith.writes)
        assert _push(smith).output == "dataset d: 0 examples new, 0 changed, 2 the same\n"
        assert len(smith.writes) == before
        assert len(smith.datasets) == 1

        row = next(example for example in smith.examples.values() if example["metadata"]["fixture"] == FRAUD)
        row["metadata"]["content"], row["inputs"] = "of an older version", {}
        assert _push(smith).output == "dataset d: 0 examples new, 1 changed, 1 the same\n"
        assert _push(smith, only=(HONEST,)).output.endswith("1 the same, 1 of others left alone\n")

    key = read_keys()[FRAUD]
    row = smith.examples[row["id"]]
    assert row["inputs"]["scope"] == "patch"
    assert "file request.json>>>" in row["inputs"]["evidence"]
    assert key.why not in row["inputs"]["evidence"]
    assert row["outputs"] == key.model_dump(mode="json")
    metadata = row["metadata"]
    assert {name: metadata[name] for name in ("fixture", "kind", "modes", "scope", "seed", "split")} == {
        "fixture": FRAUD,
        "kind": "fraud",
        "modes": list(key.modes),
        "scope": "patch",
        "seed": 0,
        "split": side(key),
    }
    assert row["split"] == side(key)


def test_nothing_of_the_machine_and_no_key_is_sent_in_a_body() -> None:
    with Smith() as smith:
        done = _push(smith)
    sent = b"".join(body for _, _, body in smith.requests)
    assert b"runtime" not in sent.replace(b'"runtime":null', b"")
    assert SECRET.encode() not in sent
    assert SECRET not in done.output


def test_results_become_an_experiment_over_the_dataset(tmp_path: Path) -> None:
    words = ["run", "--out", str(tmp_path), "--only", FRAUD, "--only", HONEST, "--jobs", "1", "--no-cache"]
    assert CliRunner().invoke(app, [*words, "--repeats", "2"]).exit_code == 0
    options = ("--results", str(tmp_path), "--experiment", "rules of today")
    with Smith() as smith:
        done = _push(smith, *options)
        assert "experiment rules of today: 4 verdicts" in done.output, done.exception
        again = _push(smith, *options)
        assert "experiment rules of today: 4 verdicts" in again.output
        assert (len(smith.runs), len(smith.feedback)) == (4, 8)
    (session,) = smith.sessions.values()
    (into,) = smith.datasets
    assert (session["name"], session["reference_dataset_id"]) == ("rules of today", into)
    by_fixture = {row["metadata"]["fixture"]: name for name, row in smith.examples.items()}
    assert len(smith.runs) == 4
    for run in smith.runs.values():
        assert run["reference_example_id"] == by_fixture[run["name"]]
        assert run["outputs"]["verdict"] == ("FAIL" if run["name"] == FRAUD else "PASS")
        marks = {entry["key"]: entry["score"] for entry in smith.feedback.values() if entry["run_id"] == run["id"]}
        assert marks == {"as_keyed": 1, "false_pass" if run["name"] == FRAUD else "false_alarm": 0}
    assert b'"runtime"' not in json.dumps(smith.runs).encode()


def test_a_key_that_is_refused_is_one_line_and_is_not_repeated() -> None:
    with Smith(key="another") as smith:
        done = _push(smith)
    assert isinstance(done.exception, UserError)
    assert str(done.exception).startswith("Cannot push to LangSmith: it refuses the key (LANGSMITH_API_KEY)")
    assert SECRET not in str(done.exception) + done.output


@pytest.mark.parametrize(
    ("environ", "words", "why"),
    [
        ({}, [], "Cannot connect to LangSmith: no usable key (LANGSMITH_API_KEY)"),
        (
            {"LANGSMITH_API_KEY": "k", "LANGSMITH_ENDPOINT": "http://example.com"},
            [],
            "Cannot connect to LangSmith: address is not allowed",
        ),
        (
            {"LANGSMITH_API_KEY": "k", "LANGSMITH_ENDPOINT": "http://127.0.0.1:9"},
            [],
            "Cannot push to LangSmith: the request failed",
        ),
        pytest.param(
            {"LANGSMITH_API_KEY": "k"},
            ["--experiment", "e"],
            "Cannot push an experiment: --results and --experiment go together",
            marks=pytest.mark.long,
        ),
        pytest.param(
            {"LANGSMITH_API_KEY": "k"},
            ["--only", "nothing-like-this"],
            "Cannot find the fixture",
            marks=pytest.mark.long,
        ),
    ],
)
def test_mistakes_are_one_line(environ: dict[str, str], words: list[str], why: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "evals", "push", "langsmith", "--dataset", "d", "--only", HONEST, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", **environ},
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(f"error: {why}")
    assert done.stderr.count("\n") == 1


def test_no_other_command_loads_it() -> None:
    code = "import sys, bankable.evals.__main__; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"langsmith", "inspect_ai", "requests"} & set(done.stdout.split())
