"""A whole replayed run in which a scripted model proposes settings, into the same search and budget."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from bankable.graph.scripted.answers import Answer, ScriptedRoles, proposal
from bankable.tools.llm.ledger import CALLS, read_ledger
from bankable.tools.llm.outcome import Kind
from bankable.tools.llm.scripted_endpoint import ChatReply, ChatRequest, ScriptedEndpoint, completion, refusal, says
from tests.graph.conftest import ROOT, Bankable

BANKED = ROOT / "evals" / "recorded" / "cpu-search.tar.xz"
CANARY = "canary-of-the-tuner-7733"
KEY = "sk-canary-of-the-key-9155"

Tuned = Callable[..., tuple[Path, ScriptedRoles, str]]


def read(path: Path) -> Any:
    return orjson.loads(path.read_bytes())


def lines(path: Path) -> list[Any]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


@pytest.fixture
def tuned(bankable: Bankable, tmp_path: Path) -> Tuned:
    """``tuned(answer, …)``: a run whose tuner answers so; ``judge`` for all others, who are fair else."""

    def call(tuner: Answer, *words: object, judge: Answer | None = None) -> tuple[Path, ScriptedRoles, str]:
        cast = ScriptedRoles(tuner=tuner)
        if judge is not None:
            cast = ScriptedRoles(tuner=tuner, judge=judge, others={"DirectionProposal": judge})
        with ScriptedEndpoint(cast) as endpoint:
            options = ("--llm", "scripted", "--llm-base-url", endpoint.url, "--judge-votes", 1)
            done = bankable("run", "--replay", BANKED, "--out", tmp_path / "run", *options, *words)
        assert done.code == 0, done.err
        return tmp_path / "run", cast, done.out

    return call


def proposing(*proposals: dict[str, Any]) -> ChatReply:
    return says({"proposals": list(proposals)})


def assert_as_without_a_model(run: Path) -> None:
    """What the policy finds by itself: one lever, banked under the corrected headline, whose verdicts hold."""
    outcome = read(run / "outcome.json")
    assert outcome["verdict"] == "verified gain, corrected headline"
    assert [entry["flags"] for entry in outcome["accepted"]] == [{"max_running_requests": 12}]


def test_a_good_proposal_is_tried_first_and_banked_as_the_models(tuned: Tuned, bankable: Bankable) -> None:
    run, cast, out = tuned(lambda _: proposing(proposal("--max-running-requests", 12, CANARY)))
    assert_as_without_a_model(run)
    trials = lines(run / "search" / "trials.jsonl")
    assert (trials[0]["flags"], trials[0]["source"]) == ({"max_running_requests": 12}, "llm")
    assert {trial["source"] for trial in trials[1:]} == {"policy"}
    assert sum(item["flags"] == {"max_running_requests": 12} for item in trials) == 1
    report = (run / "report.html").read_text()
    assert "proposed by: llm" in report
    assert "config_tuner" in out
    asked = cast.asked["ConfigurationProposal"]
    assert len(asked) <= 4
    shown = f"max_running_requests=12: log ratio {trials[0]['score']:+.4f} over {trials[0]['rounds']} rounds"
    assert shown in asked[1].system
    assert all(CANARY not in entry.everything for entry in cast.asked["Opinion"])
    assert bankable("verify", run).code == 0


def test_bad_and_cheating_proposals_are_dropped_and_counted(tuned: Tuned) -> None:
    bad = [proposal("go_faster", True), proposal("log_level", "critical"), proposal("max_running_requests", 1_000_000)]
    run, _, _ = tuned(lambda _: proposing(*bad, proposal("max_running_requests", 12)))
    assert_as_without_a_model(run)
    told = lines(run / "search" / "proposals.jsonl")
    assert [entry["why"] for entry in told[0]["dropped"]] == [
        "more than 3 proposals",
        "not a setting of this search",
        "not one of its values",
        "not one of its values",
    ]
    trials = lines(run / "search" / "trials.jsonl")
    assert {trial["source"] for trial in trials} == {"policy"}
    assert not any({"go_faster", "log_level"} & item["flags"].keys() for item in trials)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(lambda _: refusal(), Kind.REFUSED, id="refusing", marks=pytest.mark.long),
        # Asked again and again, with pauses.
        pytest.param(
            lambda _: completion("Sure! Try more of everything."),
            Kind.MALFORMED,
            id="malformed",
            marks=pytest.mark.long,
        ),
    ],
)
def test_a_model_that_is_of_no_use_leaves_the_policys_result(tuned: Tuned, answer: Answer, kind: Kind) -> None:
    run, cast, _ = tuned(answer, "--llm-budget", "tokens=60000", judge=answer)
    assert_as_without_a_model(run)
    calls = [line for line in read_ledger(run / CALLS) if line.attempt]
    assert {line.outcome for line in calls} == {kind}
    assert len(calls) == sum(map(len, cast.asked.values()))
    assert {line.role for line in calls} >= {"judge"}


@pytest.mark.long
def test_over_budget_the_policy_goes_on_alone(tuned: Tuned) -> None:
    run, cast, _ = tuned(lambda _: proposing(proposal("stream_interval", 32)), "--llm-budget", "config_tuner.calls=1")
    assert_as_without_a_model(run)
    assert len(cast.asked["ConfigurationProposal"]) == 1
    told = lines(run / "search" / "proposals.jsonl")
    assert [(entry["search"], entry["outcome"]) for entry in told] == [
        ("around-0", "answered"),
        ("around-0", "over_budget"),
        ("around-1", "over_budget"),
    ]


@pytest.mark.long
def test_no_word_of_a_producer_reaches_the_judge_and_no_key_a_file(
    tuned: Tuned, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BANKABLE_LLM_KEY", KEY)
    monkeypatch.setenv("NOTE_OF_A_PRODUCER", CANARY)

    def tuner(asked: ChatRequest) -> ChatReply:
        return proposing(proposal("max_running_requests", 12, CANARY), proposal(CANARY, CANARY, CANARY))

    run, cast, _ = tuned(tuner)
    assert CANARY in (run / "search" / "proposals.jsonl").read_text()
    prompts = {entry.system for entry in cast.asked["ConfigurationProposal"]}
    for asked in cast.asked["Opinion"]:
        assert CANARY not in asked.everything
        assert not any(line in asked.everything for prompt in prompts for line in _told(prompt))
    assert all(CANARY not in path.read_text() for path in (run / "audits").glob("*/*.json"))
    assert {item.headers["authorization"] for them in cast.asked.values() for item in them} == {f"Bearer {KEY}"}
    assert not [path for path in run.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


def _told(prompt: str) -> list[str]:
    """Sentences that only the tuner is told."""
    return [
        "You propose settings",
        "Every trial so far",
        *(line for line in prompt.splitlines() if "log ratio" in line),
    ]


def test_without_a_model_nothing_that_asks_one_is_loaded(tmp_path: Path) -> None:
    code = (
        "import sys; from bankable.graph.cli import app; "
        "app(sys.argv[1:], standalone_mode=False); "
        "loaded = [name for name in sys.modules if name.split('.')[0] in ('openai', 'langchain_openai')]; "
        "print('LOADED', loaded)"
    )
    words = ["run", "--replay", str(BANKED), "--out", str(tmp_path / "run")]
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ}
    )
    assert done.returncode == 0, done.stderr
    assert "LOADED []" in done.stdout
    assert not (tmp_path / "run" / CALLS).exists()
    assert "llm" not in read(tmp_path / "run" / "run.json")["config"]
    assert all("source" not in line for line in lines(tmp_path / "run" / "search" / "trials.jsonl"))
