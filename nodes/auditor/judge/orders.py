"""How the judge is to be asked. Light: whoever starts its process need not load what it needs."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from bankable.tools.evidence.canonical import canonical, digest, file_digest
from bankable.tools.evidence.records import Record
from bankable.tools.llm.settings import Settings
from bankable.tools.skills.loader import MAX_SKILL_BYTES

ROLE = "judge"
SKILL = "patch_auditor"
VOTES = 3
TOKENS = 24_000
"""Of evidence that one vote is shown, estimated."""
_ROOT = Path(__file__).resolve().parents[3]
_TOLD = ("prompts/judge.md", f"skills/{SKILL}/SKILL.md")


class Orders(Record):
    """What the judge's process is told on its standard input."""

    settings: Settings
    votes: int = Field(default=VOTES, ge=1, le=15)
    tokens: int = Field(default=TOKENS, ge=0, le=1_000_000)
    ledger: str | None = None
    """File of the ledger of calls, that this process goes on with."""
    skill: str | None = Field(default=None, max_length=MAX_SKILL_BYTES)
    """Text of a skill that is tried in place of the judge's own; the rest stays as it is."""


def judge_digest() -> str:
    """sha256 over everything that decides what is asked and how votes are weighed, but the model."""
    own = sorted(Path(__file__).parent.glob("*.py"))
    paths = [*own, *(_ROOT / name for name in _TOLD)]
    return digest(canonical({path.relative_to(_ROOT).as_posix(): file_digest(path) for path in paths}))
