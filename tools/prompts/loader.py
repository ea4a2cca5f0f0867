"""Loads a role's prompt and fills in its placeholders. Prompts are Markdown files, never code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bankable.tools.errors import UserError
from bankable.tools.evidence.canonical import digest
from bankable.tools.skills.front_matter import ROLES

HOME = Path(__file__).resolve().parents[2] / "prompts"
SECTIONS = ("Role", "Inputs", "Discipline", "Output")
RULE = "The verdict is authoritative."
"""Stands in the discipline of every role."""
SCHEMAS: Mapping[str, str] = {
    "config_tuner": "ConfigurationProposal",
    "kernel_extractor": "ExtractionProposal",
    "op_benchmarker": "BenchmarkProposal",
    "kernel_author": "KernelProposal",
    "integrator": "IntegrationProposal",
    "strategist": "DirectionProposal",
    "judge": "Opinion",
}
"""What each role answers with; the last section of its prompt names it."""
PLACEHOLDERS: Mapping[str, tuple[str, ...]] = {
    "config_tuner": ("skills", "situation", "trials", "findings"),
    "kernel_extractor": ("skills", "profile", "choice", "findings"),
    "op_benchmarker": ("skills", "task", "findings"),
    "kernel_author": ("skills", "task", "diagnosis", "candidates", "findings"),
    "integrator": ("skills", "operator", "winner", "findings"),
    "strategist": ("skills", "profile", "history"),
    "judge": ("scope", "skill"),
}
"""What code fills in, by role: every one is used, and no other."""
_PLACE = re.compile(r"\{\{ ?([a-z_]+) ?\}\}")


@dataclass(frozen=True)
class RolePrompt:
    """A role's prompt with open placeholders."""

    role: str
    text: str
    sha256: str
    """Of the file."""

    def fill(self, **values: str) -> str:
        """The prompt with every placeholder replaced once: what is filled in is not read again.

        Raises ``ValueError`` when a value is missing or too many.
        """
        if values.keys() != set(PLACEHOLDERS[self.role]):
            raise ValueError(f"{self.role} needs {', '.join(PLACEHOLDERS[self.role])}")
        return _PLACE.sub(lambda match: values[match[1]], self.text)


def load_prompt(role: str, home: Path = HOME) -> RolePrompt:
    """A role's prompt. Raises ``UserError`` when it is missing or not complete."""
    if role not in ROLES:
        raise UserError(f"Cannot load the prompt: no role called {role!r}", "prompts", f"use one of {', '.join(ROLES)}")
    where = f"prompts/{role}.md"
    try:
        text = (home / f"{role}.md").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise UserError("Cannot load the prompt: no readable file", where, "give each role one Markdown file") from None
    fault = _fault(role, text)
    if fault:
        raise UserError(f"Cannot load the prompt: incomplete, {fault}", where, "edit the file")
    return RolePrompt(role, text, digest(text.encode()))


def _fault(role: str, text: str) -> str:
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    if tuple(headings) != SECTIONS:
        return f"the sections are {', '.join(SECTIONS)}"
    if RULE not in text.split("## Discipline")[1].split("## Output", maxsplit=1)[0]:
        return f"its discipline says: {RULE}"
    if f"`{SCHEMAS[role]}`" not in text.split("## Output")[1]:
        return f"its output names {SCHEMAS[role]}"
    used = set(_PLACE.findall(text))
    wrong = sorted(used ^ set(PLACEHOLDERS[role]))
    if wrong or text.count("{{") != len(_PLACE.findall(text)):
        return f"a placeholder that nobody fills in, or that is not used: {', '.join(wrong) or 'malformed'}"
    return ""
