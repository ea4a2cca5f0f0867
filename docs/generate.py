"""Writes the pages that follow from the code into ``docs/generated``, before mkdocs builds the site.

The folder is made anew each time and git ignores it, so that no such page can be out of date. Runs in the
orchestrator's environment, for it imports the commands and the rules: ``.venv/bin/python docs/generate.py``.
"""

from __future__ import annotations

import re
import runpy
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
runpy.run_path(str(ROOT / "tools" / "start.py"))["register"]()

from typer.main import get_command

from bankable.graph.cli import app as graph_app
from bankable.graph.other_commands import OTHERS
from bankable.graph.routing import BRANCHES
from bankable.kernels.operators import FAMILIES
from bankable.nodes.auditor.importers.formats import FORMATS
from bankable.nodes.auditor.index import build_index, render_markdown
from bankable.tools.levers.registry import ALL_KNOBS

TARGET = ROOT / "docs" / "generated"
IMPORTS = runpy.run_path(str(ROOT / "docs" / "imports.py"))
PROGRAMS = {"graph": graph_app, **{name: import_module(module).app for name, (module, _) in OTHERS.items()}}
"""The command lines, by the first word behind ``bankable``; ``graph`` stands for none."""


def main() -> None:
    """Write every generated page."""
    shutil.rmtree(TARGET, ignore_errors=True)
    TARGET.mkdir(parents=True)
    for name, write in PAGES.items():
        (TARGET / name).write_text(write(), encoding="utf-8")


def commands() -> str:
    """Every command of the three command lines with its arguments and options."""
    lines = [
        "# Command line",
        "",
        "This page is generated from the commands themselves. In a checkout the three programs are `python -m graph`, "
        "`python -m kernels` and `python -m evals`; where the package is installed they are `bankable` (or "
        "`python -m bankable`), `bankable kernels` and `bankable evals`. A user's mistake is one line on standard "
        "error and exit code 2.",
    ]
    for name, app in PROGRAMS.items():
        root, program = get_command(app), command_text(name)
        lines += ["", f"## {program}", "", _help(root.help)]
        for words, command in leaves(root, ()):
            lines += ["", f"### {program} {' '.join(words)}", "", _help(command.help), "", *_parameters(command)]
    return "\n".join(lines) + "\n"


def rules() -> str:
    """The auditor's rules and the failure modes that they decide."""
    index = build_index()
    tables = render_markdown(index).split("\n\n")
    return "\n".join(
        [
            "# Rules and failure modes",
            "",
            f"This page is generated from the code. {len(index.rules)} rules decide the failure modes below. *Needs* "
            "names the evidence without which a rule cannot be asked: then its answer is *unverifiable*, which is "
            "never a PASS. *Gives* says how much its findings can weigh. `python -m graph rules` prints the same.",
            "",
            "## Rules",
            "",
            tables[0],
            "",
            "## Failure modes",
            "",
            "A failure mode is a known way in which a claimed gain turns out false. C: the conditions of the two legs "
            "differ. D: the difference is not there. E: the change never ran. A: the credit goes to the wrong change. "
            "H: the isolated figure of an operator is wrong. Q: the answers are wrong. P: the profile misleads. R: the "
            "report says something else than the records.",
            "",
            tables[1],
            "",
        ]
    )


def readers() -> str:
    """Which files `audit` reads, and from which version of its tool each reader was written."""
    lines = [
        "# Readers of benchmark files",
        "",
        "This page is generated from the readers. A format is recognised by its content, never by the name of a file.",
    ]
    for each in FORMATS:
        lines += ["", f"## {each.name}", "", _prose(_module_text(each.read.__module__))]
    return "\n".join(lines) + "\n"


def operators() -> str:
    """The operator families: patch point, parameters and tolerances."""
    lines = [
        "# Operator families",
        "",
        "This page is generated from `kernels/operators/*/definition.py`. The patch point is the place in sglang where "
        "an overlay puts our kernel. A tolerance is the largest |got − want| / max(|want|, rms(want)) of any element.",
    ]
    for family in FAMILIES.values():
        lines += [
            "",
            f"## {family.title}",
            "",
            f"`{family.name}`, shape `{'x'.join(family.axes)}`, patch point `{family.module}`: `{family.attribute}`"
            + (f" ({family.branch})" if family.branch else ""),
            "",
            "| parameter | values, default first | meaning |",
            "| --- | --- | --- |",
            *(
                f"| `{parameter.name}` | {', '.join(map(str, parameter.values))} | {_cell(parameter.meaning)} |"
                for parameter in family.parameters
            ),
            *(
                f"| `fixed_{axis}` | 0, or a size | compiled for this size, right at all others |"
                for axis in family.specialised
            ),
            "",
            "| dtype | tolerance | why |",
            "| --- | --- | --- |",
            *(
                f"| {dtype} | {limit.relative_error:.3g} | {_cell(limit.reason)} |"
                for dtype, limit in family.allowed.items()
            ),
        ]
    return "\n".join(lines) + "\n"


