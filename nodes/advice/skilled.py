"""A tool with which a role reads a skill; only skills for the role and its task are available."""

from __future__ import annotations

from pydantic import Field

from bankable.tools.errors import UserError
from bankable.tools.evidence.records import Record
from bankable.tools.llm.toolbox import Tool
from bankable.tools.skills.loader import skills_for


class LookAtSkill(Record):
    """Arguments of ``look_at_skill``."""

    name: str = Field(max_length=100)
    """Name of one of the skills that fit the task."""


def skill_tool(
    role: str, *, operator: str | None = None, device: str | None = None, dtype: str | None = None
) -> Tool[LookAtSkill]:
    """A tool that reads one of the role's skills."""
    fitting = {entry.head.name: entry for entry in skills_for(role, operator=operator, device=device, dtype=dtype)}

    def look(request: LookAtSkill) -> str:
        if request.name not in fitting:
            raise UserError(
                "Cannot read the skill: no skill of that name fits this task",
                "",
                f"use one of {', '.join(fitting) or 'none'}",
            )
        return fitting[request.name].body

    names = "; ".join(f"{name}: {entry.head.description}" for name, entry in fitting.items())
    return Tool(
        "look_at_skill", f"What is known about this kind of task. There are {names or 'none'}", LookAtSkill, look
    )


def skills_text(role: str, *, operator: str | None = None, device: str | None = None, dtype: str | None = None) -> str:
    """The texts of a role's skills for its task, concatenated."""
    skills = skills_for(role, operator=operator, device=device, dtype=dtype)
    return "\n\n".join(entry.body for entry in skills) or "nothing beyond this prompt"
