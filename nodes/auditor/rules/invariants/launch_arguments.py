"""Servers that are up together differ in port; the command line holds the recorded configuration (C07 C10 R03)."""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.invariants.evidence import LEG, launches, replayed
from bankable.nodes.auditor.invariants.relation import Invariant, Relation, ValuePair
from bankable.nodes.auditor.reading.launch_args import parse
from bankable.nodes.auditor.reading.view import LegView
from bankable.tools.evidence.records import Side


def _together(case: Case) -> Iterator[tuple[LegView, LegView]]:
    """Both launches of a block that were up at the same time."""
    for block in case.blocks:
        first, second = block.reference.record, block.candidate.record
        if first is None or second is None or replayed(block.reference) or replayed(block.candidate):
            continue
        if first.host == second.host and min(first.stopped_at, second.stopped_at) > max(
            first.launched_at, second.launched_at
        ):
            yield block.legs()


def _ports(case: Case) -> Iterator[ValuePair]:
    for first, second in _together(case):
        ports = [parse(leg.record.argv)[0].get("port") for leg in (first, second) if leg.record is not None]
        if len(ports) == len(Side) and ports[0] is not None and ports[1] is not None:
            yield ValuePair(ports[1], ports[0], second.path(LEG))


def _flags(case: Case) -> Iterator[ValuePair]:
    """Every recorded flag on the command line, with its value."""
    for leg, record in launches(case):
        given = parse(record.argv)[0]
        for name, value in record.config.flags.items():
            if record.driver == "attached" or isinstance(value, bool):
                continue
            yield ValuePair(f"{name} {given.get(name, 'absent')}", f"{name} {value}", leg.path(LEG))


def _variables(case: Case) -> Iterator[ValuePair]:
    for leg, record in launches(case):
        for name, value in record.config.env.items():
            if record.driver != "attached":
                yield ValuePair(f"{name} {record.env.get(name, 'absent')}", f"{name} {value}", leg.path(LEG))


def _named(case: Case) -> Iterator[ValuePair]:
    for leg, record in launches(case):
        if case.planned is not None:
            yield ValuePair(
                record.leg_id[:4] + record.leg_id[4:].split("-again")[0],
                _name(record.block, record.side),
                leg.path(LEG),
            )


def _name(block: int, side: Side) -> str:
    return f"b{block:02d}-{side.value}"


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        id="own_port",
        left="leg.json: --port",
        relation=Relation.DISTINCT,
        right="leg.json: --port of the server beside it",
        tolerance=0.0,
        reason="two servers cannot share one",
        mode="C07",
        read=_ports,
    ),
    Invariant(
        id="flags_of_argv",
        left="leg.json: argv",
        relation=Relation.EQUAL,
        right="leg.json: config.flags",
        tolerance=0.0,
        reason="the command line is made from the configuration",
        mode="C10",
        read=_flags,
    ),
    Invariant(
        id="variables_of_env",
        left="leg.json: env",
        relation=Relation.EQUAL,
        right="leg.json: config.env",
        tolerance=0.0,
        reason="the environment is made from the configuration",
        mode="C10",
        read=_variables,
    ),
    Invariant(
        id="name_of_leg",
        left="leg.json: leg_id",
        relation=Relation.EQUAL,
        right="leg.json: block and side",
        tolerance=0.0,
        reason="the name is made from both",
        mode="R03",
        read=_named,
    ),
)
