"""A strategist's model reorders what code found; the order is what the search weighs its knobs by."""

from __future__ import annotations

from typing import Any

from bankable.graph.scripted.answers import step
from bankable.nodes.advice.ask import read_questions
from bankable.nodes.advice.selection import Selection
from bankable.nodes.advice.strategy import OperatorWorth, reorder
from bankable.nodes.strategist import ask_order
from bankable.tools.llm.scripted_endpoint import ScriptedEndpoint, refusal, says
from bankable.tools.measurement.direction import Direction

HOST = Direction(name="host", knobs=["a"], share=0.5, reason="half of it")
QUEUE = Direction(name="queue", knobs=["b"], share=0.75, reason="nine wait")
MODEL = Direction(name="model", knobs=["c"], share=0.1, reason="the rest")
FOUND = [HOST, QUEUE, MODEL]
WORTH = [OperatorWorth("decode_attention", 0.26, 0.25), OperatorWorth("rms_norm", 0.08, 0.06)]


def test_the_same_order_weighs_as_before() -> None:
    same = reorder(FOUND, Selection(order=("host", "queue", "model")))
    assert same == FOUND
    assert [entry.importance for entry in same] == [0.5, 0.75, 0.1]


def test_another_order_hands_the_shares_out_anew() -> None:
    other = reorder(FOUND, Selection(order=("model", "host", "queue")))
    assert [(entry.name, entry.importance, entry.share) for entry in other] == [
        ("model", 0.75, 0.1),
        ("host", 0.5, 0.5),
        ("queue", 0.1, 0.75),
    ]


def test_left_out_and_put_first(opened: Any) -> None:
    steps = [
        step("setting", "model"),
        step("setting", "queue", "the cap is wanted", leave_out=True),
        step("setting", "host", "dull", leave_out=True),
        step("operator", "rms_norm"),
        step("operator", "gemm"),
        step("setting", "rms_norm"),
    ]
    with ScriptedEndpoint(says({"directions": steps})) as served, opened(served) as context:
        first = ask_order(context, None, FOUND, WORTH)
        assert first is not None
        assert [direction.name for direction in first.directions] == ["model", "host"]
        assert [entry.name for entry in first.left_out] == ["queue"]
        assert first.operators.order == ("rms_norm", "decode_attention")
        assert [(item.what, item.why) for item in read_questions(context.folder.root)[0].dropped] == [
            ("host", "the most promising is tried"),
            ("rms_norm", "not on the list"),
            ("gemm", "not on the list"),
        ]
        assert "operator decode_attention: 26.0% of the time, expected gain +25.0%" in served.requests[0].system


def test_a_refusal_leaves_the_lists_alone(opened: Any) -> None:
    with ScriptedEndpoint(refusal()) as served, opened(served) as context:
        assert ask_order(context, None, FOUND, WORTH) is None
