"""A returned setting goes back with its findings: another value of the same setting, or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from bankable.graph.scripted.answers import proposal
from bankable.nodes.config_tuner import patch_name, repair
from bankable.tools.evidence.records import Lever
from bankable.tools.llm.ledger import read_ledger
from bankable.tools.llm.scripted_endpoint import ChatReply, ChatRequest, ScriptedEndpoint, says, tool_calls

LEVER = Lever(flags={"max_running_requests": 12})
RETURNED = patch_name(LEVER)


def mended(context: Any, tried: tuple[str, ...] = (RETURNED,)) -> Lever | None:
    return repair(
        context, LEVER, RETURNED, context.base, tried, ["FAIL same_conditions: the pool moved. Advice: hold it"]
    )


def test_another_value_of_the_same_setting_is_tried(opened: Any) -> None:
    with ScriptedEndpoint(_other) as served, opened(served) as context:
        found = mended(context)
        assert found is not None
        assert (found.names(), found != LEVER) == (LEVER.names(), True)
        assert mended(context) == found
        assert len(served.requests) == 1
        assert "the pool moved. Advice: hold it" in served.requests[0].system
        assert f"{RETURNED} was returned" in served.requests[0].system
        assert mended(context, (RETURNED, patch_name(found))) is None


@pytest.mark.parametrize(
    "proposals",
    [
        [],
        [proposal("max_running_requests", 12)],
        [proposal("max_running_requests", 10**6)],
        [proposal("stream_interval", 8)],
        [proposal("log_level", "critical")],
    ],
)
def test_nothing_else_takes_its_place(proposals: list[dict[str, Any]], opened: Any) -> None:
    with ScriptedEndpoint(says({"proposals": proposals})) as served, opened(served) as context:
        assert mended(context) is None


def test_the_tools_say_what_may_be_proposed_and_what_is_known(opened: Any) -> None:
    def answer(asked: ChatRequest) -> ChatReply:
        if asked.told:
            return says({"proposals": []})
        return tool_calls(
            ("propose_configuration", {"name": "--max-running-requests", "value": _values(asked)[0]}),
            ("propose_configuration", {"name": "log_level", "value": "critical"}),
            ("ask_for_a_diagnosis", {"setting": "max_running_requests"}),
            ("propose_kernel_source", {"text": "int main() {}"}),
        )

    with ScriptedEndpoint(answer) as served, opened(served) as context:
        assert mended(context) is None
        told = served.requests[1].told
        assert told[0].startswith("can be proposed, as max_running_requests=")
        assert told[1] == "not a setting of this search"
        assert told[2] == "nothing is known of it"
        assert told[3].startswith("error: there is no tool of this name")
        assert served.requests[0].offered == [
            "list_evidence",
            "read_evidence",
            "look_at_skill",
            "propose_configuration",
            "ask_for_a_diagnosis",
        ]
        line = read_ledger(context.folder.root / "llm_calls.jsonl")[0]
        assert (line.tool_calls, line.tool_faults) == (4, 1)


def _values(asked: ChatRequest) -> list[int]:
    import json

    said = asked.system[asked.system.index('{\n  "model"') :]
    told = json.JSONDecoder().raw_decode(said)[0]
    return [value for value in told["settings"][0]["values"] if value != 12]


def _other(asked: ChatRequest) -> ChatReply:
    return says({"proposals": [proposal("max_running_requests", _values(asked)[0])]})
