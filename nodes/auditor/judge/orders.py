"""Settings of one judgment. Has few imports, so that the parent process does not load the judge's dependencies."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from bankable.tools.evidence.canonical import canonical, digest, file_digest
from bankable.tools.evidence.records import Record
from bankable.tools.llm.settings import EndpointSettings
from bankable.tools.skills.loader import MAX_SKILL_BYTES

ROLE = "judge"
SKILL = "patch_auditor"
VOTES = 3
"""Votes per judgment."""
TOKENS = 24_000
"""Evidence that one vote is shown, estimated tokens."""
_ROOT = Path(__file__).resolve().parents[3]
_PROMPT_FILES = ("prompts/judge.md", f"skills/{SKILL}/SKILL.md")


class Orders(Record):
    """Input of the judge's process, as JSON on stdin."""

    settings: EndpointSettings
    """Endpoint, model and limits."""
    votes: int = Field(default=VOTES, ge=1, le=15)
    """Number of votes to ask for."""
    tokens: int = Field(default=TOKENS, ge=0, le=1_000_000)
    """Evidence that one vote is shown, estimated tokens."""
    ledger: str | None = None
    """Path of the run's ledger of model calls, which the process appends to; ``None`` for none."""
    skill: str | None = Field(default=None, max_length=MAX_SKILL_BYTES)
    """Text of a skill to use instead of the judge's own; ``None`` for its own."""


def judge_digest() -> str:
    """sha256 over the judge's code, prompt and skill: all that a vote depends on beside model and evidence."""
    own = sorted(Path(__file__).parent.glob("*.py"))
    paths = [*own, *(_ROOT / name for name in _PROMPT_FILES)]
    return digest(canonical({path.relative_to(_ROOT).as_posix(): file_digest(path) for path in paths}))