def routing() -> str:
    """Every conditional edge of the machine with its verdicts and conditions."""
    lines = [
        "# Conditional edges",
        "",
        "This page is generated from `graph/routing.py`, the tables that route. The first row that matches is taken. "
        "*Attempts* are counted within one loop.",
    ]
    for branch in BRANCHES:
        lines += [
            "",
            f"## After {branch.source.replace('_', ' ')}",
            "",
            "| verdict | when | leads to |",
            "| --- | --- | --- |",
        ]
        lines += [
            f"| {', '.join(row.verdicts) or '–'} | {', '.join(each.text for each in row.conditions) or 'otherwise'} "
            f"| {row.to.replace('_', ' ')} |"
            for row in branch.rows
        ]
    return "\n".join(lines) + "\n"


def knobs() -> str:
    """The settings of the engine that a run may change."""
    lines = [
        "# Settings that are searched",
        "",
        "This page is generated from `tools/levers/`. Class A is the same work done faster, class B an algorithmic or "
        "serving lever. A setting is tried only where this engine knows it, on the devices named, and where a value "
        "other than the default makes sense for the workload.",
        "",
        "| setting | class | devices | what it does |",
        "| --- | --- | --- | --- |",
    ]
    for each in ALL_KNOBS:
        kind = " (environment)" if each.env else ""
        lines.append(f"| `{each.name}`{kind} | {each.lever_class} | {', '.join(each.devices)} | {_cell(each.reason)} |")
    return "\n".join(lines) + "\n"


def copy_page(name: str) -> str:
    """A page that stands elsewhere in the repository, for the site."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return re.sub(r"\]\((?:\.\./)*docs/", "](../", text)


def command_text(name: str) -> str:
    """A command line as it is called in a checkout."""
    return f"python -m {name}" if (ROOT / name / "__main__.py").is_file() else f"python -m graph {name}"


def leaves(group: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Commands that are shown in the help, with the words that call them; command lines of their own are left out."""
    for name, command in group.commands.items():
        if getattr(command, "hidden", False) or (not words and name in OTHERS):
            continue
        if hasattr(command, "commands"):
            yield from leaves(command, (*words, name))
        else:
            yield (*words, name), command


def _parameters(command: Any) -> list[str]:
    shown = [param for param in command.params if not getattr(param, "hidden", False) and param.name != "help"]
    arguments = [entry for entry in shown if entry.param_type_name == "argument"]
    options = [item for item in shown if item.param_type_name == "option"]
    lines: list[str] = []
    if arguments:
        lines += ["| argument | |", "| --- | --- |", *(_argument(argument) for argument in arguments), ""]
    if options:
        lines += ["| option | default | |", "| --- | --- | --- |", *(_option(option) for option in options)]
    return lines


def _argument(parameter: Any) -> str:
    name = parameter.name.upper()
    return f"| `{name}`{'' if parameter.required else ' (optional)'} | {_cell(parameter.help or '')} |"


def _option(parameter: Any) -> str:
    names = ", ".join(f"`{name}`" for name in [*parameter.opts, *parameter.secondary_opts])
    help_ = _cell(parameter.help or "")
    variable = parameter.envvar if isinstance(parameter.envvar, str) else ""
    return f"| {names} | {_default(parameter)} | {help_}{f' Environment: `{variable}`.' if variable else ''} |"


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    if parameter.name == "jobs":
        return "all cores"
    value = parameter.default
    if value is None or value is False or value == "" or callable(value):
        return ""
    if isinstance(value, Path):
        value = value.relative_to(ROOT) if value.is_relative_to(ROOT) else value
    values: Sequence[Any] = value if isinstance(value, list | tuple) else (value,)
    return ", ".join(f"`{each}`" for each in values) if value is not True else "on"


def _help(text: str | None) -> str:
    """Paragraphs of a docstring; indented lines stay as they are."""
    return (text or "").replace("\b", "").strip().replace("<", "&lt;")


def _module_text(module: str) -> str:
    return sys.modules[module].__doc__ or ""


def _prose(text: str) -> str:
    return text.strip().replace("``", "`")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("``", "`").replace("<", "&lt;")


PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands,
    "rules.md": rules,
    "readers.md": readers,
    "operators.md": operators,
    "knobs.md": knobs,
    "routing.md": routing,
    "imports.md": lambda: IMPORTS["page"](ROOT),
    "layers.md": lambda: copy_page("kernels/diagnosis/layers/README.md"),
    "changelog.md": lambda: copy_page("CHANGELOG.md"),
}
"""What writes the text of each page."""


if __name__ == "__main__":
    main()
