"""Selects and orders the files that the judge is shown, the most informative about the change first.

1. the request, 2. sources of the overlay, 3. plan, 4. claim, 5. answers of the first legs that have some,
6. engagement, 7. faults, beginning and end of the first logs, 8. how the first candidate was launched, 9. records of
operator benchmarks, 10. profile and route, 11. plans and claims of a bundle's parts. Each group may take a share of
the token budget; what it leaves goes to the groups after it. Timings, host samples and the ledger are arithmetic and
are never shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

SIDES = ("candidate", "reference")
OVERLAY = r"comparison/overlay/.+"
CODE = r"\.(py|json|c|cc|cpp|h|hpp|cu|cuh|hip|s)"
"""Files of an overlay that are executed; notes beside them are a producer's statements and are not shown."""


@dataclass(frozen=True)
class Group:
    """Files of one kind."""

    files: tuple[str, ...]
    """Paths in the sealed folder."""
    share: float
    """Largest share of the token budget, 0 to 1."""
    log: bool = False
    """Whether it is a log, of which faults, beginning and end are shown."""


def group_files(files: Sequence[str]) -> tuple[Group, ...]:
    """The files of a sealed folder in the order in which they are shown; empty groups are left out."""
    candidates = (
        Group(_match(files, r"request\.json"), 0.05),
        Group(_match(files, OVERLAY + CODE), 0.5),
        Group(_match(files, r"comparison/plan\.json"), 0.15),
        Group(_match(files, r"(comparison|operator)/claim\.json"), 0.15),
        Group(tuple(_select_first_legs(files, "outputs.jsonl")), 0.25),
        Group(tuple(_select_first_legs(files, "engagement.jsonl")), 0.1),
        Group(tuple(_select_first_legs(files, "server.log")), 0.15, log=True),
        Group(tuple(_select_first_legs(files, "leg.json", sides=SIDES[:1])), 0.15),
        Group(_match(files, r"operator/(task\.json|measurement\.json|opbench_runs\.jsonl)"), 0.5),
        Group(_match(files, r"operators/[^/]+/(task\.json|measurement\.json|claim\.json)"), 0.2),
        Group(_match(files, r"profile/(profile|route)\.json"), 0.3),
        Group(_match(files, r"components/[^/]+/(plan|claim)\.json"), 0.3),
    )
    return tuple(group for group in candidates if group.files)


def list_non_source_files(files: Iterable[str]) -> tuple[str, ...]:
    """Files of the overlay that are not source files."""
    return tuple(name for name in files if re.fullmatch(OVERLAY, name) and not re.fullmatch(OVERLAY + CODE, name))


def _match(files: Iterable[str], pattern: str) -> tuple[str, ...]:
    return tuple(name for name in files if re.fullmatch(pattern, name))


def _select_first_legs(files: Sequence[str], name: str, sides: Sequence[str] = SIDES) -> Iterator[str]:
    """This file of the first leg of each side that has it, by block."""
    for side in sides:
        yield from sorted(_match(files, rf"comparison/legs/b\d+-{side}[^/]*/{re.escape(name)}"))[:1]
