"""The server's own log and report agree with what the load generator and the launch recorded (D11 C04 C08 C10 C17 R03).

Every request that was sent stands in the access log, and no other; the scheduler ran no more requests than were in
flight; the log's arguments, port, process and times are those of the launch. Logs without an access log have nothing to
compare with. One relation each.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.invariants.relation import Invariant, judge_invariants
from bankable.nodes.auditor.rule import COMPARISONS, Outcome, Rule
from bankable.nodes.auditor.rules.invariants import server_arguments, server_requests, server_times

INVARIANTS: tuple[Invariant, ...] = (
    *server_requests.INVARIANTS,
    *server_arguments.INVARIANTS,
    *server_times.INVARIANTS,
)


def check(case: Case) -> Iterator[Outcome]:
    return judge_invariants(INVARIANTS, case)


rule = Rule(
    "invariants_server",
    COMPARISONS,
    ("D11", "D14", "C17", "Q09", "R03", "C08", "C11", "C04", "C01", "C10", "Q10", "C18", "C16", "R02"),
    ("lever", "rounds"),
    check,
)
