"""All faults, and how to find one by its name."""

from __future__ import annotations

from collections.abc import Sequence

from bankable.evals.faults import answers, conditions, isolated, measured
from bankable.evals.faults.fault import Fault
from bankable.tools.errors import UserError

FAULTS: tuple[Fault, ...] = (*conditions.FAULTS, *measured.FAULTS, *answers.FAULTS, *isolated.FAULTS)


def named(names: Sequence[str]) -> list[Fault]:
    """Faults by name, by mode (``C15``) or all. Raises ``UserError`` on what there is not."""
    unknown = [name for name in names if name not in {part for it in FAULTS for part in (it.name, it.mode)}]
    if unknown:
        raise UserError("no such fault", ", ".join(unknown), "`python -m evals faults` lists them")
    return [it for it in FAULTS if not names or it.name in names or it.mode in names]


def listed() -> str:
    """One line per fault."""
    head = f"{'fault':<28}{'harmless to':>12}{'caught from':>12}  unit"
    return "\n".join([head, *(f"{it.name:<28}{it.harmless:>12g}{it.caught:>12g}  {it.unit}" for it in FAULTS)])
