"""Audit loops in a trace, heard from a real LangGraph machine with the names of ours and steps of a few lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from langgraph.graph import END, START, StateGraph

from bankable.graph.state import Decided, Judged, RunState
from bankable.graph.trace_attributes import AUDITS, PRODUCERS
from bankable.graph.trace_steps import Steps
from bankable.tools.evidence.records import Lever, OverlayPart
from bankable.tools.measurement.progress import ProgressEvent
from bankable.tools.tracing.span import Span
from tests.tools.tracing.spans import run_of

LEVER = Lever(flags={"stream_interval": 8})


def judged(verdict: str, attempt: int = 1, scope: str = "patch", action: str = "remeasure") -> Judged:
    return Judged.model_validate(
        {
            "scope": scope,
            "subject": "x",
            "attempt": attempt,
            "verdict": verdict,
            "action": action,
            "rules": ("same_work",),
            "headline": "+1 %",
            "folder": f"{scope}-x-{attempt}",
        }
    )


def traced(steps: list[tuple[str, dict[str, Any] | Exception]], tmp_path: Path, **state: Any) -> list[Span]:
    """The latest record of each span of a machine that makes these steps one after the other."""
    left: Iterator[tuple[str, dict[str, Any] | Exception]] = iter(steps)
    names = [name for name, _ in steps]
    at = iter(range(1, len(names) + 1))

    def step(_: RunState) -> RunState:
        _, change = next(left)
        if isinstance(change, Exception):
            raise change
        return RunState(**change)  # type: ignore[typeddict-item]  # as the machine's own steps return it

    def onwards(_: RunState) -> str:
        place = next(at)
        return names[place] if place < len(names) else END

    machine = StateGraph(RunState)
    for name in dict.fromkeys(names):
        machine.add_node(name, step)
        machine.add_conditional_edges(name, onwards, [*dict.fromkeys(names), END])
    machine.add_edge(START, names[0])
    spans: dict[Any, Span] = {}
    handler = Steps(lambda span: spans.update({span.id: span}), run_of(), tmp_path, None)
    with suppress(KeyError):
        machine.compile().invoke(RunState(**state), {"callbacks": [handler]})  # type: ignore[typeddict-item]
    assert handler.faults == 0
    return list(spans.values())


def answering(spans: list[Span], loop: str) -> list[tuple[str, str, object]]:
    return [(span.kind, span.name, span.attributes.get("attempt")) for span in spans if f"loop:{loop}" in span.tags]


def test_a_failed_audit_and_the_next_attempt_share_a_tag(tmp_path: Path) -> None:
    spans = traced(
        [
            ("config_tuner", {"lever": LEVER, "patch_attempt": 0}),
            ("measure_patch", {"patch_attempt": 1, "comparison": "patch-x", "claimed": True}),
            ("audit_patch", {"judged": judged("FAIL")}),
            ("config_tuner", {"lever": LEVER, "judged": None}),
            ("measure_patch", {"patch_attempt": 2, "comparison": "patch-x-2"}),
            ("audit_patch", {"judged": judged("PASS", 2)}),
            ("bank", {"decisions": [Decided(subject="x", decision="banked", reason="")]}),
        ],
        tmp_path,
    )
    assert answering(spans, "patch:FAIL") == [
        ("audit", "audit patch: x", 1),
        ("node", "config_tuner", 2),
        ("node", "measure_patch", 2),
    ]
    tuner = [span for span in spans if span.name == "config_tuner"]
    assert "loop" not in tuner[0].attributes
    assert tuner[1].attributes["answers"] == "patch-x-1"
    assert tuner[1].attributes["candidate"] == "patch-stream_interval-8-2"
    assert tuner[1].attributes["lever"] == "stream_interval=8"
    assert [item.attributes["verdict"] for item in spans if item.kind == "audit"] == ["FAIL", "PASS"]
    (bank,) = [entry for entry in spans if entry.name == "bank"]
    assert (bank.attributes["decisions"], bank.attributes["candidate"]) == (("banked",), "patch-x-2")


def test_a_lever_of_operators_is_named_by_its_implementations(tmp_path: Path) -> None:
    digest = "0" * 64
    part = OverlayPart(implementation="cpp-unroll4", digest=digest, source_digest=digest)
    spans = traced([("integrator", {"lever": Lever(overlays={"rms_norm": part}), "patch_attempt": 1})], tmp_path)
    assert [span.attributes["lever"] for span in spans] == ["rms_norm=cpp-unroll4"]


def test_another_lever_is_no_answer(tmp_path: Path) -> None:
    spans = traced(
        [
            ("audit_patch", {"judged": judged("FAIL")}),
            ("config_tuner", {"lever": LEVER, "judged": None}),
            ("measure_patch", {"claimed": False}),
            ("config_tuner", {"lever": None}),
            ("reporter", {}),
        ],
        tmp_path,
        patch_attempt=1,
    )
    assert [name for _, name, _ in answering(spans, "patch:FAIL")] == [
        "audit patch: x",
        "config_tuner",
        "measure_patch",
    ]


@pytest.mark.parametrize(
    ("audit", "answer", "scope"),
    [
        ("audit_baseline", "baseline", "baseline"),
        ("audit_profile", "profile", "profile"),
        ("audit_harness", "op_benchmarker", "harness"),
        ("audit_patch", "integrator", "patch"),
        ("audit_patch", "eject", "patch"),
        ("audit_bundle", "validator", "bundle"),
    ],
)
def test_each_scope_is_answered_by_its_producer(tmp_path: Path, audit: str, answer: str, scope: str) -> None:
    spans = traced([(audit, {"judged": judged("FAIL", scope=scope)}), (answer, {})], tmp_path)
    assert [name for _, name, _ in answering(spans, f"{scope}:FAIL")] == [f"{audit.replace('_', ' ')}: x", answer]
    assert set(AUDITS.values()) == PRODUCERS.keys()


def test_a_flag_that_is_banked_is_answered_by_nobody(tmp_path: Path) -> None:
    spans = traced(
        [("audit_patch", {"judged": judged("FLAG")}), ("bank", {"judged": None}), ("config_tuner", {})], tmp_path
    )
    assert [name for _, name, _ in answering(spans, "patch:FLAG")] == ["audit patch: x"]


def test_a_process_that_goes_on_answers_the_verdict_of_the_one_before(tmp_path: Path) -> None:
    spans = traced([("config_tuner", {"given_up": True}), ("eject", {})], tmp_path, judged=judged("FAIL"), lever=LEVER)
    assert [name for _, name, _ in answering(spans, "patch:FAIL")] == ["config_tuner", "eject"]
    assert "candidate" not in spans[0].attributes


def test_a_step_that_fails_is_told_with_its_error_and_its_audit(tmp_path: Path) -> None:
    spans = traced([("audit_patch", KeyError("no comparison"))], tmp_path)
    assert [(span.kind, span.error, span.ended is not None) for span in spans] == [
        ("node", "KeyError: 'no comparison'", True),
        ("audit", "KeyError: 'no comparison'", True),
    ]


def test_a_run_without_an_auditor_has_no_score(tmp_path: Path) -> None:
    spans = traced([("audit_patch", {"judged": judged("SKIPPED")})], tmp_path)
    (audit,) = [span for span in spans if span.kind == "audit"]
    assert (audit.score, audit.attributes["verdict"]) == (None, "SKIPPED")


def test_a_defect_of_the_trace_is_counted_and_never_raised(tmp_path: Path) -> None:
    def broken(_: Span) -> None:
        raise ValueError

    handler = Steps(broken, run_of(), tmp_path, None)
    start: Callable[..., None] = handler.on_chain_start
    start({}, {}, run_id=run_of().id, name="baseline", metadata={"langgraph_node": "baseline", "langgraph_step": 1})
    handler.heard(ProgressEvent("note", "still there"))
    assert handler.faults == 1
