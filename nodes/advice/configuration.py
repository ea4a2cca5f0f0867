"""Proposals of settings: the shape of an answer, and which of them a search space has a place for."""

from __future__ import annotations

from collections.abc import Sequence

from bankable.tools.evidence.records import Record, Scalar
from bankable.tools.search.space import Dimension, SearchSpace

MOST = 3
"""Proposals of one answer that are looked at."""
LONGEST = 200
"""Characters of a model's words that are kept."""


class ProposedSetting(Record):
    """One setting to try."""

    name: str
    value: bool | int | float | str
    because: str
    expected_gain: float
    """As a fraction; a guess, and of no effect."""


class ConfigurationProposal(Record):
    """Settings that may raise the throughput, at most three, best first; none when nothing is left to try."""

    proposals: tuple[ProposedSetting, ...]


class Admitted(Record):
    """A proposal that the search has a place for."""

    name: str
    value: Scalar
    env: bool = False
    because: str
    expected_gain: float | None


class DroppedProposal(Record):
    """A proposal that it has none for."""

    what: str
    why: str


def sift(answer: ConfigurationProposal, space: SearchSpace) -> tuple[list[Admitted], list[DroppedProposal]]:
    """What may be tried and what may not. Only values that the knob's registry gives in this situation may."""
    admitted: list[Admitted] = []
    dropped = [
        DroppedProposal(what=_shown(proposal), why=f"more than {MOST} proposals")
        for proposal in answer.proposals[MOST:]
    ]
    for proposed in answer.proposals[:MOST]:
        name = proposed.name.strip().lstrip("-").replace("-", "_")
        dimension = next((entry for entry in space.dimensions if entry.name == name), None)
        value = _value(dimension, proposed.value) if dimension is not None else None
        if dimension is None:
            dropped.append(DroppedProposal(what=_shown(proposed), why="not a setting of this search"))
        elif value is None:
            dropped.append(DroppedProposal(what=_shown(proposed), why="not one of its values"))
        else:
            gain = proposed.expected_gain if abs(proposed.expected_gain) < 1e6 else None
            because = plain(proposed.because)
            admitted.append(Admitted(name=name, value=value, env=dimension.env, because=because, expected_gain=gain))
    return admitted, dropped


def plain(text: str, longest: int = LONGEST) -> str:
    """A model's words as one printable line."""
    line = " ".join(text[: 4 * longest].split())
    return "".join(letter if letter.isprintable() else "?" for letter in line)[:longest]


def count_reasons(dropped: Sequence[DroppedProposal]) -> str:
    """How many were dropped, by reason."""
    reasons = [entry.why for entry in dropped]
    return ", ".join(f"{reasons.count(why)} {why}" for why in dict.fromkeys(reasons))


def _value(dimension: Dimension, asked: Scalar) -> Scalar | None:
    """The knob's own value that was meant; the model's is never used."""
    return next((value for value in dimension.values[1:] if value is not None and _same(value, asked)), None)


def _same(one: Scalar, other: Scalar) -> bool:
    return _word(one) == _word(other)


def _word(value: Scalar) -> str:
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if whole else value).strip().lower()


def _shown(proposed: ProposedSetting) -> str:
    return plain(f"{proposed.name}={proposed.value}", 80)
