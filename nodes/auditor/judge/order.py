"""Which files the judge is shown, and in which order: what says most about the change comes first.

1. the request, 2. sources of the overlay, 3. plan, 4. claim, 5. answers of the first legs that have some,
6. engagement, 7. faults, beginning and end of the first logs, 8. how the first candidate was launched, 9. records of
benchmarks, 10. profile and route, 11. plans and claims of a bundle's parts. Each group may take a share of the budget;
what it leaves goes to those behind it. Timings, host samples and the ledger are arithmetic, and never shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

SIDES = ("candidate", "reference")
OVERLAY = r"comparison/overlay/.+"
CODE = r"\.(py|json|c|cc|cpp|h|hpp|cu|cuh|hip|s)"
"""Of an overlay only what is run: a note beside it is a producer's word."""


@dataclass(frozen=True)
class Group:
    """Files of one kind."""

    files: tuple[str, ...]
    share: float
    """Of the whole budget, at most."""
    log: bool = False
    """Shown in excerpts: faults, beginning, end."""


def groups(files: Sequence[str]) -> tuple[Group, ...]:
    """The files of a sealed folder in the order in which they are shown; empty groups are left out."""
    found = (
        Group(_matching(files, r"request\.json"), 0.05),
        Group(_matching(files, OVERLAY + CODE), 0.5),
        Group(_matching(files, r"comparison/plan\.json"), 0.15),
        Group(_matching(files, r"(comparison|operator)/claim\.json"), 0.15),
        Group(tuple(_first_legs(files, "outputs.jsonl")), 0.25),
        Group(tuple(_first_legs(files, "engagement.jsonl")), 0.1),
        Group(tuple(_first_legs(files, "server.log")), 0.15, log=True),
        Group(tuple(_first_legs(files, "leg.json", sides=SIDES[:1])), 0.15),
        Group(_matching(files, r"operator/(task\.json|measurement\.json|opbench_runs\.jsonl)"), 0.5),
        Group(_matching(files, r"operators/[^/]+/(task\.json|measurement\.json|claim\.json)"), 0.2),
        Group(_matching(files, r"profile/(profile|route)\.json"), 0.3),
        Group(_matching(files, r"components/[^/]+/(plan|claim)\.json"), 0.3),
    )
    return tuple(group for group in found if group.files)


def kept_out(files: Iterable[str]) -> tuple[str, ...]:
    """Files of the overlay that are no source."""
    return tuple(name for name in files if re.fullmatch(OVERLAY, name) and not re.fullmatch(OVERLAY + CODE, name))


def _matching(files: Iterable[str], pattern: str) -> tuple[str, ...]:
    return tuple(name for name in files if re.fullmatch(pattern, name))


def _first_legs(files: Sequence[str], name: str, sides: Sequence[str] = SIDES) -> Iterator[str]:
    """This file of the first leg of each side that has it, by block."""
    for side in sides:
        yield from sorted(_matching(files, rf"comparison/legs/b\d+-{side}[^/]*/{re.escape(name)}"))[:1]
