"""Both legs were launched alike: same engine, model, machine and command, apart from the declared lever.

Proves, over every leg that counts: equal interpreter, versions, digest of the installed engine tree and kernel package
(C12 C18; where only a server log is at hand, as far as it tells whether the engine's CPU kernels were live), model
digest (Q10), device set, host and boot (C16), command line and environment apart from the lever (C04 C14), no flag
given twice (C09), the configuration that the plan says. Missing digests are unverifiable. Without a plan a flag may
differ that the servers resolved otherwise too and nobody declared: ``same_conditions`` judges what they run with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.reading.launch_args import parse
from bankable.nodes.auditor.reading.resolved import find_differences, modes_of
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.rule import COMPARISONS, Found, Outcome, Rule, Unverifiable, at, fail
from bankable.nodes.auditor.verdict import Action, Severity
from bankable.tools.evidence.records import LegRecord, Plan, Side
from bankable.tools.levers import classify_field

ADVICE = "launch both legs from one configuration that differs in the declared lever only"
OVERLAY_PATH = "PYTHONPATH"
"""Where a declared overlay stands; which folders on it take effect is asked by ``kernel_engagement``."""
SAME: tuple[tuple[str, str, Callable[[LegRecord], object]], ...] = (
    ("model", "Q10", lambda leg: leg.model),
    ("model digest", "Q10", lambda leg: leg.model_digest),
    ("digest of the engine tree", "C12", lambda leg: leg.engine.tree_digest),
    ("sglang", "C18", lambda leg: leg.engine.sglang),
    ("torch", "C18", lambda leg: leg.engine.torch),
    ("python", "C18", lambda leg: leg.engine.python),
    ("versions", "C18", lambda leg: sorted(leg.engine.versions.items())),
    ("kernel package", "C18", lambda leg: leg.engine.kernels),
    ("device", "C16", lambda leg: leg.device),
    ("device set", "C16", lambda leg: leg.device_set),
    ("host", "C16", lambda leg: leg.host),
    ("driver", "C07", lambda leg: leg.driver),
    ("overlay", "E08", lambda leg: leg.overlay_digest),
)


def check(case: Case) -> Iterator[Outcome]:
    first = case.legs[0]
    bare = [leg for leg in case.legs if leg.record is None]
    if bare:
        what = f"warm-up, device, host, versions and life-cycle of {len(bare)} launches (leg.json)"
        files = tuple(at(leg.path("leg.json")) for leg in bare[:3])
        yield Unverifiable(what, files, fix="measure with this project's runner", own_runs_only=True)
    for leg in case.legs:
        yield from _identity(case, first, leg)
        yield from _command(case, first, leg)
        if case.planned is not None:
            yield from _configuration(case.planned, leg)
    yield from _kernels(case)
    for block in case.blocks:
        pair = block.reference.record, block.candidate.record
        if pair[0] and pair[1] and pair[0].boot_id != pair[1].boot_id:
            where = at(block.candidate.path("leg.json"))
            yield _differs("C16", "boot", pair[0].boot_id, pair[1].boot_id, where.file)
    unknown = [
        leg for leg in case.legs if leg.record and None in (leg.record.model_digest, leg.record.engine.tree_digest)
    ]
    if unknown:
        files = tuple(at(leg.path("leg.json")) for leg in unknown[:3])
        yield Unverifiable("digests of the model and of the installed engine", files, Severity.FLAG)


def _identity(case: Case, first: LegView, leg: LegView) -> Iterator[Found]:
    if first.record is None or leg.record is None:
        return
    # The overlay of a declared operator is the lever: ``kernel_engagement`` asks which leg has it.
    lever = ("overlay",) if case.lever.overlays and leg.side is Side.CANDIDATE else ()
    for what, mode, value in SAME:
        expected, observed = value(first.record), value(leg.record)
        if expected != observed and what not in lever:
            yield _differs(mode, what, expected, observed, leg.path("leg.json"))


def _kernels(case: Case) -> Iterator[Found]:
    """Legs whose logs tell another state of the engine's CPU kernels; a log of a high level may tell nothing."""
    seen = [(leg, leg.log.cpu_kernels) for leg in case.legs if leg.log is not None and leg.log.cpu_kernels is not None]
    names = {True: "bind its threads", False: "disabled"}
    for leg, live in seen[1:]:
        if live is not seen[0][1]:
            yield _differs("C18", "CPU kernels", names[bool(seen[0][1])], names[bool(live)], leg.path("server.log"))
            return


def _command(case: Case, first: LegView, leg: LegView) -> Iterator[Found]:
    if first.record is None or leg.record is None:
        return
    flags, repeated = parse(leg.record.argv)
    for name in repeated:
        yield _differs("C09", f"--{name}", "given once", "given twice, the last one wins", leg.path("leg.json"))
    expected = parse(first.record.argv)[0]
    declared = {*case.lever.names(), *((OVERLAY_PATH,) if case.lever.overlays else ())}
    if not case.declared:
        declared |= {
            difference.plain for difference in find_differences(first.server_info or {}, leg.server_info or {})
        }
    for name in sorted({*flags, *expected} - declared):
        if flags.get(name) != expected.get(name) and classify_field(name) != "volatile":
            yield _differs(modes_of(name)[0], f"--{name}", expected.get(name), flags.get(name), leg.path("leg.json"))
    env, base = leg.record.env, first.record.env
    for name in sorted({*env, *base} - declared):
        if env.get(name) != base.get(name):
            yield _differs("C04", f"${name}", base.get(name), env.get(name), leg.path("leg.json"))


def _configuration(plan: Plan, leg: LegView) -> Iterator[Found]:
    if leg.record is None:
        return
    planned = plan.reference if leg.record.side is Side.REFERENCE else plan.reference.with_lever(plan.lever)
    if leg.record.config != planned:
        yield _differs("C04", "configuration", planned.flags, leg.record.config.flags, leg.path("leg.json"))
    if leg.record.model != plan.model:
        yield _differs("Q10", "model", plan.model, leg.record.model, leg.path("leg.json"))


def _differs(mode: str, what: str, expected: object, observed: object, file: str) -> Found:
    return fail(
        f"{what}: {expected}"[:300],
        f"{what}: {observed}"[:300],
        ADVICE,
        at(file),
        action=Action.REMEASURE,
        modes=(mode,),
        code="different_launch",
    )


rule = Rule(
    "same_launch",
    COMPARISONS,
    ("C04", "C07", "C09", "C12", "C14", "C16", "C18", "E08", "Q10"),
    ("lever", "rounds"),
    check,
    gate=True,
)
