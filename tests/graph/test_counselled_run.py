"""A replayed run of the kernel track in which models play every role that has something to decide in it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import orjson
import pytest

from bankable.graph.scripted.answers import ROLES, Answer, ScriptedRoles, accuses, kernel, step
from bankable.kernels.task.folder import open_task
from bankable.kernels.task.sources import read_stored_source
from bankable.nodes.advice.ask import read_questions
from bankable.tools.llm.ledger import CALLS, read_ledger
from bankable.tools.llm.outcome import Kind
from bankable.tools.llm.scripted_endpoint import ChatReply, ChatRequest, ScriptedEndpoint, says, tool_calls
from tests.graph.conftest import ROOT, Bankable

KERNELS = ROOT / "evals" / "recorded" / "cpu-kernels.tar.xz"
CANARY = "canary-of-a-producer-5521"
KEY = "sk-canary-of-the-key-9155"
ASKED = {"DirectionProposal", "ExtractionProposal", "BenchmarkProposal", "IntegrationProposal", "Opinion"}
"""Who has something to decide in this recording: its search for kernels is over, and its settings are as they are."""


def read(path: Path) -> Any:
    return orjson.loads(path.read_bytes())


def recorded() -> dict[str, Any]:
    with tarfile.open(KERNELS) as archive:
        (name,) = [entry for entry in archive.getnames() if entry.count("/") == 1 and entry.endswith("/outcome.json")]
        stream = archive.extractfile(name)
        assert stream is not None
        return dict(orjson.loads(stream.read()))


def assert_as_the_policy_has_it(run: Path) -> None:
    before, now = recorded(), read(run / "outcome.json")
    for what in ("verdict", "accepted"):
        assert now[what] == before[what], what
    claim = read(run / "comparisons" / "patch-decode_attention" / "claim.json")
    assert (now["delta"], now["interval"]) == (claim["delta"], claim["interval"])
    assert now["headline"].endswith(
        "output_throughput +30.6% [+26.0%, +35.4%] over 5 blocks, real, over sglang 0.5.23 on CPU without its kernel "
        "package: torch-native operators, 1 thread"
    )


def counselled(bankable: Bankable, out: Path, others: dict[str, Answer]) -> ScriptedRoles:
    cast = ScriptedRoles(others=others)
    with ScriptedEndpoint(cast) as endpoint:
        options = ("--llm", "scripted", "--llm-base-url", endpoint.url, "--judge-votes", 1)
        done = bankable("run", "--replay", KERNELS, "--out", out, *options)
    assert done.code == 0, done.err
    return cast


def _first_tools(answer: Answer) -> Answer:
    """Asks tools first, with the canary in their arguments."""

    def call(asked: ChatRequest) -> ChatReply:
        if asked.told:
            return answer(asked)
        return tool_calls(
            ("look_at_skill", {"name": CANARY}), ("list_evidence", {"containing": ""}), (f"tool_{CANARY}", {})
        )

    return call


def _directions(asked: ChatRequest) -> ChatReply:
    found = re.findall(r"^- (setting|operator) (\w+):", asked.system, re.MULTILINE)
    steps = [step(kind, name, CANARY) for kind, name in reversed(found) if name != "rms_norm"]
    return says({"directions": [step("operator", CANARY, CANARY), *steps, step("operator", "rms_norm", CANARY)]})


@pytest.fixture(scope="module")
def run(bankable: Bankable, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ScriptedRoles]:
    """Every role proposes, and says the canary wherever it may say something."""
    out = tmp_path_factory.mktemp("counselled") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BANKABLE_LLM_KEY", KEY)
        patch.setenv("NOTE_OF_A_PRODUCER", CANARY)
        cast = counselled(
            bankable,
            out,
            {
                "DirectionProposal": _first_tools(_directions),
                "ExtractionProposal": _first_tools(
                    lambda _: says(
                        {
                            "operators": ["decode_attention", CANARY],
                            "shapes": [CANARY],
                            "left_out": [{"name": "rms_norm", "because": CANARY}],
                        }
                    )
                ),
                "BenchmarkProposal": _first_tools(
                    lambda _: says(
                        {
                            "rounds": 6,
                            "because": CANARY,
                            "candidates": [kernel(CANARY, unroll=2), kernel(CANARY, **{CANARY.replace("-", "_"): 1})],
                        }
                    )
                ),
                "IntegrationProposal": _first_tools(lambda _: says({"action": "lay", "because": CANARY})),
            },
        )
    return out, cast


def test_every_role_with_a_decision_is_asked_and_every_request_is_counted(run: tuple[Path, ScriptedRoles]) -> None:
    folder, cast = run
    assert cast.asked.keys() == ASKED
    lines = [line for line in read_ledger(folder / CALLS) if line.attempt]
    for shape, asked in cast.asked.items():
        assert sum(line.role == ROLES[shape] for line in lines) == len(asked)
    calls = [line for line in lines if line.outcome is Kind.CALLED_TOOLS]
    assert [(line.tool_calls, line.tool_faults) for line in calls] == [(3, 2)] * len(calls)
    assert {line.detail for line in calls} == {"failed, list_evidence, unknown tool"}
    page = (folder / "report.html").read_text()
    for shape in ASKED:
        assert ROLES[shape] in page
    assert "of them refused" in page


def test_the_policys_result_stands_and_its_verdicts_hold(run: tuple[Path, ScriptedRoles], bankable: Bankable) -> None:
    folder, _ = run
    assert_as_the_policy_has_it(folder)
    assert bankable("verify", folder).code == 0


def test_what_has_no_place_is_dropped_with_the_reason(run: tuple[Path, ScriptedRoles]) -> None:
    folder, _ = run
    told = {line.at: line for line in read_questions(folder)}
    assert [entry.why for entry in told["start"].dropped] == ["not on the list"]
    assert [item.why for item in told["operators"].dropped] == ["not on the list"]
    assert [element.why for element in told["decode_attention 1"].dropped] == ["not a parameter of the template"]
    assert told["start"].taken is not None
    assert told["start"].taken["operators"]["order"] == [
        "silu_and_mul",
        "rotary",
        "prefill_linear",
        "qk_norm_rotary",
        "fused_add_rms_norm",
        "linear",
        "decode_attention",
        "rms_norm",
    ]
    reasons = {decision["subject"]: decision["reason"] for decision in read(folder / "outcome.json")["decisions"]}
    assert reasons["rms_norm"] == f"by the extractor: {CANARY}"


def test_what_a_model_entered_is_kept_with_its_idea(run: tuple[Path, ScriptedRoles]) -> None:
    """The recorded winner has these choices; its id is that of the template's text when it was recorded."""
    folder, _ = run
    (entered,) = (
        orjson.loads(line) for line in (folder / "ops/decode_attention/entered.jsonl").read_bytes().splitlines()
    )
    assert (entered["source"], entered["idea"]) == ("llm", CANARY)
    (implementation,) = read(folder / "outcome.json")["accepted"][0]["flags"].values()
    stored = read_stored_source(open_task(folder, "decode_attention"), implementation)
    assert stored is not None
    assert all(f"{name}={value}" in stored.text.splitlines()[0] for name, value in entered["choices"].items())


