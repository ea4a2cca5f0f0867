"""A rule that is gone is noticed by the fixtures that it alone decides."""

from __future__ import annotations

from bankable.evals.fixtures.keys import read_keys
from bankable.evals.mutants import find_killers, judge_without, mutants, text
from bankable.evals.runner.run import select_fixtures
from bankable.nodes.auditor.rules import RULES

NAMES = ["c03-cold-reference", "plain-gain"]


def test_a_fraud_kills_the_mutant_without_its_rule() -> None:
    found = {mutant.rule: mutant for mutant in mutants(select_fixtures(NAMES), read_keys(), 2)}
    assert list(found) == [rule.id for rule in RULES]
    assert found["interleaving"].killers == ("c03-cold-reference",)
    assert (
        found["harness_inputs_fresh"].killers == ("h13-cached-by-pointer",) if "harness_inputs_fresh" in found else True
    )
    assert not found["clocks"].killed
    said = text(list(found.values()))
    assert f"of {len(RULES)} rules killed" in said
    assert f"{'clocks':<28}{0:>11}  SURVIVES" in said


def test_an_honest_fixture_has_nobody_to_disable() -> None:
    assert judge_without("plain-gain") == []


def test_a_fixture_that_comes_out_the_same_kills_nothing() -> None:
    """What is said without the rule is taken for what another key allows."""
    keys = read_keys()
    (without,) = [judge_without("c03-cold-reference")]
    honest = {"c03-cold-reference": keys["plain-gain"]}
    word = {rule: it.word.value for rule, it in without}
    assert word["interleaving"] == "PASS"
    assert all(not entry.killed for entry in find_killers([without], honest))
