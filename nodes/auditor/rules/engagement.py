"""The declared change took effect in the servers that were measured, and only there (E01 E02 E05 E08 C10).

Per candidate leg: the resolved arguments show every flag of the lever at its declared value, however it is spelled; per
reference leg they show another one. A variable is not in the server's report: the recorded environment of the process
stands for it, except for a number of threads where the engine overrides it and binds its threads itself. A knob that
the engine is known not to read cannot do anything. ``engagement.jsonl`` must agree with the raw answer of the server.
Replaced operators are asked about by ``kernel_engagement``.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.reading.resolved import same_value
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.rule import GAINS, Outcome, Remark, Rule, Unverifiable, at, fail
from bankable.nodes.auditor.verdict import Severity
from bankable.tools.evidence.records import Scalar
from bankable.tools.evidence.reference import binds_threads
from bankable.tools.evidence.threads import BIND, OMP

ADVICE = "check the server's resolved arguments after launch; a flag may be accepted, served with, and ignored"


def check(case: Case) -> Iterator[Outcome]:
    for name, argument in case.knobs.items():
        if argument is not None and argument.unread:
            yield fail(
                "a setting that the engine reads",
                f"{name} is accepted and read nowhere",
                "drop this lever: whatever was measured is noise",
                at(case.lever_file),
                modes=("E01",),
                code="unread",
            )
    for block in case.blocks:
        for name, value in sorted(case.lever.flags.items()):
            yield from _flag(block.reference, block.candidate, name, value)
        for name, text in sorted(case.lever.env.items()):
            yield from _variable(block.reference, block.candidate, name, text)
        yield from _log(case, block.candidate)


def _flag(reference: LegView, candidate: LegView, name: str, value: Scalar) -> Iterator[Outcome]:
    resolved, base = candidate.server_info or {}, reference.server_info or {}
    where = at(candidate.path("server_info.json"))
    if name not in resolved:
        what, fix = f"{name} in the server's resolved arguments", "log what ran"
        yield Unverifiable(what, (where,), code="not_reported", fix=fix)
    elif not _equal(resolved[name], value):
        yield fail(
            f"{name} = {value}",
            f"{name} = {resolved[name]}"[:300],
            ADVICE,
            where,
            modes=("C10", "E02", "E05"),
            code="not_engaged",
        )
    elif name in base and _equal(base[name], value):
        yield fail(
            f"a reference without {name} = {value}",
            "both legs resolve to the same value",
            "the reference runs the change too: nothing was compared",
            at(reference.path("server_info.json")),
            where,
            modes=("E08",),
            code="both_engaged",
        )


def _variable(reference: LegView, candidate: LegView, name: str, text: str) -> Iterator[Outcome]:
    where = at(candidate.path("leg.json"))
    if candidate.record is None or reference.record is None:
        what = f"whether {name} took effect: the server reports no environment"
        yield Unverifiable(what, (where,), fix="log what ran")
    elif name == (OMP if binds_threads(candidate.record) else BIND):
        bound, native = f"the engine binds its threads by {BIND}", "an engine without kernels that bind threads"
        yield fail(
            f"an engine that reads {name}",
            bound if name == OMP else native,
            "set the variable that this engine reads, on the candidate alone",
            where,
            modes=("E01", "E05"),
            code="overridden",
        )
    elif candidate.record.env.get(name) != text:
        yield fail(
            f"{name}={text} in the environment",
            f"{name}={candidate.record.env.get(name)}",
            ADVICE,
            where,
            modes=("E05",),
            code="not_engaged",
        )
    elif reference.record.env.get(name) == text:
        yield fail(
            f"a reference without {name}={text}",
            "both legs have it",
            "the reference runs the change too",
            at(reference.path("leg.json")),
            where,
            modes=("E08",),
            code="both_engaged",
        )


def _log(case: Case, leg: LegView) -> Iterator[Outcome]:
    where = at(leg.path("engagement.jsonl"))
    if not leg.has("engagement.jsonl"):
        yield Unverifiable("engagement.jsonl", (where,), Severity.FLAG, own_runs_only=True)
        return
    resolved = leg.server_info or {}
    by_name = {record.name: record for record in leg.engagement}
    for name in sorted([*case.lever.flags, *case.lever.env]):
        record = by_name.get(name)
        if record is None:
            yield Unverifiable(f"{name} in engagement.jsonl", (where,), Severity.FLAG)
        elif not record.engaged:
            yield fail(
                f"{name} engaged", f"{name} = {record.resolved}", ADVICE, where, modes=("E01",), code="not_engaged"
            )
        elif record.operator == "flag" and name in resolved and str(resolved[name]) != str(record.resolved):
            yield fail(
                f"{name} = {resolved[name]} as the server says"[:300],
                f"{name} = {record.resolved}"[:300],
                "engagement must be written from the server's answer",
                where,
                modes=("E02", "D14"),
                code="engagement_differs",
            )
        elif record.operator != "flag":
            yield Remark(f"{name}: proved by the environment of the process only, in {leg.name}")


def _equal(resolved: object, wanted: Scalar) -> bool:
    single = resolved[0] if isinstance(resolved, list) and len(resolved) == 1 else resolved
    return resolved == wanted or same_value(str(single), str(wanted))


rule = Rule(
    "engagement", GAINS, ("C10", "E01", "E02", "E05", "E08"), ("lever", "rounds", "server_info"), check, gate=True
)
