"""Whole replayed runs, traced to real servers on loopback; and runs that must not be, whatever the environment says."""

from __future__ import annotations

import getpass
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest

from bankable.graph.scripted.answers import ScriptedRoles, accuses
from bankable.tools.llm.scripted_endpoint import ChatRequest, ScriptedEndpoint, refusal
from bankable.tools.tracing.span import KEYS, TAGS, WORDS
from tests.graph.conftest import ROOT, Bankable, Done, producer_files, without_screening_legs
from tests.graph.trace_filter import calls, documented, matching, parsed
from tests.tools.tracing.servers import Collector, LangSmithServer, Run, attributes

BANKED = ROOT / "evals" / "recorded" / "cpu-search.tar.xz"
TRAP = ROOT / "evals" / "recorded" / "cpu-trap.tar.xz"
CANARIES = {
    "LANGSMITH_API_KEY": "lsv2_pt_canary_of_langsmith",
    "BANKABLE_LLM_KEY": "canary-of-the-model",
    "SOME_TOKEN": "tk-9",
    "SOME_SETTING": "canary of a setting",
}
"""Variables whose values may be in no trace."""
EVERYWHERE = {
    "LANGSMITH_TRACING": "true",
    "LANGSMITH_TRACING_V2": "true",
    "LANGCHAIN_TRACING_V2": "true",
    "LANGCHAIN_TRACING": "true",
    "LANGSMITH_PROJECT": "somebody-else",
}
"""What switches the libraries on."""


@dataclass
class Scene:
    """A run in a folder, with the servers that it was traced to."""

    run: Path
    langsmith: LangSmithServer
    collector: Collector
    done: list[Done] = field(default_factory=list)

    @property
    def run_id(self) -> str:
        return str(orjson.loads((self.run / "run.json").read_bytes())["run_id"])

    @property
    def options(self) -> tuple[str, ...]:
        return "--trace", f"langsmith={self.langsmith.url}", "--trace", f"otlp={self.collector.url}"

    def find(self, *tags: str) -> list[Run]:
        return self.langsmith.find(f"run:{self.run_id}", *tags)


