"""The tree of a search: candidates, each derived from another one by changing one parameter.

It is built from evaluations in their order and from nothing else, so that a resumed search has the same tree. A reward
is log(default / candidate): a candidate's gain over the default template. Visits are the evaluations at a node and
below it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bankable.kernels.operators.family import Choices
from bankable.kernels.search.evaluation import Evaluation

FAILED = -1.0
"""Reward of a candidate that is wrong or cannot be run."""
Edit = tuple[str, int]
"""A parameter and the value that it is turned to."""
ADVISED = 4.0
"""How much likelier than any other edit the first advice of a diagnosis is; the next ones by their rank."""


@dataclass
class Node:
    """One candidate."""

    id: str
    choices: dict[str, int]
    reward: float
    parent: Node | None = None
    edit: Edit | None = None
    """What was turned in its parent; ``None`` for the first one, and for one that differs in several."""
    levers: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """What its diagnosis advises to turn."""
    visits: int = 1
    best: float = FAILED
    """Largest reward here and below."""
    children: list[Node] = field(default_factory=list)

    @property
    def depth(self) -> int:
        return 0 if self.parent is None else 1 + self.parent.depth


class Tree:
    """All candidates of a task, and the edits that are left to try."""

    def __init__(
        self,
        allowed: Mapping[str, Sequence[int]],
        root: Choices,
        novelty: Callable[[Choices], str],
        names: Callable[[Choices], str],
    ) -> None:
        """``novelty`` says which choices are one kernel, ``names`` their implementation."""
        self._allowed, self._root, self.novelty, self.name = allowed, dict(root), novelty, names
        self.nodes: dict[str, Node] = {}
        self._known: set[str] = set()
        self._default: float | None = None
        self._gains: dict[Edit, list[float]] = {}

    @property
    def root(self) -> Node | None:
        """The default template, once it was evaluated."""
        return self.nodes.get(self.name(self._root))

    def add(self, entry: Evaluation) -> Node:
        """A candidate that was evaluated; it counts at all nodes above it."""
        if entry.choices == self._root and entry.log_ratio is not None:
            self._default = entry.log_ratio
        reward = FAILED if entry.log_ratio is None else entry.log_ratio - (self._default or 0.0)
        parent = self.nodes.get(entry.parent) if entry.parent else None
        node = Node(entry.implementation, dict(entry.choices), reward, parent, best=reward)
        node.levers = entry.diagnosis.levers() if entry.diagnosis else {}
        self.nodes[node.id] = node
        self._known.add(self.novelty(entry.choices))
        if parent is not None:
            parent.children.append(node)
            changed = [(name, value) for name, value in node.choices.items() if parent.choices.get(name) != value]
            if len(changed) == 1:
                node.edit = changed[0]
                self._gains.setdefault(changed[0], []).append(reward - parent.reward)
        above = parent
        while above is not None:
            above.visits, above.best = above.visits + 1, max(above.best, reward)
            above = above.parent
        return node

    def is_new(self, choices: Choices, pending: Iterable[Choices] = ()) -> bool:
        """Whether this kernel is neither evaluated nor pending, under any choices that render to it."""
        novelty = self.novelty(choices)
        return novelty not in self._known and all(novelty != self.novelty(other) for other in pending)

    def edits(self, node: Node, pending: Sequence[Choices] = ()) -> list[Edit]:
        """Edits of a candidate that lead to a kernel which is new."""
        return [
            (name, value)
            for name, values in self._allowed.items()
            for value in values
            if value != node.choices[name] and self.is_new({**node.choices, name: value}, pending)
        ]

    def expected(self, node: Node, edit: Edit) -> float:
        """Expected reward of an edit here: the candidate's own plus the mean gain of that edit elsewhere, shrunk."""
        gains = self._gains.get(edit, [])
        return node.reward + sum(gains) / (len(gains) + 1)

    def priors(self, node: Node, edits: Sequence[Edit]) -> list[float]:
        """How likely each edit is to be the one, by the candidate's diagnosis; all alike where it has none."""
        weights = []
        ranks = {name: rank for rank, name in enumerate(node.levers)}
        for name, value in edits:
            liked = node.levers.get(name, ())
            likely = ADVISED / (1 + ranks[name] + liked.index(value)) if value in liked else 0.0
            weights.append(1.0 + likely)
        return [weight / sum(weights) for weight in weights]

    def every(self) -> Iterator[Node]:
        """All nodes, as they were added."""
        yield from self.nodes.values()
