"""LangSmith's filter expressions, as far as ``docs/tracing.md`` uses them, over the runs that a server received.

Pairs of ``metadata_key`` and ``metadata_value``, or of ``feedback_key`` and ``feedback_score``, belong together.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.graph.conftest import ROOT
from tests.tools.tracing.servers import LangSmithServer, Run

PAGE = ROOT / "docs" / "tracing.md"


@dataclass(frozen=True)
class Call:
    """``name(arguments)``; an argument is another call, a field's name, or a value."""

    name: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Field:
    name: str


def documented(page: Path = PAGE) -> list[str]:
    """The filters of the page, in order."""
    return re.findall(r"```filter\n(.+?)\n```", page.read_text(encoding="utf-8"), re.DOTALL)


def parsed(text: str) -> Call:
    """The grammar is a subset of Python's, with ``null`` and operators named ``and`` and ``or``."""
    safe = re.sub(r"\b(and|or)\(", r"\1_(", text)
    found = _made(ast.parse(safe, mode="eval").body)
    assert isinstance(found, Call)
    return found


def _made(node: ast.expr) -> Any:
    if isinstance(node, ast.Call):
        assert isinstance(node.func, ast.Name)
        return Call(node.func.id.rstrip("_"), tuple(map(_made, node.args)))
    if isinstance(node, ast.Name):
        return None if node.id == "null" else Field(node.id)
    assert isinstance(node, ast.Constant), ast.dump(node)
    return node.value


def calls(tree: Call) -> list[Call]:
    """The tree, and every call within it."""
    return [tree, *(deeper for argument in tree.arguments if isinstance(argument, Call) for deeper in calls(argument))]


def matching(server: LangSmithServer, text: str) -> list[Run]:
    """What the filter finds, in the order in which it began."""
    tree = parsed(text)
    found = [run for run in server.runs.values() if _holds(tree, run, server)]
    return sorted(found, key=lambda run: str(run.dotted_order))


def _holds(it: Call, run: Run, server: LangSmithServer) -> bool:
    if it.name in ("and", "or"):
        paired = {
            call.arguments[0].name: call.arguments[1]
            for call in it.arguments
            if call.name == "eq" and call.arguments[0].name.startswith(("metadata_", "feedback_"))
        }
        rest = [call for call in it.arguments if call.name != "eq" or call.arguments[0].name not in paired]
        results = [_holds(call, run, server) for call in rest]
        if "metadata_key" in paired:
            results.append(run.metadata.get(paired["metadata_key"]) == paired["metadata_value"])
        if "feedback_key" in paired:
            pair = (paired["feedback_key"], paired["feedback_score"])
            results.append(any(pair == (of["key"], of["score"]) for of in server.feedback if of["run_id"] == run.id))
        return all(results) if it.name == "and" else any(results)
    field, value = it.arguments
    if it.name == "has":
        return field == Field("tags") and value in run.tags
    assert it.name in ("eq", "neq"), it.name
    return (getattr(run, field.name) == value) is (it.name == "eq")
