"""The table of attacks: how kernels pretend to be correct or fast, one source file each.

Nothing here harms the machine that it runs on: what would write, writes to a file of the bench; what would call out,
calls a listener of the bench on the loopback.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field

from bankable.tools.evidence.records import Record

FOLDER = Path(__file__).resolve().parent / "attacks"
TABLE = FOLDER / "attacks.toml"

Effect = Literal["", "decoy", "listener", "escapee"]


class Attack(Record):
    """One line of ``attacks.toml``."""

    name: str
    """Technique; its source is ``attacks/<name>.cpp``."""
    modes: tuple[str, ...] = Field(min_length=1)
    """Failure modes that it tries, by their ids in the auditor's index."""
    effect: Effect = ""
    """What the bench looks at besides the verdict, to say whether the attack had its effect."""
    ends_at_a_limit: bool = False
    """Whether it runs until a limit ends it, so that its limits are short."""

    @property
    def path(self) -> Path:
        """Its source file."""
        return FOLDER / f"{self.name}.cpp"


@cache
def load_attacks() -> tuple[Attack, ...]:
    """All of them, in the order of the table."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return tuple(Attack(name=name, **entry) for name, entry in table.items())
