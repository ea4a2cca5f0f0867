"""Proposals of settings by a model: the schema of an answer, and its validation against the search space."""

from __future__ import annotations

from collections.abc import Sequence

from bankable.tools.evidence.records import Record, Scalar
from bankable.tools.search.space import Dimension, SearchSpace

MOST = 3
"""Largest number of proposals of one answer that are considered."""
LONGEST = 200
"""Largest number of characters of a model's text that are kept."""


class ProposedSetting(Record):
    """One setting to try."""

    name: str
    """Name of the setting as the model writes it; leading dashes are accepted."""
    value: bool | int | float | str
    """Value to try."""
    because: str
    """Reason for it, in the model's words."""
    expected_gain: float
    """As a fraction; a guess, and of no effect."""


class ConfigurationProposal(Record):
    """Settings that may raise the throughput, at most three, best first; none when nothing is left to try."""

    proposals: tuple[ProposedSetting, ...]
    """Best first; those beyond ``MOST`` are dropped."""


class Admitted(Record):
    """A proposal that the search space allows."""

    name: str
    """Name of the setting in the search space, with underscores."""
    value: Scalar
    """One of the values that the search space has for it."""
    env: bool = False
    """The setting is an environment variable, not a flag."""
    because: str
    """The model's reason as one printable line of at most ``LONGEST`` characters."""
    expected_gain: float | None
    """The model's guess, as a fraction; ``None`` where the number is absurd. Of no effect."""


class DroppedProposal(Record):
    """A proposal that the search space does not allow."""

    what: str
    """The proposal, shortened for people."""
    why: str
    """Why it was not followed."""


def sift(answer: ConfigurationProposal, space: SearchSpace) -> tuple[list[Admitted], list[DroppedProposal]]:
    """What may be tried: only values that the registry of settings allows in this situation."""
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
    """Number of dropped proposals, by reason."""
    reasons = [entry.why for entry in dropped]
    return ", ".join(f"{reasons.count(why)} {why}" for why in dict.fromkeys(reasons))


def _value(dimension: Dimension, proposed: Scalar) -> Scalar | None:
    """The registry's own value that the proposal refers to; the model's object is never used."""
    return next((value for value in dimension.values[1:] if value is not None and _same(value, proposed)), None)


def _same(one: Scalar, other: Scalar) -> bool:
    return _word(one) == _word(other)


def _word(value: Scalar) -> str:
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if whole else value).strip().lower()


def _shown(proposed: ProposedSetting) -> str:
    return plain(f"{proposed.name}={proposed.value}", 80)
