"""The drawn machine: what routes is what is drawn, and every edge behind an audit carries its verdicts."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from bankable.graph import routing
from bankable.graph.branch import Bound, Branch, Condition, Row
from bankable.graph.machine import build
from bankable.graph.state import RunState

WORDS = {"PASS", "FLAG", "FAIL", "SKIPPED"}
HARMLESS = re.compile(r"[A-Za-z0-9 ,:/-]+")
"""Letters that need no quotes in the label of a Mermaid edge."""
ODD = Condition("odd", lambda _: False)


def drawn(branches: tuple[Branch, ...] = routing.BRANCHES) -> dict[tuple[str, str], str]:
    return {
        (edge.source, edge.target): str(edge.data)
        for edge in build(branches=branches).get_graph().edges
        if edge.conditional
    }


def test_every_conditional_edge_carries_the_label_of_its_table() -> None:
    edges = drawn()
    assert edges == {(branch.source, to): label for branch in routing.BRANCHES for label, to in branch.nodes.items()}
    assert all(HARMLESS.fullmatch(label) for label in edges.values())


@pytest.mark.parametrize("branch", routing.AUDITS, ids=lambda branch: branch.source)
def test_every_edge_behind_an_audit_carries_its_verdicts(branch: Branch) -> None:
    labels = {
        to: set(re.findall("[A-Z]{4,}", label)) for (source, to), label in drawn().items() if source == branch.source
    }
    for to, words in labels.items():
        assert words == {verdict for row in branch.rows if row.to == to for verdict in row.verdicts}
    assert set.union(*labels.values()) == WORDS


def test_the_bounds_are_drawn() -> None:
    edges = drawn()
    assert edges["audit_baseline", "baseline"] == "FLAG, FAIL: remeasure, at most 3 attempts, a quarter of the budget"
    assert edges["audit_baseline", "profile"] == "PASS, SKIPPED / FLAG: otherwise / FAIL: noise alone"
    assert edges["audit_baseline", "reporter"] == "FLAG, FAIL: eject / FAIL: otherwise"
    assert edges["audit_profile", "profile"] == "FAIL: at most 2 attempts"
    assert edges["audit_patch", "bank"] == "PASS, FLAG, SKIPPED"
    assert edges["audit_patch", "eject"] == "FAIL: after 3 attempts"
    assert edges["audit_bundle", "ladder"] == "PASS, FLAG, SKIPPED, FAIL: several loads"


def test_another_table_gives_another_picture_and_another_way() -> None:
    rows = (Row("bank", ("PASS", "SKIPPED")), Row("eject", ("FLAG", "FAIL")))
    stricter = tuple(
        replace(branch, rows=rows) if branch is routing.PATCH_AUDIT else branch for branch in routing.BRANCHES
    )
    edges = drawn(stricter)
    assert {to: label for (source, to), label in edges.items() if source == "audit_patch"} == {
        "bank": "PASS, SKIPPED",
        "eject": "FLAG, FAIL",
    }
    assert "audit_patch -. &nbsp;FLAG, FAIL&nbsp; .-> eject;" in build(branches=stricter).get_graph().draw_mermaid()


def test_another_bound_is_drawn_and_holds() -> None:
    bound = Bound("bundle_attempt", 5)
    branch = Branch("x", (Row("validator", conditions=(bound.left,)), Row("reporter", conditions=(bound.used_up,))))
    assert branch.nodes == {"at most 5 attempts": "validator", "after 5 attempts": "reporter"}
    assert [branch.target(RunState(bundle_attempt=attempt)) for attempt in (4, 5)] == ["validator", "reporter"]


def test_two_ways_out_cannot_share_a_label() -> None:
    branch = Branch("x", (Row("a", ("PASS",), (ODD,)), Row("b", ("PASS",), (ODD,))))
    with pytest.raises(ValueError, match="two ways out of x have the same label"):
        _ = branch.nodes


def test_a_state_without_a_way_out_is_a_defect_that_is_told() -> None:
    with pytest.raises(ValueError, match="no way out of x"):
        Branch("x", (Row("a", ("PASS",)),)).route(RunState(judged=None))
