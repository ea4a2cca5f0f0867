"""What the pages name exists: files, links, commands, options, modules, and the steps on the picture."""

import importlib.util
import re
import runpy
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bankable.graph.machine import build

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "prompts" / "README.md",
        ROOT / "skills" / "README.md",
        ROOT / "kernels" / "diagnosis" / "layers" / "README.md",
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "docs" / "api").glob("*.md"),
    )
)
FOLDERS = "graph|nodes|prompts|skills|tools|kernels|evals|tests|docs|\\.github"
GENERATED = "docs/generated"
SPAN = re.compile(r"```[^\n]*\n(.*?)```|`([^`\n]+)`|^    (\S[^\n]*)$", re.DOTALL | re.MULTILINE)
"""Code: fenced, between backticks, or a paragraph of indented lines."""
COMMAND = re.compile(r"(?:python -m (graph|kernels|evals)|(?<![\w./-])(bankable))((?: [^\s`]+)*)")
MODULE = re.compile(r"python -m ((?:bankable|tests)\.[\w.]+)")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


@cache
def generator() -> dict[str, Any]:
    """The names of ``docs/generate.py``."""
    return runpy.run_path(str(ROOT / "docs" / "generate.py"))


@cache
def commands() -> dict[str, dict[tuple[str, ...], Any]]:
    """Commands of each program by their words."""
    found = generator()
    return {name: dict(found["leaves"](found["get_command"](app), ())) for name, app in found["PROGRAMS"].items()}


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def spans(page: str) -> Iterator[str]:
    for found in SPAN.finditer(text_of(page)):
        yield next(part for part in found.groups() if part is not None)


def anchors(path: Path) -> set[str]:
    """Of a page's headings, as the site and GitHub make them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_the_readme_is_short() -> None:
    assert len(text_of("README.md").splitlines()) <= 150


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    folder = (ROOT / page).parent
    for target in LINK.findall(text_of(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path = (folder / target.partition("#")[0]).resolve() if not target.startswith("#") else ROOT / page
        if path.parent == ROOT / GENERATED:
            assert path.name in generator()["PAGES"], target
        else:
            assert path.exists(), target
            anchor = target.partition("#")[2]
            assert not anchor or anchor in anchors(path), target


@pytest.mark.parametrize("page", PAGES)
def test_files_that_a_page_names_exist(page: str) -> None:
    for span in spans(page):
        for name in re.findall(rf"(?<![\w./-])((?:{FOLDERS})/[\w./*<>=+-]*)", span):
            if name.startswith(GENERATED):
                continue
            pattern = re.sub(r"<[^>]*>", "*", name).rstrip("/.")
            assert any(ROOT.glob(pattern)), name


@pytest.mark.parametrize("page", PAGES)
def test_commands_and_options_that_a_page_names_exist(page: str) -> None:
    for span in spans(page):
        for found in COMMAND.finditer(span.replace("\\\n", " ")):
            words = found[3].split()
            program = found[1] or "graph"
            if words and words[0] in commands() and words[0] != program:
                program, words = words[0], words[1:]
            if not words or not re.fullmatch(r"[a-z][a-z-]*", words[0]):
                continue
            known = commands()[program]
            called = next((tuple(words[:n]) for n in (2, 1) if tuple(words[:n]) in known), None)
            groups = {key[0] for key in known if len(key) > 1}
            if called is None:
                assert words[0] in groups, found[0]
                continue
            ours = words[: words.index("--")] if "--" in words else words
            options = {name for param in known[called].params for name in (*param.opts, *param.secondary_opts)}
            for option in (word.strip("[]") for word in ours):
                if option.startswith("--"):
                    assert option.partition("=")[0] in options, f"{found[0]}: {option}"


@pytest.mark.parametrize("page", PAGES)
def test_modules_that_a_page_starts_exist(page: str) -> None:
    for name in MODULE.findall(text_of(page)):
        assert importlib.util.find_spec(name.rstrip(".")) is not None, name


def test_the_generated_pages_have_every_rule_and_every_command() -> None:
    found = generator()
    rules = found["PAGES"]["rules.md"]()
    for entry in found["build_index"]().rules:
        assert f"| `{entry.id}` |" in rules
    page = found["PAGES"]["commands.md"]()
    for program, known in commands().items():
        for words in known:
            assert f"### {found['command_text'](program)} {' '.join(words)}\n" in page


def test_the_picture_of_imports_has_every_arrow_and_names_what_leads_up_or_round(tmp_path: Path) -> None:
    imports = runpy.run_path(str(ROOT / "docs" / "imports.py"))
    graph = imports["read_imports"](ROOT)
    assert ("graph.steps", "nodes.baseline") in graph.imports
    assert (graph.upward(), graph.circles()) == ([], [])
    packages = {imports["package_of"](module) for module in graph.modules}
    assert packages == set(imports["CENTRES"]) == {name for floor in imports["FLOORS"] for name in floor}
    assert imports["draw"](graph).count("<line ") == len(graph.between_packages())
    for name, text in {
        "graph/a.py": "from bankable.tools import low",
        "tools/low.py": "import bankable.nodes.role\nimport os",
        "nodes/role.py": "def late():\n    from bankable.tools.low import name",
    }.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    page = imports["page"](tmp_path)
    assert "Upward: `tools.low` imports `nodes.role`." in page
    assert "Circle: `nodes.role`, `tools.low`." in page
    assert page.count("stroke-dasharray") == 1


def test_the_picture_is_current_and_shows_every_step_of_the_machine() -> None:
    picture = runpy.run_path(str(ROOT / "docs" / "picture.py"))
    assert picture["FILE"].read_text(encoding="utf-8") == picture["draw"]()
    steps = set(build().get_graph().nodes) - {"__start__", "__end__"}
    assert {step.name for step in picture["STEPS"]} == steps
