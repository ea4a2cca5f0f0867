"""Rules of the house that a reader of the tree can rely on. Each test names all offenders at once."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("evals", "graph", "kernels", "nodes", "prompts", "skills", "tests", "tools")
COPIED = "tools/overlay/runtime/"
"""Copied into bundles and known by its bytes: a class there may be named like one here."""

DESCRIBED = tuple(f"{folder}/" for folder in FOLDERS if folder != "tests")
"""Where every field of a record has a docstring, or a description that a language model is shown."""
NOT_YET_DESCRIBED: frozenset[str] = frozenset()
"""Files below ``DESCRIBED`` whose fields are still to be described. To be emptied."""

NOT_YET_FORMATTED: frozenset[str] = frozenset()
"""Files that still switch the formatter off. To be emptied."""

NOT_YET_RENAMED: frozenset[str] = frozenset()
"""Class names that are still defined twice. To be emptied."""

KERNELS_FILES = frozenset({"__init__.py", "__main__.py", "cli.py"})
UNFORMATTED = re.compile(r"#\s*fmt:\s*(?:skip|off|on)\b")
MODEL = "BaseModel"
ERROR_FORMS = ("Cannot ", "invalid value ")
"""How the text of a user error begins. The second is for one argument: ``invalid value 'x' for --y. Use …``."""


def sources() -> list[str]:
    """Python files of the tree, relative to its root."""
    found = (path.relative_to(ROOT) for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    return sorted(path.as_posix() for path in found if not {"__pycache__", ".venv"} & set(path.parts))


@cache
def text_of(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(text_of(name))


@cache
def classes() -> list[tuple[str, ast.ClassDef]]:
    """Classes outside tests, with the file that defines each."""
    return [
        (name, node)
        for name in sources()
        if not name.startswith("tests/") and "class " in text_of(name)
        for node in ast.walk(tree(name))
        if isinstance(node, ast.ClassDef)
    ]


def listed(offenders: list[str]) -> str:
    """All of them, one a line."""
    return "\n" + "\n".join(offenders)


def base_names(node: ast.ClassDef) -> set[str]:
    """Last parts of the names of the bases: ``Model`` of ``Model``, ``package.Model`` and ``Model[Item]``."""
    bases = (base.value if isinstance(base, ast.Subscript) else base for base in node.bases)
    return {base.attr if isinstance(base, ast.Attribute) else ast.unparse(base) for base in bases}


def models() -> set[str]:
    """Names of all classes that descend from pydantic's model, as far as their names tell."""
    defined = classes()
    found, before = {MODEL}, 0
    while len(found) > before:
        before = len(found)
        found |= {node.name for _, node in defined if base_names(node) & found}
    return found


def bare_fields(node: ast.ClassDef) -> list[str]:
    """Public fields that no string literal follows, and that have no ``Field(description=...)``."""
    following = [*node.body[1:], ast.Pass()]
    return [
        f"{node.name}.{field.target.id}"
        for field, after in zip(node.body, following, strict=True)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and not field.target.id.startswith(("_", "model_config"))
        and not is_docstring(after)
        and not has_description(field.value)
    ]


def is_docstring(node: ast.stmt) -> bool:
    """A string literal that says something."""
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str) and bool(value.value.strip())


def has_description(default: ast.expr | None) -> bool:
    """``Field(description=...)``: what a language model is shown of the field."""
    return isinstance(default, ast.Call) and any(keyword.arg == "description" for keyword in default.keywords)


def name_of(called: ast.expr) -> str:
    """Last part of the name of what is called; empty where it has none."""
    return called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""


def user_errors(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and opening words of each ``UserError(...)`` whose first argument is a literal."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and call.args and name_of(call.func) == "UserError":
            text = call.args[0]
            opening = text.values[0] if isinstance(text, ast.JoinedStr) and text.values else text
            if isinstance(opening, ast.Constant):
                yield call.lineno, str(opening.value)
            elif isinstance(text, ast.JoinedStr):
                yield call.lineno, ast.unparse(text)


def test_the_formatter_is_never_switched_off() -> None:
    offenders = [
        f"{name}:{number}"
        for name in sources()
        for number, line in enumerate(text_of(name).splitlines(), 1)
        if name not in NOT_YET_FORMATTED and UNFORMATTED.search(line)
    ]
    assert not offenders, listed(offenders)


def test_every_field_of_a_record_is_described() -> None:
    records = models()
    offenders = [
        f"{name}: {field}"
        for name, node in classes()
        if name.startswith(DESCRIBED) and name not in NOT_YET_DESCRIBED
        if node.name in records
        for field in bare_fields(node)
    ]
    assert not offenders, listed(offenders)


def test_no_class_name_is_defined_twice() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for name, node in classes():
        if not name.startswith(COPIED):
            places[node.name].append(name)
    offenders = [
        f"{name}: {', '.join(files)}"
        for name, files in sorted(places.items())
        if len(files) > 1 and name not in NOT_YET_RENAMED
    ]
    assert not offenders, listed(offenders)


def test_user_errors_say_what_cannot_be_done() -> None:
    offenders = [
        f"{name}:{line}: {text}"
        for name in sources()
        if "UserError(" in text_of(name)
        for line, text in user_errors(tree(name))
        if not text.startswith(ERROR_FORMS)
    ]
    assert not offenders, listed(offenders)


def test_kernels_has_no_loose_files() -> None:
    loose = {path.name for path in (ROOT / "kernels").iterdir() if path.is_file()} - KERNELS_FILES
    assert loose == set()


def test_the_rules_see_what_they_forbid() -> None:
    source = """
class A(pydantic.BaseModel, Base[int]):
    bare: int
    empty: int
    ""
    described: int = 1
    "Tokens."
    shown: int = Field(description="Tokens.")
    bounded: int = Field(ge=0)
"""
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.ClassDef)
    assert bare_fields(node) == ["A.bare", "A.empty", "A.bounded"]
    assert base_names(node) == {MODEL, "Base"}
    assert UNFORMATTED.search("x = 1  # fmt" + ": skip")
    errors = ast.parse(
        'UserError("no file", x), e.UserError(f"Cannot read {x}"), UserError(f"{x} missing"), UserError(x)'
    )
    assert [text for _, text in user_errors(errors)] == ["no file", "Cannot read ", "f'{x} missing'"]
