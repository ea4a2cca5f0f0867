"""Renders C++ source from a family, a dtype and a choice of parameters, with compiler flags and a digest over both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bankable.kernels.operators.family import Choices, Dims, Family, combinations
from bankable.kernels.task.dtype import dtype_of
from bankable.tools.errors import UserError
from bankable.tools.evidence.canonical import digest

TEMPLATES = Path(__file__).resolve().parents[1] / "operators"
FLAGS = ("-std=c++17", "-O3", "-march=native", "-fopenmp", "-fPIC", "-shared", "-fno-math-errno", "-fno-trapping-math")
EXACT = "-ffp-contract=off"
"""Keeps a product and a sum as two roundings, as in the engine's eager operators."""
CONTRACTED = "-ffp-contract=fast"


@dataclass(frozen=True)
class KernelSource:
    """A kernel that can be compiled. Two with the same digest are the same kernel."""

    family: str
    dtype: str
    choices: Choices
    text: str
    flags: tuple[str, ...]

    @cached_property
    def digest(self) -> str:
        """sha256 of the text; the flags that matter stand in its last line."""
        return digest(self.text.encode())

    @cached_property
    def novelty(self) -> str:
        """sha256 of the compiled text without its first line (the choices). Equal digests are one kernel."""
        return digest(self.text.partition("\n")[2].encode())

    @property
    def implementation(self) -> str:
        """Id in the rows of an operator benchmark."""
        return f"cpp-{self.digest[:12]}"


def render(family: Family, dtype: str, choices: Mapping[str, int] | None = None) -> KernelSource:
    """The family's template with every parameter set. Raises ``UserError`` for a parameter or dtype that it lacks."""
    dtype = dtype_of(family, dtype)
    chosen = family.defaults() | dict(choices or {})
    _check(family, chosen)
    rounding = CONTRACTED if family.contracted else EXACT
    flags = (*FLAGS, rounding, f"-mprefer-vector-width={chosen['vector_bits']}")
    body = (
        _environment()
        .get_template(f"{family.name}/kernel.cpp.j2")
        .render(family=family.name, dtype=dtype, choices=chosen)
    )
    return KernelSource(family.name, dtype, chosen, f"{body}// g++ {' '.join(flags)}\n", flags)


def every_choice(family: Family, shapes: tuple[Dims, ...] = ()) -> Iterator[dict[str, int]]:
    """All combinations of the template's parameters, the default first; axes fixed at the sizes of ``shapes``."""
    values = {parameter.name: parameter.values for parameter in family.parameters}
    for axis in family.specialised:
        place = family.axes.index(axis)
        values[f"fixed_{axis}"] = (0, *sorted({dims[place] for dims in shapes}))
    return combinations(values)


@cache
def _environment() -> Environment:
    """One for all sources: a template is parsed once."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _check(family: Family, chosen: Mapping[str, int]) -> None:
    allowed = {parameter.name: parameter.values for parameter in family.parameters}
    for name, value in chosen.items():
        fixed = name.startswith("fixed_") and name.removeprefix("fixed_") in family.specialised
        if not fixed and name not in allowed:
            raise UserError(
                f"Cannot render the kernel: {family.name} has no parameter {name}",
                "",
                f"use one of {', '.join(family.defaults())}",
            )
        if value < 0 or (not fixed and value not in allowed[name]):
            raise UserError(
                f"Cannot render the kernel: {name}={value} is not offered",
                family.name,
                "run `python -m kernels families` for the values",
            )
