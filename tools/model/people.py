"""The people who appear in the stories and in the questions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """A first name with the pronoun that follows it."""

    name: str
    pronoun: str

    @property
    def possessive(self) -> str:
        """The possessive that belongs to the pronoun."""
        return "his" if self.pronoun == "he" else "her"


PEOPLE = tuple(
    Person(name, pronoun)
    for pronoun, names in (
        ("he", "Tom Ben Sam Max Leo Jack Paul Omar Ravi Luis"),
        ("she", "Anna Mia Lily Emma Sara Nina Kate Rosa Mei Zoe"),
    )
    for name in names.split()
)
