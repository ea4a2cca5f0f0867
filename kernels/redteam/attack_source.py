"""Renders an attack for a family: the honest kernel, its entry point taken over, and the attack's own source file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from bankable.kernels.build.render import KernelSource, render
from bankable.kernels.operators import FAMILIES
from bankable.kernels.redteam.attack import FOLDER

ENTRY = re.compile(r'extern "C" void bankable_run\((.*?)\) \{', re.DOTALL)
SHARED = re.compile(r'^#include "(\w+\.h|shared/\w+\.h)"\n', re.MULTILINE)


def render_attack(
    family: str,
    dtype: str,
    choices: Mapping[str, int],
    code: str,
    definitions: Mapping[str, str] = MappingProxyType({}),
) -> KernelSource:
    """The family's kernel with these choices of its parameters, and an attack's ``code`` in place of its entry point.

    ``definitions`` are the macros of ``attacks/README.md`` with their values; those that the code names are defined.
    """
    chosen = FAMILIES[family]
    source = render(chosen, dtype, choices)
    entry = ENTRY.search(source.text)
    assert entry is not None, family
    parameters = [parameter.strip() for parameter in " ".join(entry[1].split()).split(",")]
    kernel, _, flags = source.text.rstrip("\n").rpartition("\n")
    text = _template().render(
        honest_kernel=kernel.replace(entry[0], f"static void honest({', '.join(parameters)}) {{"),
        definitions={name: value for name, value in definitions.items() if re.search(rf"\b{name}\b", code)},
        parameters=parameters,
        names=[parameter.split()[-1].lstrip("*") for parameter in parameters],
        first_input=chosen.lead((1,) * len(chosen.axes)),
        outputs=chosen.native_outputs,
        attack=code,
        flags=flags,
    )
    return replace(source, text=text)


def read_source(path: Path) -> str:
    """A source file with what it includes of ``shared/`` in place of the directive: a candidate is one file."""
    text = path.read_text(encoding="utf-8")
    return SHARED.sub(lambda directive: read_source(path.parent / directive[1]), text)


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("entry_point.cpp.j2")