def test_no_word_of_any_producer_reaches_the_judge_and_no_key_a_file(run: tuple[Path, ScriptedRoles]) -> None:
    folder, cast = run
    assert CANARY in (folder / "counsel.jsonl").read_text()
    producers = [entry for shape, them in cast.asked.items() if shape != "Opinion" for entry in them]
    sentences = {line for producer in producers for line in producer.system.splitlines() if len(line) > 60}
    answers = {line for item in producers for told in item.told for line in told.splitlines() if len(line) > 60}
    judged = "\n".join(element.everything for element in cast.asked["Opinion"])
    assert CANARY not in judged
    own = (ROOT / "prompts" / "judge.md").read_text() + (ROOT / "skills" / "patch_auditor" / "SKILL.md").read_text()
    assert [line for line in sentences | answers if line in judged and line not in own] == []
    assert all(CANARY not in path.read_text() for path in (folder / "audits").glob("*/*.json"))
    assert {member.headers["authorization"] for them in cast.asked.values() for member in them} == {f"Bearer {KEY}"}
    assert not [path for path in folder.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


@pytest.mark.long
def test_models_that_want_nothing_done_keep_nothing_from_being_done(bankable: Bankable, tmp_path: Path) -> None:
    """All of them would leave out whatever there is, give up, and measure less."""

    def nothing(asked: ChatRequest) -> ChatReply:
        found = re.findall(r"^- (setting|operator) (\w+):", asked.system, re.MULTILINE)
        return says({"directions": [step(kind, name, "no", leave_out=True) for kind, name in found]})

    out = [{"name": name, "because": "no"} for name in ("decode_attention", "fused_add_rms_norm", "rms_norm")]
    cast = counselled(
        bankable,
        tmp_path / "run",
        {
            "DirectionProposal": nothing,
            "ExtractionProposal": lambda _: says({"operators": [], "left_out": out, "shapes": []}),
            "BenchmarkProposal": lambda _: says({"rounds": 0, "candidates": [], "because": "no"}),
            "IntegrationProposal": lambda _: says({"action": "leave", "because": "no"}),
        },
    )
    assert cast.asked.keys() == ASKED
    assert_as_the_policy_has_it(tmp_path / "run")
    told = {line.at: [entry.why for entry in line.dropped] for line in read_questions(tmp_path / "run")}
    assert "the most promising is tried" in told["start"]
    assert "half of the list is tried" in told["start"]
    assert told["decode_attention 1"] == ["fewer than the harness takes"]
    assert told["lay decode_attention 1"] == ["may give +30.0%: it is measured"]


@pytest.mark.long
def test_scripted_models_of_all_manners_end_in_the_policys_result(tmp_path: Path) -> None:
    """The command for live runs, over a recording; the endpoint is a process of its own."""
    words = ["--out", str(tmp_path / "run"), "--", "--replay", str(KERNELS)]
    done = subprocess.run(
        [sys.executable, "-m", "graph", "scripted", "run", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**os.environ},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert_as_the_policy_has_it(tmp_path / "run")
    lines = [line for line in read_ledger(tmp_path / "run" / CALLS) if line.attempt]
    for role in ("strategist", "kernel_extractor", "op_benchmarker", "integrator", "judge"):
        ends = {line.outcome for line in lines if line.role == role}
        assert Kind.ANSWERED in ends
        assert len(ends) > 1
    assert sum(line.tool_faults for line in lines) > 2


@pytest.mark.parametrize(
    ("answer", "subject", "decision"),
    [
        pytest.param("give_up", "patch-decode_attention", "ejected", marks=pytest.mark.long),
        ("remeasure", "patch-decode_attention-2", "failed"),
    ],
)
def test_a_fail_goes_back_to_the_integrator_with_what_was_found(
    answer: str, subject: str, decision: str, bankable: Bankable, tmp_path: Path
) -> None:
    """The auditor says eject. A model may have it measured once more, which this recording has nothing for."""

    def judge(asked: ChatRequest) -> ChatReply:
        return accuses(asked) if "scope is **patch**" in asked.system else ScriptedRoles().judge(asked)

    def integrator(asked: ChatRequest) -> ChatReply:
        return says({"action": answer if "FAILED" in asked.system else "lay", "because": "noise"})

    cast = ScriptedRoles(judge=judge, others={"IntegrationProposal": integrator})
    with ScriptedEndpoint(cast) as endpoint:
        options = ("--llm", "scripted", "--llm-base-url", endpoint.url)
        done = bankable("run", "--replay", KERNELS, "--out", tmp_path / "run", *options)
    assert done.code == 0, done.err
    # Asked before the overlay of the default kernel, of the one from the search, and after the FAIL.
    questions = [question.system for question in cast.asked["IntegrationProposal"]]
    assert ["FAILED" in question for question in questions] == [False, False, True]
    assert ["nonsense" in question for question in questions] == [False, False, True]
    outcome = read(tmp_path / "run" / "outcome.json")
    assert (outcome["verdict"], outcome["accepted"]) == ("no verified gain", [])
    assert (subject, decision) in {(entry["subject"], entry["decision"]) for entry in outcome["decisions"]}
