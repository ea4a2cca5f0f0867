"""An honest kernel inside another entry point: what a cheat does around, in place of, or after the honest work."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from bankable.kernels.build.render import Source, render
from bankable.kernels.operators import FAMILIES

ENTRY = re.compile(r'extern "C" void bankable_run\((.*?)\) \{', re.DOTALL)
COUNT = "++calls_here;"


def wrapped(family: str, dtype: str, choices: Mapping[str, int], body: str, *, above: str = "") -> Source:
    """The family's kernel as ``honest``, and an entry point of this ``body``.

    In ``body`` and ``above``, ``HONEST`` is the honest call, ``COUNT`` counts a call as that does, ``LEAD`` is the
    first input, ``OUT`` and ``N`` the first output and its elements, and ``EACH(statement)EACH`` the statement for
    every output: in it ``out``, ``n`` and ``which`` are that output, its elements and its number.
    """
    chosen = FAMILIES[family]
    outputs, source = chosen.native_outputs, render(chosen, dtype, choices)
    entry = ENTRY.search(source.text)
    assert entry is not None, family
    parameters = " ".join(entry[1].split())
    names = [it.split()[-1].lstrip("*") for it in parameters.split(",")]
    text, _, last = source.text.rstrip("\n").rpartition("\n")
    text = text.replace(entry[0], f"static void honest({parameters}) {{")
    out, count = next(iter(outputs.items()))
    filled = {
        "HONEST": f"honest({', '.join(names)});",
        "COUNT": COUNT,
        "LEAD": chosen.lead((1,) * len(chosen.axes)),
        "OUT": out,
        "N": f"({count})",
    }

    def done(said: str) -> str:
        each = re.compile(r"EACH\((.*?)\)EACH", re.DOTALL)
        said = each.sub(
            lambda it: "".join(
                f"{{ elem* out = {name}; const int64_t n = {size}; const int which = {index}; (void)which; (void)n;"
                f" {it[1]} }}\n"
                if name != "out"
                else f"{{ const int64_t n = {size}; const int which = {index}; (void)which; (void)n; {it[1]} }}\n"
                for index, (name, size) in enumerate(outputs.items())
            ),
            said,
        )
        return re.sub(r"\b(HONEST|COUNT|LEAD|OUT|N)\b", lambda it: filled[it[1]], said)

    whole = f'{text}\n{done(above)}\nextern "C" void bankable_run({parameters}) {{\n{done(body)}\n}}\n{last}\n'
    return replace(source, text=whole)