@pytest.fixture(scope="module", autouse=True)
def canaries() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CANARIES.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def trapped(bankable: Bankable, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A run whose lever fails its audit."""
    with LangSmithServer() as langsmith, Collector() as collector:
        scene = Scene(tmp_path_factory.mktemp("trapped") / "run", langsmith, collector)
        scene.done.append(bankable("run", "--replay", TRAP, "--out", scene.run, *scene.options))
        assert scene.done[0].code == 0, scene.done[0].err
        yield scene


def gossip(asked: ChatRequest) -> Any:
    """A judge that flags each patch, and says what it should not know."""
    if "patch" not in asked.user.split("end>>>")[0]:
        return refusal() if "profile" in asked.user.split("end>>>")[0] else ScriptedRoles().judge(asked)
    leak = f"{CANARIES['SOME_SETTING']} of {getpass.getuser()} at {socket.gethostname()} in {ROOT}/x and /srv/a/b"
    reply = accuses(asked, severity="FLAG")
    return type(reply)(body=reply.body.replace(b"nonsense", orjson.dumps(leak)[1:-1].replace(b'"', b"")))


@pytest.fixture(scope="module")
def resumed(bankable: Bankable, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A run with language models that waits for an approval, and goes on with it in another process."""
    with (
        LangSmithServer() as langsmith,
        Collector() as collector,
        ScriptedEndpoint(ScriptedRoles(judge=gossip)) as endpoint,
    ):
        scene = Scene(tmp_path_factory.mktemp("resumed") / "run", langsmith, collector)
        models = ("--llm", "openai:scripted", "--llm-base-url", endpoint.url, "--llm-price", "scripted=1,2")
        asked = ("run", "--replay", BANKED, "--out", scene.run, *models, "--approve", "bank", *scene.options)
        scene.done.append(bankable(*asked))
        assert scene.done[0].code == 3, scene.done[0].err
        scene.done.append(bankable("resume", scene.run, "--approve", "yes", *scene.options))
        assert scene.done[1].code == 0, scene.done[1].err
        yield scene


def test_every_step_and_audit_arrives_beneath_the_run(trapped: Scene) -> None:
    (root,) = trapped.find("kind:run")
    nodes = trapped.langsmith.child_of(root)
    assert [entry.name for entry in trapped.find("kind:node")] == [
        "preflight",
        "baseline",
        "audit_baseline",
        "profile",
        "audit_profile",
        "strategist",
        "config_tuner",
        "measure_patch",
        "audit_patch",
        "config_tuner",
        "eject",
        "config_tuner",
        "reporter",
    ]
    assert {item.id for item in nodes} == {element.id for element in trapped.find("kind:node")}
    audits = trapped.find("kind:audit")
    parents = {node.id: node.name for node in nodes}
    assert [parents[audit.parent_run_id] for audit in audits] == ["audit_baseline", "audit_profile", "audit_patch"]
    assert all(run.end_time and run.metadata["run_id"] == trapped.run_id for run in trapped.langsmith.runs.values())
    assert {member.session_name for member in trapped.langsmith.runs.values()} == {"bankable"}
    assert root.outputs["verdict"] == root.metadata["outcome"] == "no verified gain"
    assert f"traced to langsmith, project bankable: run:{trapped.run_id}" in trapped.done[0].out


def test_a_verdict_arrives_with_its_words_its_score_and_its_findings(trapped: Scene) -> None:
    (audit,) = trapped.find("kind:audit", "scope:patch")
    verdict = orjson.loads((trapped.run / "audits" / audit.metadata["audit"] / "verdict.json").read_bytes())
    assert (audit.metadata["verdict"], audit.metadata["action"], audit.metadata["attempt"]) == ("FAIL", "eject", 1)
    assert audit.metadata["rules"] == "lever_class, output_correctness, same_conditions"
    assert audit.metadata["subject"] == verdict["subject"]
    assert {"verdict:FAIL", "rule:same_conditions", "loop:patch:FAIL", "replay"} <= set(audit.tags)
    scores = {entry["key"]: entry for entry in trapped.langsmith.feedback}
    assert {key: it["score"] for key, it in scores.items()} == {
        "verdict.baseline": 1.0,
        "verdict.profile": 0.5,
        "verdict.patch": 0.0,
    }
    assert scores["verdict.patch"]["run_id"] == audit.id
    failed = [finding["observed"] for finding in verdict["findings"] if finding["severity"] == "FAIL"]
    assert failed
    assert all(observed in scores["verdict.patch"]["comment"] for observed in failed)


def test_one_filter_finds_the_fails_and_the_producers_answer(trapped: Scene) -> None:
    found = matching(trapped.langsmith, documented()[0].replace("RUN_ID", trapped.run_id))
    assert [entry.name.partition(":")[0] for entry in found] == ["audit patch", "config_tuner", "eject"]
    audit, tuner, eject = found
    assert tuner.metadata["answers"] == eject.metadata["answers"] == audit.metadata["audit"]
    assert any("FAIL output_correctness" in line for line in tuner.inputs["findings"])
    assert eject.metadata["decisions"] == "ejected"


@pytest.mark.long
def test_every_documented_filter_names_what_is_sent_and_finds_it(trapped: Scene, resumed: Scene) -> None:
    filters = documented()
    assert len(filters) >= 10
    found = 0
    for text in filters:
        for call in calls(parsed(text)):
            if call.name == "has":
                name, _, value = call.arguments[1].partition(":")
                assert name in TAGS if value else name in WORDS, text
            fields = {
                argument.name: argument
                for argument in call.arguments
                if hasattr(argument, "name") and not hasattr(argument, "arguments")
            }
            assert fields.keys() <= {
                "tags",
                "metadata_key",
                "metadata_value",
                "feedback_key",
                "feedback_score",
                "error",
            }
            if "metadata_key" in fields:
                assert call.arguments[1] in KEYS, text
            if "feedback_key" in fields:
                assert re.fullmatch(r"verdict\.(baseline|profile|harness|patch|bundle)", call.arguments[1])
        for scene in (trapped, resumed):
            session = scene.find("kind:run")[0].metadata["session_id"]
            name = scene.find("kind:audit", "scope:patch")[0].metadata["subject"]
            here = text.replace('metadata_value, "RUN_ID"', f'metadata_value, "{session}"')
            here = here.replace("RUN_ID", scene.run_id).replace("patch-stream_interval-8", name)
            hits = matching(scene.langsmith, here)
            if hits:
                found += 1
                break
    # No scope harness in these runs, and no bundle that failed.
    assert found == len(filters) - 2


def test_all_words_of_the_page_are_words_that_are_sent(trapped: Scene, resumed: Scene) -> None:
    page = (ROOT / "docs" / "tracing.md").read_text(encoding="utf-8")
    for key in KEYS:
        assert f"`{key}`" in page, key
    for tag in TAGS:
        assert f"`{tag}:" in page, tag
    for scene in (trapped, resumed):
        for run in scene.langsmith.runs.values():
            assert run.metadata.keys() - {"ls_provider", "ls_model_type", "ls_model_name"} <= KEYS
            assert {tag.partition(":")[0] for tag in run.tags} <= TAGS | WORDS


def test_the_same_spans_arrive_at_a_collector(trapped: Scene) -> None:
    runs = sorted(trapped.langsmith.runs.values(), key=lambda run: str(run.dotted_order))
    spans = trapped.collector.spans
    assert sorted(item.name for item in spans) == sorted(run.name for run in runs)
    assert len({element.trace_id for element in spans}) == 1
    names = {span.span_id: span.name for span in spans}
    (audit,) = [entry for entry in spans if entry.name.startswith("audit patch")]
    assert names[audit.parent_span_id] == "audit_patch"
    told = attributes(audit)
    (run,) = trapped.find("kind:audit", "scope:patch")
    for key in ("run_id", "session_id", "scope", "attempt", "verdict", "action", "audit", "loop", "subject"):
        assert told[f"bankable.{key}"] == run.metadata[key]
    assert told["bankable.rules"] == ["lever_class", "output_correctness", "same_conditions"]
    assert [attributes(event)["gen_ai.evaluation.score.label"] for event in audit.events] == ["FAIL"]


def test_requests_to_models_are_beneath_the_audit_and_the_producer(resumed: Scene) -> None:
    lines = (resumed.run / "llm_calls.jsonl").read_bytes().splitlines()
    found = resumed.find("kind:llm")
    assert len(found) == len(lines) > 6
    around = {run.id: run for run in resumed.langsmith.runs.values()}
    for call in found:
        parent = around[call.parent_run_id]
        role = call.metadata["role"]
        assert parent.name.startswith("audit ") if role == "judge" else parent.name == role
        assert call.run_type == "llm"
        assert parent.start_time <= call.start_time <= call.end_time
    assert {entry.metadata["role"] for entry in found} >= {"judge", "config_tuner", "strategist"}
    judge = resumed.find("kind:llm", "role:judge", "outcome:answered")[0]
    assert judge.outputs["usage_metadata"]["input_tokens"] == 100
    assert judge.outputs["usage_metadata"]["total_cost"] == pytest.approx(100e-6 + 40e-6)
    refused = resumed.find("outcome:refused")
    assert {item.error for item in refused} == {"refused: the model refused"}
    chats = [span for span in resumed.collector.spans if span.name == "chat scripted"]
    assert len(chats) == len(found)
    assert attributes(chats[0])["gen_ai.request.model"] == "scripted"
    assert sum(attributes(chat)["gen_ai.usage.output_tokens"] for chat in chats) == sum(
        orjson.loads(line)["completion_tokens"] for line in lines
    )


def test_a_resumed_run_joins_the_session_and_the_trace_of_the_first(resumed: Scene) -> None:
    first, second = resumed.find("kind:run")
    assert {"waiting", "replay"} <= set(first.tags)
    assert first.error is None
    assert {"resumed", "replay"} <= set(second.tags)
    assert first.id != second.id
    assert first.metadata["session_id"] == second.metadata["session_id"]
    assert first.metadata["session_id"].startswith(f"{resumed.run_id}-")
    assert [entry.trace_id for entry in resumed.find("node:bank")] == [first.id, second.id]
    assert "waiting" in resumed.find("node:bank")[0].tags
    assert second.metadata["outcome"].startswith("verified gain")
    assert len({span.trace_id for span in resumed.collector.spans}) == 1


def test_no_secret_path_user_or_host_is_in_any_byte_of_a_trace(trapped: Scene, resumed: Scene) -> None:
    judged = [orjson.loads(path.read_bytes()) for path in resumed.run.glob("audits/patch-*/judge.json")]
    assert CANARIES["SOME_SETTING"] in judged[0]["findings"][0]["observed"]  # it was there to be taken out
    assert any(
        "[env] of [user] at [host] in [path]/x and [path]" in entry["comment"] for entry in resumed.langsmith.feedback
    )
    private = [*CANARIES.values(), "sk-canary-4711", str(ROOT), "/srv/a", str(trapped.run), str(resumed.run)]
    names = [re.escape(name) for name in (getpass.getuser(), socket.gethostname())]
    named = re.compile(rf"(?<![A-Za-z0-9])({'|'.join(names)})(?![A-Za-z0-9])".encode())
    for scene in (trapped, resumed):
        for server in (scene.langsmith, scene.collector):
            assert [secret for secret in private if secret.encode() in server.everything] == []
            assert named.search(b"\n".join(request.body for request in server.requests)) is None


def test_keys_reach_no_file_and_no_screen(trapped: Scene, resumed: Scene) -> None:
    keys = [CANARIES["LANGSMITH_API_KEY"], CANARIES["BANKABLE_LLM_KEY"], CANARIES["SOME_TOKEN"], "sk-canary-4711"]
    for scene in (trapped, resumed):
        shown = "".join(item.out + item.err for item in scene.done)
        assert [key for key in keys if key in shown] == []
        for path in scene.run.rglob("*"):
            if path.is_file():
                data = path.read_bytes()
                assert [key for key in keys if key.encode() in data] == [], path
    assert {request.headers.get("x-api-key") for request in trapped.langsmith.requests} == {
        CANARIES["LANGSMITH_API_KEY"]
    }
    assert all(CANARIES["LANGSMITH_API_KEY"].encode() not in entry.everything for entry in trapped.collector.requests)


@pytest.mark.long
def test_the_environment_alone_sends_nothing_and_a_trace_changes_nothing(
    resumed: Scene, bankable: Bankable, tmp_path: Path
) -> None:
    """Neither the machine, nor the client that asks models for proposals, nor the judge."""
    switched_on = [sys.executable, "-c", "import langsmith.utils as u; print(u.tracing_is_enabled())"]
    with (
        LangSmithServer() as langsmith,
        Collector() as collector,
        ScriptedEndpoint(ScriptedRoles(judge=gossip)) as endpoint,
    ):
        with pytest.MonkeyPatch.context() as patch:
            for name, value in EVERYWHERE.items():
                patch.setenv(name, value)
            patch.setenv("LANGSMITH_ENDPOINT", langsmith.url)
            patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
            assert subprocess.run(switched_on, capture_output=True, text=True, check=True).stdout.strip() == "True"
            models = ("--llm", "openai:scripted", "--llm-base-url", endpoint.url)
            done = bankable("run", "--replay", BANKED, "--out", tmp_path / "run", *models)
        assert done.code == 0, done.err
        assert len(endpoint.requests) == len((resumed.run / "llm_calls.jsonl").read_bytes().splitlines())
        assert langsmith.requests == []
        assert collector.requests == []
    assert "traced to" not in done.out + done.err
    assert (tmp_path / "run" / "outcome.json").read_bytes() == (resumed.run / "outcome.json").read_bytes()
    plain, traced = producer_files(tmp_path / "run"), producer_files(resumed.run)
    assert without_screening_legs(plain) == without_screening_legs(traced)


def test_a_place_that_never_answers_costs_a_run_two_lines_and_ten_seconds(
    trapped: Scene, bankable: Bankable, tmp_path: Path
) -> None:
    with LangSmithServer(delay_s=600.0) as langsmith, Collector(delay_s=600.0) as collector:
        scene = Scene(tmp_path / "run", langsmith, collector)
        done = bankable("run", "--replay", TRAP, "--out", scene.run, *scene.options)
    assert (done.code, done.err) == (0, "")
    assert (scene.run / "outcome.json").read_bytes() == (trapped.run / "outcome.json").read_bytes()
    lines = [line.split(maxsplit=2) for line in done.out.splitlines() if re.match(r" +\d+:\d\d ", line)]
    ends = [60 * int(at.split(":")[0]) + int(at.split(":")[1]) for at, *_ in lines[-3:]]
    assert [name for _, name, _ in lines[-2:]] == ["LangSmith:", "OpenTelemetry:"]
    assert all("17 of 17 records of the trace were not sent: " in rest for _, _, rest in lines[-2:])
    assert ends[-1] - ends[0] <= 12  # the bound, and what is rounded


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--trace", "jaeger"), "Give langsmith, langsmith=URL or otlp=URL"),
        (("--trace", "langsmith=http://ls.example"), "plain http to another machine"),
        (("--trace", "otlp=https://me:pw@c.example"), "a user, a query or a fragment"),
    ],
)
def test_a_mistake_is_one_line_before_anything_is_begun(
    bankable: Bankable, tmp_path: Path, words: tuple[str, ...], why: str
) -> None:
    done = bankable("run", "--replay", TRAP, "--out", tmp_path / "run", *words)
    assert (done.code, (tmp_path / "run").exists()) == (2, False)
    assert why in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert "pw" not in done.err
