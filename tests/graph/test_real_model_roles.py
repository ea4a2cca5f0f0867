"""A real and incompetent model in every producer's role: the shipped one, served by sglang. Run with ``-m live``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bankable.graph.scripted.run import serve_shipped
from bankable.graph.session import read_recorded_config, session
from bankable.kernels.build.compiler import Compiler
from bankable.kernels.search.search import Search
from bankable.kernels.task.folder import TaskFolder, open_task
from bankable.nodes.advice.ask import read_questions
from bankable.nodes.advice.benchmarking import ask_bench_plan
from bankable.nodes.advice.integration import Winner
from bankable.nodes.advice.strategy import OperatorWorth
from bankable.nodes.config_tuner import repair
from bankable.nodes.integrator import reason_to_skip
from bankable.nodes.kernel_author import _ask_author
from bankable.nodes.kernel_extractor import choose_operators, rank_operators
from bankable.nodes.profiler import take_profile
from bankable.nodes.strategist import ask_order, directions
from bankable.tools.evidence.recorded import take_over
from bankable.tools.evidence.records import Lever
from bankable.tools.llm.advisor import Advisor
from bankable.tools.llm.ledger import read_ledger
from bankable.tools.llm.outcome import Kind
from bankable.tools.llm.settings import CallLimits, EndpointSettings, endpoint
from bankable.tools.measurement.run_context import RunContext
from bankable.tools.profiling.records import Profile
from tests.graph.conftest import ROOT

KERNELS = ROOT / "evals" / "recorded" / "cpu-kernels.tar.xz"
LIMITS = CallLimits(attempts=2, attempt_s=20, call_s=25, pause_s=0.1, answer_tokens=96)
ROLES = {"strategist", "kernel_extractor", "op_benchmarker", "kernel_author", "integrator", "config_tuner"}

pytestmark = [pytest.mark.live, pytest.mark.long]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve_shipped(tmp_path_factory.mktemp("server") / "server.log") as address:
        yield address


@pytest.fixture
def context(url: str, tmp_path: Path) -> Iterator[RunContext]:
    with session(read_recorded_config(KERNELS, {}), tmp_path / "run", resume=False) as opened:
        advisor = Advisor(EndpointSettings(endpoint=endpoint("shipped", url), limits=LIMITS), tmp_path / "calls.jsonl")
        yield replace(opened, advisor=advisor)


@pytest.fixture
def profile(context: RunContext) -> Profile:
    found = take_profile(context, 1).profile
    assert found is not None
    return found


@pytest.fixture
def task(context: RunContext) -> TaskFolder:
    assert context.recorded is not None
    take_over(context.recorded, context.folder, "ops/decode_attention")
    return open_task(context.folder.root, "decode_attention")


def test_every_role_is_asked_and_none_changes_what_the_policy_does(
    context: RunContext, profile: Profile, task: TaskFolder
) -> None:
    found = directions(context, profile)
    worth = [
        OperatorWorth(operator.operator, operator.share, operator.promise)
        for operator in rank_operators(profile)
        if not operator.reason
    ]
    first = ask_order(context, profile, found, worth)
    assert first is None or sorted(direction.name for direction in first.directions) == sorted(
        item.name for item in found
    )
    order = choose_operators(context, profile, rank_operators(profile), None, ()).order
    assert order == tuple(entry.operator for entry in worth)
    plan = ask_bench_plan(context, task, 1, ())
    assert plan is None or plan.kernels == ()
    assert context.advisor is not None
    search = Search(task, Compiler(), Path("python"))
    assert _ask_author(context.advisor, task, search, (), 3, 30.0).admitted == ()
    winner = Winner("decode_attention", "bfloat16", "cpp-058ead4d27ec", 7.6, 0.3)
    assert reason_to_skip(context, winner, 1, ()) == ""
    lever = Lever(flags={"stream_interval": 8})
    assert repair(context, lever, "patch-stream_interval-8", context.base, (), ["FAIL"]) is None

    lines = read_ledger(context.advisor.ledger)
    assert {line.role for line in lines} == ROLES
    ends = {Kind.ANSWERED, Kind.MALFORMED, Kind.TOO_LONG, Kind.TIMED_OUT, Kind.CALLED_TOOLS, Kind.EMPTY, Kind.REJECTED}
    assert {line.outcome for line in lines} <= ends
    assert sum(line.prompt_tokens for line in lines) > 0
    assert {line.role for line in read_questions(context.folder.root)} == ROLES - {"kernel_author"}
