"""The reference is what a competent operator of this engine would start on this machine (C19).

FLAG, ``downgrade_headline``: the gain may be real, and its headline has to say what it is over. Asked of the reference:

- its kernels: where the engine has a kernel package of its own that this machine can run, the server's resolved
  arguments, its log and the profile must show that it dispatches to it. A server whose log says that it runs without
  its CPU kernels needs a record that declares it: the stand-in on its path, or the headline;
- its threads: the cores that the plan gives to this run, divided by the servers that are up at the same time;
- its defaults: no cap of the true baseline lower than the load of the plan, where the engine's default is not.

An engine for which no kernel package is installed is a fallback that is declared: the headline of the verdict names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.findings.reference import FALLBACK
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.rule import GAINS, Found, NotApplicable, Outcome, Remark, Rule, at, flag
from bankable.nodes.auditor.verdict import Action, Severity
from bankable.tools.evidence.records import LaunchPlan, LegRecord, Plan, Scalar, Side, Workload
from bankable.tools.evidence.reference import STANDIN, binds_threads, has_live_kernels
from bankable.tools.evidence.threads import BIND, OMP, count_threads, parse_cores

SERVERS = {LaunchPlan.ALTERNATING: 1, LaunchPlan.CORESIDENT: 2}
"""Servers that are up at the same time."""
KERNEL_SYMBOL = "sgl_kernel::"
DECLARED = re.compile(r"without (?:its|the|sglang's) (?:CPU )?kernel|torch[-_ ]native", re.IGNORECASE)
"""How a headline says that the reference runs without its kernels."""
ADVICE = "say in the headline what the gain is over, or measure it over the engine as its operator would start it"


def check(case: Case) -> Iterator[Outcome]:
    reference = next(iter(case.counted(Side.REFERENCE)), None)
    if reference is None:
        yield NotApplicable("no reference was measured")
        return
    yield from _kernels(case, reference)
    if case.planned is not None and reference.record is not None:
        yield from _threads(case, case.planned, reference, reference.record)
        yield from _defaults(case, case.planned)


def _kernels(case: Case, leg: LegView) -> Iterator[Outcome]:
    record, log = leg.record, leg.log
    disabled = log is not None and log.cpu_kernels is False
    if record is not None and has_live_kernels(record):
        kernels = record.engine.kernels
        package = f"{kernels.name} {kernels.version}" if kernels is not None else ""
        for observed, file in _find_unused(case, leg, record, disabled=disabled):
            yield _weak(f"a reference that runs {package}", observed, leg.path(file), "kernels_unused")
    elif disabled:
        if (record is not None and _declares_fallback(record)) or DECLARED.search(case.headline[:2000]):
            yield Remark("the reference runs without the engine's CPU kernels, as declared")
        else:
            yield _weak(
                "a reference with the engine's CPU kernels, or a record that none are installed",
                "the server's log says that its CPU kernels are disabled",
                leg.path("server.log"),
                "undeclared_fallback",
            )


def _declares_fallback(record: LegRecord) -> bool:
    """Whether the launch records that its kernels are missing, or that this machine cannot run them."""
    kernels = record.engine.kernels
    return STANDIN in record.env.get("PYTHONPATH", "") or (kernels is not None and not kernels.live)


def _find_unused(case: Case, leg: LegView, record: LegRecord, *, disabled: bool) -> Iterator[tuple[str, str]]:
    """(what shows that installed kernels do not run, file)."""
    backend = (leg.server_info or {}).get("attention_backend")
    if STANDIN in record.env.get("PYTHONPATH", ""):
        yield "a stand-in hides the installed package", "leg.json"
    if backend == FALLBACK:
        yield f"attention_backend = {backend}", "server_info.json"
    if disabled:
        yield "the server's log says that its CPU kernels are disabled", "server.log"
    profile = case.view.profile
    if profile is not None and profile.ops:
        symbols = (symbol for op in profile.ops for symbol in (op.op, *op.symbols))
        if not any(KERNEL_SYMBOL in symbol for symbol in symbols):
            yield "no operator of it in the profile of the reference", "leg.json"


def _threads(case: Case, plan: Plan, leg: LegView, record: LegRecord) -> Iterator[Found]:
    if plan.chosen is None or record.device != "cpu":
        return
    binds = binds_threads(record)
    name = BIND if binds else OMP
    if name in case.laid_before:
        return
    share = plan.chosen.cores // SERVERS[plan.launch_plan]
    threads = count_threads(record.env, binds=binds)
    if binds and leg.log is not None and leg.log.bound_to:
        threads = len(parse_cores(leg.log.bound_to)) or threads
    if threads is not None and threads < share:
        yield _weak(
            f"{share} threads: {plan.chosen.cores} cores, servers at a time: {SERVERS[plan.launch_plan]}",
            f"{threads} thread{'' if threads == 1 else 's'}",
            leg.path("leg.json"),
            "few_threads",
        )


def _defaults(case: Case, plan: Plan) -> Iterator[Outcome]:
    flags = {name: value for name, value in plan.reference.flags.items() if name not in case.laid_before}
    for name, value, least in _find_lowered(flags, plan.workload):
        if re.search(rf"(?<!\w){name}\W{{1,3}}{re.escape(str(value))}(?!\w)", case.headline[:2000]):
            yield Remark(f"the headline says that the reference has {name}={value}")
            continue
        yield _weak(
            f"{name} as the engine sets it, or at least {least}: the load of the plan",
            f"the true baseline was started with {name} = {value}",
            case.plan_file,
            "lowered_default",
        )


def _find_lowered(flags: Mapping[str, Scalar], load: Workload) -> Iterator[tuple[str, Scalar, int]]:
    """(flag, its value, what the load needs) of each cap that the load exceeds; −1 switches a cap off."""
    running = min(load.concurrency, load.num_prompts)
    needed = {
        "max_running_requests": running,
        "chunked_prefill_size": load.input_len,
        "max_prefill_tokens": load.input_len,
        "max_total_tokens": running * (load.input_len + load.output_len),
    }
    for name, least in needed.items():
        value = flags.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < least:
            yield name, value, least


def _weak(expected: str, observed: str, file: str, code: str) -> Found:
    return flag(expected, observed[:300], ADVICE, at(file), action=Action.DOWNGRADE_HEADLINE, modes=("C19",), code=code)


rule = Rule("reference_strength", GAINS, ("C19",), ("lever", "rounds"), check, gives=(Severity.FLAG,))
