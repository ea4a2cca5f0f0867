"""What an integrator's model may decide: nothing that keeps a gain from being measured once."""

from __future__ import annotations

from typing import Any

import pytest

from bankable.nodes.advice.ask import read_questions
from bankable.nodes.advice.integration import SMALL, Winner
from bankable.nodes.integrator import reason_to_skip, should_remeasure
from bankable.tools.llm.scripted_endpoint import ScriptedEndpoint, says


def winner(ceiling: float) -> Winner:
    return Winner("rms_norm", "bfloat16", "cpp-0123456789ab", 4.0, ceiling)


def answering(action: str) -> ScriptedEndpoint:
    return ScriptedEndpoint(says({"action": action, "because": "so it is"}))


@pytest.mark.parametrize(
    ("action", "ceiling", "left"),
    [
        ("lay", 0.001, ""),
        ("leave", SMALL - 0.001, "left out by the integrator: so it is"),
        ("leave", SMALL, ""),
        ("leave", 0.3, ""),
        ("give_up", 0.001, ""),
        ("remeasure", 0.001, ""),
    ],
)
def test_only_what_can_give_little_may_be_left(action: str, ceiling: float, left: str, opened: Any) -> None:
    with answering(action) as served, opened(served) as context:
        assert reason_to_skip(context, winner(ceiling), 1, ()) == left


@pytest.mark.parametrize(
    ("action", "advised", "failed", "again"),
    [
        ("remeasure", True, 1, True),
        ("remeasure", False, 1, True),
        ("remeasure", False, 2, False),
        ("give_up", True, 1, True),
        ("give_up", True, 2, False),
        ("give_up", False, 1, False),
        ("lay", True, 1, True),
        ("lay", False, 1, False),
    ],
)
def test_an_answer_to_a_fail_is_bounded(action: str, advised: bool, failed: int, again: bool, opened: Any) -> None:
    with answering(action) as served, opened(served) as context:
        assert should_remeasure(context, winner(0.3), advised, failed, ["rms_norm: FAIL real_delta"]) is again
        assert "rms_norm: FAIL real_delta" in served.requests[0].system


def test_each_attempt_is_a_question_of_its_own(opened: Any) -> None:
    with answering("remeasure") as served, opened(served) as context:
        assert should_remeasure(context, winner(0.3), False, 1, ()) is True
        assert should_remeasure(context, winner(0.3), False, 1, ()) is True
        assert should_remeasure(context, winner(0.3), False, 2, ()) is False
        assert len(served.requests) == 2
        assert [entry.why for entry in read_questions(context.folder.root)[1].dropped] == [
            "measured again once already"
        ]
