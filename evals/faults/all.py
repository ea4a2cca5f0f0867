"""The list of all faults, and lookup by name or failure mode."""

from __future__ import annotations

from collections.abc import Sequence

from bankable.evals.faults import answers, conditions, isolated, measured
from bankable.evals.faults.fault import Fault
from bankable.tools.errors import UserError

FAULTS: tuple[Fault, ...] = (*conditions.FAULTS, *measured.FAULTS, *answers.FAULTS, *isolated.FAULTS)


def select_faults(names: Sequence[str]) -> list[Fault]:
    """Faults by name, by mode (``C15``) or all. Raises ``UserError`` on an unknown name."""
    unknown = [name for name in names if name not in {part for fault in FAULTS for part in (fault.name, fault.mode)}]
    if unknown:
        raise UserError("Cannot find the fault", ", ".join(unknown), "run `python -m evals faults` for the names")
    return [fault for fault in FAULTS if not names or fault.name in names or fault.mode in names]


def describe_faults() -> str:
    """One line per fault."""
    head = f"{'fault':<28}{'harmless to':>12}{'caught from':>12}  unit"
    return "\n".join(
        [head, *(f"{fault.name:<28}{fault.harmless:>12g}{fault.caught:>12g}  {fault.unit}" for fault in FAULTS)]
    )
