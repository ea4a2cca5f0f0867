"""Exit codes of the commands, and the option that chooses JSON."""

from __future__ import annotations

from typing import Annotated

import typer

EXIT_CODES = {"PASS": 0, "FLAG": 10, "FAIL": 20}
OUTCOME_CODES = {"disproved": 21, "slower": 22, "worse": 23, "undecided": 24}
"""Exit codes of a FAIL whose only reason is the outcome: the launches decided against the change, or did not decide."""
GATE_CODES = {
    "begun": 0,
    "better": 0,
    "no_worse": 0,
    "refused": EXIT_CODES["FAIL"],
    "worse": OUTCOME_CODES["worse"],
    "inconclusive": OUTCOME_CODES["undecided"],
    "not_comparable": 25,
    "drifted": 26,
}
"""Exit codes of ``gate`` by its outcome."""
STOPPED = 130
WAITING = 3
"""Exit code of a run that is paused until a person answers."""

Json = Annotated[
    bool, typer.Option("--json", help="Print the result as JSON on standard output, progress on standard error.")
]
