"""A fixture as other tools receive it: the sealed evidence as rendered for the judge, and its key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from bankable.evals.fixtures.keys import Key, read_keys
from bankable.evals.fixtures.model import Fixture
from bankable.evals.runner.evidence import seal_fixture
from bankable.evals.runner.run import select_fixtures
from bankable.evals.score.split import side
from bankable.nodes.auditor.judge.brief import build_brief

Part = Literal["all", "development", "held-out"]
PARTS: tuple[Part, ...] = ("all", "development", "held-out")


@dataclass(frozen=True)
class ShownFixture:
    """One fixture."""

    fixture: str
    scope: str
    text: str
    """What the judge is shown, within its usual budget of tokens."""
    evidence: str
    """sha256 over the sealed folder."""


@dataclass(frozen=True)
class Keyed:
    """A fixture and its answer, for scoring."""

    fixture: Fixture
    key: Key

    @property
    def metadata(self) -> dict[str, object]:
        """Attributes for sorting results."""
        return {
            "fixture": self.fixture.id,
            "scope": self.fixture.scope,
            "kind": self.key.kind,
            "modes": list(self.key.modes),
            "split": side(self.key),
        }


def show(fixture: Fixture, seed: int = 0) -> ShownFixture:
    """Make the evidence, seal it, and render it."""
    with seal_fixture(fixture, seed) as evidence:
        return ShownFixture(fixture.id, fixture.scope, build_brief(evidence.folder).text, evidence.digest)


def list_keyed(only: Sequence[str] = (), part: Part = "all") -> Iterable[Keyed]:
    """The fixtures with these ids, or all, of one side of the split. Raises ``UserError`` on an unknown id."""
    keys = read_keys()
    for fixture in select_fixtures(only):
        if part in ("all", side(keys[fixture.id])):
            yield Keyed(fixture, keys[fixture.id])
