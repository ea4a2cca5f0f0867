"""An extractor's model chooses among what code found worth it, and adds captured shapes; it takes none away."""

from __future__ import annotations

from typing import Any

import pytest

from bankable.nodes.advice.ask import read_questions
from bankable.nodes.advice.extraction import MORE_SHAPES, CapturedShapeSeen, ask_more_shapes, ask_selection
from bankable.nodes.advice.strategy import OperatorWorth
from bankable.tools.llm.scripted_endpoint import ScriptedEndpoint, says

WORTH = [
    OperatorWorth("decode_attention", 0.26, 0.25),
    OperatorWorth("rms_norm", 0.08, 0.06),
    OperatorWorth("rotary", 0.05, 0.04),
]
SEEN = [
    CapturedShapeSeen("12x256", "decode", 400, True),
    CapturedShapeSeen("96x256", "prefill", 8, False),
    CapturedShapeSeen("24x256", "prefill", 3, False),
    CapturedShapeSeen("48x256", "prefill", 2, False),
]


def answer(**parts: Any) -> ScriptedEndpoint:
    return ScriptedEndpoint(says({"operators": [], "left_out": [], "shapes": [], **parts}))


def test_operators_come_in_the_models_order_and_none_is_added(opened: Any) -> None:
    with answer(operators=["rotary", "matmul"], left_out=[{"name": "rms_norm", "because": "fused already"}]) as served:
        with opened(served) as context:
            found = ask_selection(context, None, WORTH, ["profile: FLAG profile_quality: short"])
            assert found is not None
            assert found.order == ("rotary", "decode_attention")
            assert [entry.name for entry in found.left_out] == ["rms_norm"]
            assert [(item.what, item.why) for item in read_questions(context.folder.root)[0].dropped] == [
                ("matmul", "not on the list")
            ]
        assert "FLAG profile_quality: short" in served.requests[0].system
        assert "rms_norm: 8.0% of the time, expected gain +6.0%" in served.requests[0].system


def test_where_there_is_nothing_to_choose_nobody_is_asked(opened: Any) -> None:
    with answer() as served, opened(served) as context:
        assert ask_selection(context, None, WORTH[:1], ()) is None
        assert ask_more_shapes(context, "rms_norm", "bfloat16", SEEN[:1]) == ()
        assert served.requests == []


@pytest.mark.parametrize(
    ("shapes", "taken", "dropped"),
    [
        (["24x256"], ("24x256",), 0),
        (["12x256"], (), 1),
        (["1x1", "../../etc"], (), 2),
        (["96x256", "24x256", "48x256"], ("96x256", "24x256"), 1),
        (["24x256", "24x256"], ("24x256",), 0),
    ],
)
def test_captured_shapes_may_be_added(shapes: list[str], taken: tuple[str, ...], dropped: int, opened: Any) -> None:
    with answer(shapes=shapes) as served, opened(served) as context:
        assert ask_more_shapes(context, "rms_norm", "bfloat16", SEEN) == taken
        assert len(taken) <= MORE_SHAPES
        assert len(read_questions(context.folder.root)[0].dropped) == dropped
        assert "96x256: prefill, 8 calls" in served.requests[0].system
