"""The tree of a search: rewards over the default, visits above, one kernel under two names; policies over it."""

from __future__ import annotations

import random
from itertools import product

import pytest

from bankable.kernels.diagnosis.record import Advice, Diagnosis
from bankable.kernels.search.evaluation import Evaluation
from bankable.kernels.search.policies import POLICIES, next_steps
from bankable.kernels.search.tree import FAILED, Tree

ALLOWED = {"a": (0, 1, 2), "b": (0, 1, 2, 3), "mute": (0, 1)}
ROOT = {"a": 0, "b": 0, "mute": 0}
EVERY = [dict(zip(ALLOWED, item, strict=True)) for item in product(*ALLOWED.values())]


def name(choices) -> str:
    return "-".join(str(choices[item]) for item in ALLOWED)


def novelty(choices) -> str:
    return f"{choices['a']}{choices['b']}"  # the third parameter changes nothing


def gain(choices) -> float:
    return 0.3 * choices["a"] + (0.2 if choices["b"] == 2 else -0.1 * choices["b"])


def tree() -> Tree:
    return Tree(ALLOWED, ROOT, novelty, name)


def entry(choices, parent=None, ratio=None, diagnosis=None) -> Evaluation:
    ratio = 1.0 + gain(choices) if ratio is None else ratio
    return Evaluation(
        implementation=name(choices),
        choices=dict(choices),
        outcome="measured",
        log_ratio=ratio,
        parent=parent,
        diagnosis=diagnosis,
    )


def searched(policy: str, budget: int, seed: int = 0, start: Tree | None = None) -> Tree:
    grown = start or tree()
    if grown.root is None:
        grown.add(entry(ROOT))
    while len(grown.nodes) < budget:
        taken = list(next_steps(POLICIES[policy], grown, 1, seed, EVERY))
        if not taken:
            break
        choices, parent = taken[0]
        grown.add(entry(choices, parent.id if parent else None))
    return grown


def test_a_reward_is_over_the_default_and_counts_above():
    grown = tree()
    grown.add(entry(ROOT))
    child = {**ROOT, "a": 1}
    grown.add(entry(child, name(ROOT)))
    leaf = grown.add(entry({**child, "b": 2}, name(child)))
    assert leaf.reward == pytest.approx(0.5)
    assert (grown.root.visits, grown.root.best, grown.root.reward) == (3, pytest.approx(0.5), 0.0)
    assert (leaf.depth, leaf.edit) == (2, ("b", 2))
    wrong = Evaluation(implementation="w", choices={**child, "b": 3}, outcome="wrong", parent=name(child))
    assert grown.add(wrong).reward == FAILED


def test_one_kernel_under_two_names_is_not_new():
    grown = tree()
    grown.add(entry(ROOT))
    assert not grown.is_new({**ROOT, "mute": 1})
    assert not grown.is_new({**ROOT, "a": 1, "mute": 1}, [{**ROOT, "a": 1}])
    assert ("mute", 1) not in grown.edits(grown.root)


@pytest.mark.parametrize("policy", POLICIES)
def test_every_policy_ends_when_all_kernels_are_known_and_finds_the_best(policy):
    grown = searched(policy, 100)
    assert len(grown.nodes) == 12
    assert max(node.reward for node in grown.every()) == pytest.approx(0.8)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_search_that_goes_on_has_the_tree_of_one_that_never_stopped(policy):
    whole = searched(policy, 9, seed=4)
    half = searched(policy, 5, seed=4)
    again = tree()
    for node in half.every():
        again.add(entry(node.choices, node.parent.id if node.parent else None))
    searched(policy, 9, seed=4, start=again)
    assert [(item.id, item.parent and item.parent.id, item.visits, item.reward) for item in again.every()] == [
        (element.id, element.parent and element.parent.id, element.visits, element.reward) for element in whole.every()
    ]


@pytest.mark.parametrize("policy", ["uct", "beam"])
def test_rewards_lead_further_than_chance(policy):
    def found(name: str) -> float:
        return sum(max(item.reward for item in searched(name, 6, seed).every()) for seed in range(30)) / 30

    assert found(policy) > found("random") + 0.05


@pytest.mark.parametrize("policy", ["uct", "beam"])
def test_the_first_advice_of_a_diagnosis_is_tried_first(policy):
    said = Diagnosis(bound="memory", evidence=(), advice=(Advice(lever="b", values=(3,), why="x"),))
    for seed in range(10):
        grown = tree()
        grown.add(entry(ROOT, diagnosis=said))
        ((choices, parent),) = next_steps(POLICIES[policy], grown, 1, seed, EVERY)
        assert (choices["b"], parent.id) == (3, name(ROOT))


def test_side_by_side_candidates_differ():
    grown = searched("uct", 3)
    taken = [novelty(choices) for choices, _ in next_steps(POLICIES["uct"], grown, 5, 0, EVERY)]
    assert len(set(taken)) == 5


def test_a_seed_draws_the_same_and_another_one_differs():
    def order(seed):
        return [item.id for item in searched("random", 8, seed).every()]

    assert order(1) == order(1)
    assert len({tuple(order(seed)) for seed in range(5)}) > 1
    assert random.Random("1/2/3").random() == random.Random("1/2/3").random()
