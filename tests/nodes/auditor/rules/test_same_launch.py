"""Same engine, machine, command and environment on both legs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bankable.nodes.auditor.verdict import Severity, Word
from bankable.tools.evidence.records import LaunchPlan
from tests.nodes.auditor.builders import Json, edit, hits, judge, legs

RULE = "same_launch"


def _leg(run: Path, change: Callable[[Json], object], side: str = "candidate") -> list[str]:
    for leg in legs(run, side=side):
        edit(leg / "leg.json", change)
    return [mode for hit in hits(judge(run), RULE, Severity.FAIL) for mode in hit.modes]


def test_another_port_is_the_same_launch(run: Path) -> None:
    assert _leg(run, lambda leg: leg["argv"].__setitem__(leg["argv"].index("--port") + 1, "40123")) == []


def test_another_block_order_is_the_same_launch(make: Callable[..., Path]) -> None:
    assert not hits(judge(make(launch_plan=LaunchPlan.ALTERNATING)), RULE)


def test_an_edited_engine_tree_fails(run: Path) -> None:
    assert "C12" in _leg(run, lambda leg: leg["engine"].update(tree_digest="c" * 64))


def test_a_dropped_length_flag_fails(run: Path) -> None:
    assert "C04" in _leg(run, lambda leg: leg["argv"].extend(["--context-length", "512"]))


def test_a_flag_given_twice_fails(run: Path) -> None:
    assert "C09" in _leg(run, lambda leg: leg["argv"].extend(["--max-total-tokens", "9"]))


def test_an_undeclared_variable_fails(run: Path) -> None:
    assert "C04" in _leg(run, lambda leg: leg["env"].update(OMP_NUM_THREADS="2"))


def test_another_host_fails(run: Path) -> None:
    assert "C16" in _leg(run, lambda leg: leg.update(host="other"))


def test_another_checkpoint_fails(run: Path) -> None:
    assert "Q10" in _leg(run, lambda leg: leg.update(model_digest="d" * 64))


def test_a_missing_digest_is_unverifiable_not_equal(run: Path) -> None:
    for name in ("control", "patch-stream_interval"):
        for leg in legs(run, name):
            edit(leg / "leg.json", lambda record: record["engine"].update(tree_digest=None))
    verdict = judge(run)
    assert verdict.verdict is Word.FLAG
    assert [note.rule for note in verdict.notes if note.kind == "unverifiable"] == [RULE]
