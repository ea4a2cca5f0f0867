"""Maps operators that we replace to their work in a profile of the engine: ``profile.toml`` beside an operator's code.

The code of operators is in ``kernels/operators/<name>/``, which nothing here imports: what a profile and the auditor
need of it is data, read by its path. An operator without such a file is in a profile under its own name.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from pydantic import Field

from bankable.tools.evidence.records import Record
from bankable.tools.operators import OPERATORS, operator_folders
from bankable.tools.profiling.records import OperatorFamily, StepPhase


class CallPattern(Record):
    """A chain of framework calls that one kernel can replace."""

    chain: str
    """Its name in ``profile.json``."""
    family: OperatorFamily
    """Kind of work that the chain counts as."""
    calls: str
    """Regular expression over the calls, each a letter of ``tools/profiling/chains.py``."""


class Replaced(Record):
    """What an operator replaces, by the names that a profile has for it."""

    chains: tuple[str, ...] = ()
    """Names of chains: all of them together are the operator. Empty: the chain of the operator's own name."""
    ops: tuple[str, ...] = ()
    """Names of framework operators, any of which it replaces. Empty: those of the operator's own name."""
    kernels: tuple[str, ...] = ()
    """Names in the engine's own kernel package, ``sgl_kernel``: all of them together are the operator."""
    phase: StepPhase | None = None
    """The phase whose calls it replaces; ``None``: all of them."""
    shared: bool = False
    """Whether the patch point gets other calls too, which the kernel hands on: those of few rows, say."""
    free: tuple[int, ...] = (0,)
    """Dimensions of its shapes that differ from call to call, by position: rows, and the length of a context."""
    patterns: tuple[CallPattern, ...] = Field(default=(), alias="pattern")
    """Chains that only this operator needs to have recognised."""


@cache
def replaced_work(folder: Path = OPERATORS) -> dict[str, Replaced]:
    """By operator; of every one that has a ``definition.py``. Raises ``ValidationError`` for a file that is not so."""
    return {name: _read(place / "profile.toml") for name, place in operator_folders(folder).items()}


def _read(path: Path) -> Replaced:
    return Replaced.model_validate(tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {})
