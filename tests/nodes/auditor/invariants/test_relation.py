"""Each relation has a deviation, and the worst pair beyond the tolerance becomes one finding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import pytest

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.invariants.relation import (
    Invariant,
    Relation,
    ValuePair,
    deviation,
    judge_invariants,
)
from bankable.nodes.auditor.rule import Found, NotApplicable, Remark
from bankable.nodes.auditor.verdict import Severity

NO_CASE = cast(Case, None)


def invariant(pairs: Sequence[ValuePair], severity: Severity = Severity.FAIL, tolerance: float = 0.1) -> Invariant:
    return Invariant(
        id="lengths",
        left="a: length",
        relation=Relation.EQUAL,
        right="b: length",
        tolerance=tolerance,
        reason="rounding",
        mode="D14",
        read=lambda _: pairs,
        severity=severity,
    )


@pytest.mark.parametrize(
    ("relation", "left", "right", "expected"),
    [
        (Relation.EQUAL, 9.0, 10.0, 0.1),
        (Relation.EQUAL, 0.0, 0.0, 0.0),
        (Relation.EQUAL, "a", "b", 1.0),
        (Relation.EQUAL, "a", "a", 0.0),
        (Relation.SAME, 9.0, 10.5, 1.5),
        (Relation.AT_MOST, 11.0, 10.0, 0.1),
        (Relation.AT_MOST, 5.0, 10.0, -0.5),
        (Relation.AT_MOST, 3.0, 0.0, 3.0),
        (Relation.AT_LEAST, 9.0, 10.0, 0.1),
        (Relation.AT_LEAST, -2.0, 0.0, 2.0),
        (Relation.DISTINCT, 3.0, 3.0, 1.0),
        (Relation.DISTINCT, "a", "b", 0.0),
        (Relation.AT_MOST, math.nan, 1.0, math.inf),
        (Relation.AT_LEAST, 1.0, math.inf, math.inf),
    ],
)
def test_deviations(relation: Relation, left: float | str, right: float | str, expected: float) -> None:
    assert deviation(relation, left, right) == pytest.approx(expected)


def test_the_worst_pair_is_the_finding_and_the_others_are_counted() -> None:
    pairs = [ValuePair(1.0, 1.05, "x"), ValuePair(1.0, 3.0, "y", 7), ValuePair(1.0, 2.0, "z")]
    (finding,) = judge_invariants([invariant(pairs)], NO_CASE)
    assert isinstance(finding, Found)
    assert (finding.severity, finding.code, finding.modes) == (Severity.FAIL, "lengths", ("D14",))
    assert finding.expected == "a: length = b: length within 0.1"
    assert finding.observed == "1 against 3 (2 of 3 pairs)"
    assert (finding.evidence[0].file, finding.evidence[0].line) == ("y", 7)


def test_pairs_within_the_tolerance_say_nothing_and_no_pair_at_all_is_noted() -> None:
    assert list(judge_invariants([invariant([ValuePair(1.0, 1.05, "x")])], NO_CASE)) == []
    (note,) = judge_invariants([invariant([])], NO_CASE)
    assert isinstance(note, NotApplicable)
    assert note.why == "none of 1 relations has both of its records"


def test_a_violated_relation_may_be_a_flag_or_a_remark() -> None:
    pairs = [ValuePair(1.0, 3.0, "x")]
    (flagged,) = judge_invariants([invariant(pairs, Severity.FLAG)], NO_CASE)
    assert isinstance(flagged, Found)
    assert flagged.severity is Severity.FLAG
    (remark,) = judge_invariants([invariant(pairs, Severity.INFO)], NO_CASE)
    assert isinstance(remark, Remark)
    assert remark.text == "lengths: 1 against 3 (1 of 1 pairs); expected a: length = b: length"
