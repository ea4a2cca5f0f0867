"""Policies that choose a search's next candidate: by visit counts (UCT), from a beam, at random, or in order.

A policy sees the tree and pending candidates, and draws from a generator that follows from the seed and the number of
candidates so far: the same tree gives the same answer.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from bankable.kernels.operators.family import Choices
from bankable.kernels.search.tree import Edit, Node, Tree

PolicyName = Literal["uct", "beam", "random", "exhaustive"]
Step = tuple[dict[str, int], Node | None]
"""What to evaluate, and the candidate that it is made from."""
Policy = Callable[[Tree, Sequence[Choices], random.Random, Sequence[Choices]], Step | None]
"""From the tree, pending choices, a generator and all choices to the next step; ``None`` when none is left."""
EXPLORE = 0.35
"""Weight of exploration in log units: how far an untried candidate may lie behind and still be tried."""
BEAM = 3


def uct(tree: Tree, pending: Sequence[Choices], draw: random.Random, every: Sequence[Choices]) -> Step | None:
    """From the root down: to the child, or the untried edit, with the largest

    value + EXPLORE · prior · √visits / (1 + its visits)

    A child's value is the best below it, an edit's is its expected reward. A pending candidate counts as a visit.
    """
    node = tree.root
    if node is None:
        return _any(tree, pending, draw, every)
    for _ in range(len(tree.nodes) + 1):
        edits = tree.edits(node, pending)
        inner = [child for child in node.children if _open(tree, child, pending)]
        if not edits and not inner:
            return _any(tree, pending, draw, every)
        moves: list[Edit | Node] = [*edits, *inner]
        priors = tree.priors(node, [*edits, *(child.edit or ("", 0) for child in inner)])
        total = math.sqrt(node.visits + len(pending))
        ranked = []
        for move, prior in zip(moves, priors, strict=True):
            visits = move.visits if isinstance(move, Node) else 0
            value = move.best if isinstance(move, Node) else tree.expected(node, move)
            ranked.append((value + EXPLORE * prior * len(moves) * total / (1 + visits), draw.random()))
        chosen = moves[max(range(len(moves)), key=lambda index: ranked[index])]
        if not isinstance(chosen, Node):
            return {**node.choices, chosen[0]: chosen[1]}, node
        node = chosen
    return _any(tree, pending, draw, every)


def beam(tree: Tree, pending: Sequence[Choices], draw: random.Random, every: Sequence[Choices]) -> Step | None:
    """Of the best few candidates with an edit left, the one with the fewest children; of its edits the best promise."""
    nodes = sorted(tree.every(), key=lambda node: -node.reward)
    open_ = [node for node in nodes if tree.edits(node, pending)][:BEAM]
    if not open_:
        return _any(tree, pending, draw, every)
    node = min(open_, key=lambda candidate: (len(candidate.children) - 2 * (candidate is open_[0]), -candidate.reward))
    edits = tree.edits(node, pending)
    priors = tree.priors(node, edits)
    best = max(range(len(edits)), key=lambda at: (tree.expected(node, edits[at]) + EXPLORE * priors[at], draw.random()))
    return {**node.choices, edits[best][0]: edits[best][1]}, node


def at_random(tree: Tree, pending: Sequence[Choices], draw: random.Random, every: Sequence[Choices]) -> Step | None:
    """Any that is new."""
    return _any(tree, pending, draw, every)


def exhaustive(tree: Tree, pending: Sequence[Choices], draw: random.Random, every: Sequence[Choices]) -> Step | None:
    """The next one in the order of the template's values."""
    return next(((dict(choices), tree.root) for choices in every if tree.is_new(choices, pending)), None)


POLICIES: dict[PolicyName, Policy] = {"uct": uct, "beam": beam, "random": at_random, "exhaustive": exhaustive}


def _open(tree: Tree, node: Node, pending: Sequence[Choices]) -> bool:
    """Whether there is an edit to try at a node or below it."""
    return bool(tree.edits(node, pending)) or any(_open(tree, child, pending) for child in node.children)


def _any(tree: Tree, pending: Sequence[Choices], draw: random.Random, every: Sequence[Choices]) -> Step | None:
    order = list(range(len(every)))
    draw.shuffle(order)
    return next(((dict(every[at]), tree.root) for at in order if tree.is_new(every[at], pending)), None)


def next_steps(policy: Policy, tree: Tree, count: int, seed: int, every: Sequence[Choices]) -> Iterator[Step]:
    """Up to ``count`` candidates that can be evaluated in parallel."""
    pending: list[Choices] = []
    for index in range(count):
        step = policy(tree, pending, random.Random(f"{seed}/{len(tree.nodes)}/{index}"), every)
        if step is None:
            return
        pending.append(step[0])
        yield step
