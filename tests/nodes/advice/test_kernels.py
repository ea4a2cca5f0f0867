"""A model's choices go through the same search: measured like any other, bounded, named, and asked for once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from bankable.graph.session import read_recorded_config, session
from bankable.kernels.operators import FAMILIES
from bankable.kernels.search.search import Search, read_evaluations
from bankable.kernels.task.folder import TaskFolder, write_task
from bankable.kernels.task.shapes import parse_shapes
from bankable.nodes.kernel_author import BUDGET, MODELS_PART, best_kernel
from bankable.tools.llm.advisor import Advisor
from bankable.tools.llm.ledger import read_ledger
from bankable.tools.llm.scripted_endpoint import ScriptedEndpoint, refusal, says
from bankable.tools.llm.settings import CallLimits, EndpointSettings, endpoint

RECORDING = Path(__file__).resolve().parents[3] / "evals" / "recorded" / "cpu-search.tar.xz"


@pytest.fixture
def task(fork_server, tmp_path: Path) -> TaskFolder:
    family = FAMILIES["rms_norm"]
    return write_task(
        tmp_path / "run", family, "bfloat16", parse_shapes(family, "4x64:900", "5x67"), fork_server, threads=1
    )


def kernel(idea: str = "an idea", **choices: int) -> dict[str, Any]:
    return {"choices": [{"name": name, "value": value} for name, value in choices.items()], "idea": idea}


def authored(tmp_path: Path, task: TaskFolder, python: Path, server: ScriptedEndpoint) -> Path:
    """The author's turn with a model that the server plays; the ledger of its calls."""
    ledger = tmp_path / "calls.jsonl"
    settings = EndpointSettings(endpoint=endpoint("scripted", server.url), limits=CallLimits(attempts=1))
    with session(read_recorded_config(RECORDING, {}), tmp_path / "session", resume=False) as context:
        found = best_kernel(
            replace(context, engine_python=python, advisor=Advisor(settings, ledger)), task, ["redo: noisy"]
        )
    assert found is not None
    return ledger


@pytest.mark.long
def test_proposals_are_evaluated_first_bounded_and_named(task: TaskFolder, python: Path, tmp_path: Path) -> None:
    answer = says(
        {
            "proposals": [
                kernel(unroll=4, vector_bits=256),
                kernel(unroll=3),
                kernel(source=1),
                kernel(unroll=2),
            ]
        }
    )
    with ScriptedEndpoint(answer) as server:
        authored(tmp_path, task, python, server)
        asked = len(server.requests)
        entries = [orjson.loads(line) for line in (task.path / "search.jsonl").read_bytes().splitlines()]
        assert (entries[0]["source"], entries[0]["choices"]["unroll"]) == ("llm", 4)
        assert len(entries) == BUDGET
        assert sum(member["source"] == "llm" for member in entries) <= MODELS_PART
        assert {item["source"] for item in entries[1:]} == {"search"}
        told = [orjson.loads(line) for line in (task.path / "proposals.jsonl").read_bytes().splitlines()]
        assert [element["why"] for element in told[0]["dropped"]] == [
            "more than 3 proposals",
            "not one of its values, or tried already",
            "not a parameter of the template",
        ]
        assert "redo: noisy" in server.requests[0].system
        assert "5x67" not in server.requests[0].system  # held out
        authored(tmp_path / "again", task, python, server)
        assert len(server.requests) == asked
    assert read_evaluations(task).keys() == {entry["implementation"] for entry in entries}


@pytest.mark.long
def test_a_model_that_refuses_leaves_the_search_as_it_is(task: TaskFolder, python: Path, tmp_path: Path) -> None:
    with ScriptedEndpoint(refusal()) as server:
        ledger = authored(tmp_path, task, python, server)
        assert [line.outcome for line in read_ledger(ledger)] == ["refused"] * len(server.requests)
    entries = [orjson.loads(line) for line in (task.path / "search.jsonl").read_bytes().splitlines()]
    assert {entry["source"] for entry in entries} == {"search"}
    assert entries[0]["choices"] == FAMILIES["rms_norm"].defaults()


def test_only_whole_and_new_choices_can_be_suggested(task: TaskFolder, compiler, python: Path) -> None:
    search = Search(task, compiler, python)
    defaults = FAMILIES["rms_norm"].defaults()
    assert search.suggest({**defaults, "unroll": 2})
    assert not search.suggest({**defaults, "unroll": 2})
    assert not search.suggest({**defaults, "unroll": 3})
    assert not search.suggest({"unroll": 2})
    assert not search.suggest({**defaults, "fixed_cols": 67})  # the size of a held-out shape
    search.run(budget=2)
    assert [entry.choices["unroll"] for entry in search.done.values()] == [2, 1]
    assert b"source" not in (task.path / "search.jsonl").read_bytes()
