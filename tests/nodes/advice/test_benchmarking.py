"""A benchmarker's model may enter kernels and ask for more rounds; the harness and its least are not its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from bankable.graph.scripted.answers import kernel
from bankable.graph.session import read_recorded_config, session
from bankable.kernels.benchmark.benchmark import ROUNDS
from bankable.kernels.build.render import render
from bankable.kernels.operators import FAMILIES
from bankable.kernels.task.folder import TaskFolder, write_task
from bankable.kernels.task.proposed import MOST, read_proposed
from bankable.kernels.task.shapes import parse_shapes
from bankable.kernels.task.sources import read_stored_source
from bankable.nodes.advice.ask import read_questions
from bankable.nodes.advice.benchmarking import MOST_ROUNDS, ask_bench_plan
from bankable.nodes.advice.kernel_facts import describe_kernels
from bankable.nodes.op_benchmarker import benchmark, default_kernel, torch_candidates
from bankable.tools.llm.advisor import Advisor
from bankable.tools.llm.scripted_endpoint import ChatReply, ChatRequest, ScriptedEndpoint, refusal, says, tool_calls
from bankable.tools.llm.settings import CallLimits, EndpointSettings, endpoint
from bankable.tools.measurement.run_context import RunContext

RECORDING = Path(__file__).resolve().parents[3] / "evals" / "recorded" / "cpu-search.tar.xz"
FAMILY = FAMILIES["rms_norm"]


def task_in(folder: Path, fork_server: Any) -> TaskFolder:
    return write_task(folder, FAMILY, "bfloat16", parse_shapes(FAMILY, "4x64:900", "5x67"), fork_server, threads=1)


@pytest.fixture
def task(fork_server, tmp_path: Path) -> TaskFolder:
    return task_in(tmp_path / "task", fork_server)


@contextmanager
def context_of(tmp_path: Path, server: ScriptedEndpoint, python: Path | None = None) -> Iterator[RunContext]:
    settings = EndpointSettings(endpoint=endpoint("m", server.url), limits=CallLimits(attempts=1))
    out = tmp_path / "run"
    with session(read_recorded_config(RECORDING, {}), out, resume=out.exists()) as context:
        advisor = Advisor(settings, out / "llm_calls.jsonl")
        yield replace(context, advisor=advisor, engine_python=python, recorded=None if python else context.recorded)


def proposal(*candidates: dict[str, Any], rounds: int = ROUNDS) -> ChatReply:
    return says({"rounds": rounds, "candidates": list(candidates), "because": "a close race"})


def name_of(**choices: int) -> str:
    return render(FAMILY, "bfloat16", {**FAMILY.defaults(), **choices}).implementation


@pytest.mark.parametrize(
    ("asked", "taken", "why"),
    [
        (ROUNDS, ROUNDS, []),
        (ROUNDS + 2, ROUNDS + 2, []),
        (0, ROUNDS, ["fewer than the harness takes"]),
        (-(10**18), ROUNDS, ["fewer than the harness takes"]),
        (10**18, MOST_ROUNDS, ["more than there is time for"]),
    ],
)
def test_more_rounds_and_never_fewer(asked: int, taken: int, why: list[str], task: TaskFolder, tmp_path: Path) -> None:
    with ScriptedEndpoint(proposal(rounds=asked)) as server, context_of(tmp_path, server) as context:
        plan = ask_bench_plan(context, task, 1, ["redo: noisy"])
        assert plan is not None
        assert (plan.rounds, plan.kernels) == (taken, ())
        assert [entry.why for entry in read_questions(context.folder.root)[0].dropped] == why
        assert "redo: noisy" in server.requests[0].system


def test_kernels_are_choices_of_the_template_few_and_new(task: TaskFolder, tmp_path: Path) -> None:
    answer = proposal(
        kernel(unroll=4),
        kernel(unroll=4),
        kernel(unroll=3),
        kernel(tolerance=1),
        kernel(fixed_cols=67),
        kernel(unroll=2),
        kernel(vector_bits=256),
    )
    with ScriptedEndpoint(answer) as server, context_of(tmp_path, server) as context:
        assert ask_bench_plan(context, task, 1, ()) is not None
        dropped = [entry.why for entry in read_questions(context.folder.root)[0].dropped]
        assert ask_bench_plan(context, task, 2, ()) is not None
    assert [item.implementation for item in read_proposed(task.path)] == [name_of(unroll=4), name_of(unroll=2)]
    assert len(read_proposed(task.path)) == MOST
    assert dropped == [
        "already a candidate",
        "not one of the values of unroll",
        "not a parameter of the template",
        "not one of the values of fixed_cols",  # the size of a held-out shape
        f"more than {MOST} kernels of a model's",
    ]
    assert "5x67" not in server.requests[0].raw.decode()


def test_a_model_that_refuses_leaves_the_benchmark_as_it_is(task: TaskFolder, tmp_path: Path) -> None:
    with ScriptedEndpoint(refusal()) as server, context_of(tmp_path, server) as context:
        assert ask_bench_plan(context, task, 1, ()) is None
    assert read_proposed(task.path) == []


@pytest.mark.long
def test_what_was_entered_is_measured_like_the_others_and_diagnosed(fork_server, python: Path, tmp_path: Path) -> None:
    def asks(asked: ChatRequest) -> ChatReply:
        if asked.told:
            return proposal(kernel("four copies", unroll=4))
        return tool_calls(
            ("ask_for_a_diagnosis", {"implementation": ""}),
            ("propose_kernel", {"choices": [{"name": "unroll", "value": 4}]}),
            ("propose_kernel", {"choices": [{"name": "unroll", "value": 5}]}),
        )

    with ScriptedEndpoint(asks) as server, context_of(tmp_path, server, python) as context:
        task = task_in(context.folder.root, fork_server)
        (task.path / "bench-1").mkdir()
        source = default_kernel(task)
        benched = benchmark(context, task, source, 2)
        assert server.requests[1].told == [
            "no records of it",
            f"can be proposed, as {name_of(unroll=4)}",
            "not one of the values of unroll",
        ]
    assert benched.claim is not None, benched.why
    rows = [orjson.loads(line) for line in (task.path / "bench-2" / "opbench_runs.jsonl").read_bytes().splitlines()]
    assert {row["implementation"] for row in rows} == {"live", "torch", source.implementation, name_of(unroll=4)}
    assert len({entry["round"] for entry in rows}) == ROUNDS
    kept = read_stored_source(task, name_of(unroll=4))
    assert kept is not None
    assert kept.choices["unroll"] == 4
    known = describe_kernels(task, name_of(unroll=4))
    assert known.startswith(f"{name_of(unroll=4)} at 4x64: ")
    assert "of the machine's copy bandwidth" in known
    assert "5x67" not in describe_kernels(task)


def test_the_compiled_graph_takes_part_in_the_first_benchmark_alone(task: TaskFolder) -> None:
    assert [candidate.id for candidate in torch_candidates(task.family, 1)] == ["torch", "torch-compile"]
    assert [entry.id for entry in torch_candidates(task.family, 2)] == ["torch"]
