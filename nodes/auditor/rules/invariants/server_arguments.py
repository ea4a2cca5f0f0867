"""Arguments in log, report, command line and rounds are those of one server (C04 R03 C01 Q10 C18 C16)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.invariants.evidence import (
    INFO,
    LEG,
    LOG,
    ROUNDS,
    launches,
    logged,
)
from bankable.nodes.auditor.invariants.relation import Invariant, Relation, ValuePair
from bankable.nodes.auditor.reading.launch_args import parse
from bankable.nodes.auditor.reading.resolved import drop_volatile, find_differences
from bankable.nodes.auditor.reading.view import LegView

ARGUMENTS = (
    "model_path",
    "tokenizer_path",
    "load_format",
    "json_model_override_args",
    "revision",
    "quantization",
    "kv_cache_dtype",
    "tp_size",
    "pp_size",
    "dp_size",
    "ep_size",
    "port",
    "host",
    "stream_interval",
    "schedule_policy",
    "disable_radix_cache",
    "max_total_tokens",
    "random_seed",
    "speculative_algorithm",
    "enable_torch_compile",
    "device",
)
"""Arguments that no later step of the engine's start resolves to another value."""
POOL = "max_total_num_tokens"


def _arguments(case: Case) -> Iterator[ValuePair]:
    """Arguments that the log prints at the start, and the server reports."""
    for leg, _, log in logged(case):
        info = leg.server_info or {}
        if not log.arguments:
            continue
        for name in ARGUMENTS:
            if name in info and (f"'{name}': " in log.arguments or f"{name}=" in log.arguments):
                shown = repr(info[name])
                same = f"'{name}': {shown}" in log.arguments or f"{name}={shown}" in log.arguments
                yield ValuePair(f"{name} = {shown}" if same else f"{name} differs", f"{name} = {shown}", leg.path(LOG))


def _arguments_everywhere(case: Case) -> Iterator[ValuePair]:
    facts = [(leg, log) for leg, _, log in logged(case)]
    if any(log.arguments for _, log in facts):
        for leg, log in facts:
            yield ValuePair("arguments" if log.arguments else "none", "arguments", leg.path(LOG))


def _pool(case: Case) -> Iterator[ValuePair]:
    for leg, info in _infos(case):
        states = info.get("internal_states")
        state = states[0] if isinstance(states, list) and states and isinstance(states[0], dict) else {}
        usage = state.get("memory_usage")
        capacity = usage.get("token_capacity") if isinstance(usage, dict) else None
        if isinstance(capacity, int) and isinstance(info.get(POOL), int):
            yield ValuePair(float(capacity), float(info[POOL]), leg.path(INFO))


def _scheduler_state(case: Case) -> Iterator[ValuePair]:
    """Arguments that the scheduler itself holds, the lever's too, as the server reports them."""
    for leg, info in _infos(case):
        states = info.get("internal_states")
        state = states[0] if isinstance(states, list) and states and isinstance(states[0], dict) else {}
        for name in (*ARGUMENTS, *(name for name in case.lever.flags if name not in ARGUMENTS)):
            if name in state and name in info:
                yield ValuePair(f"{name} = {state[name]!r}", f"{name} = {info[name]!r}", leg.path(INFO))


def _infos(case: Case) -> Iterator[tuple[LegView, dict[str, Any]]]:
    for leg in case.legs:
        if leg.server_info:
            yield leg, leg.server_info


def _of_argv(name: str) -> Callable[[Case], Iterator[ValuePair]]:
    """An argument of the command line as the server reports it."""

    def read(case: Case) -> Iterator[ValuePair]:
        for leg, record in launches(case):
            info, flags = leg.server_info or {}, parse(record.argv)[0]
            if name in info and name in flags and info[name] is not None:
                yield ValuePair(str(info[name]), flags[name], leg.path(INFO))

    return read


def _version(case: Case) -> Iterator[ValuePair]:
    for leg, record in launches(case):
        version = (leg.server_info or {}).get("version")
        if isinstance(version, str):
            yield ValuePair(version, record.engine.sglang, leg.path(INFO))


def _device(case: Case) -> Iterator[ValuePair]:
    for leg, record in launches(case):
        device = (leg.server_info or {}).get("device")
        if isinstance(device, str) and device in ("cpu", "cuda"):
            yield ValuePair("cuda" if record.device == "rocm" else record.device, device, leg.path(LEG))


def _each_info(case: Case) -> Iterator[ValuePair]:
    """What the server reported with each round and after the launch, without what changes while it runs."""
    for leg in case.legs:
        if not leg.server_info:
            continue
        after = drop_volatile(leg.server_info)
        seen: set[int] = set()
        for row in leg.rows:
            if not row.server_info or id(row.server_info) in seen:
                continue
            seen.add(id(row.server_info))
            # An argument that only one of both states is a matter of the format.
            shared = after.keys() & row.server_info.keys()
            different = find_differences(
                {name: after[name] for name in shared}, {name: row.server_info[name] for name in shared}
            )
            names = ", ".join(entry.name for entry in different[:3])
            yield ValuePair(names or "equal", "equal", leg.path(ROUNDS), row.line)


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        id="logged_arguments",
        left="server.log: server_args",
        relation=Relation.EQUAL,
        right="server_info.json",
        tolerance=0.0,
        reason="the same arguments; those that the engine resolves later are not compared",
        mode="C04",
        read=_arguments,
    ),
    Invariant(
        id="arguments_everywhere",
        left="server.log: a line with the server's arguments",
        relation=Relation.EQUAL,
        right="that of the other launches",
        tolerance=0.0,
        reason="all launches of a comparison log alike",
        mode="R03",
        read=_arguments_everywhere,
    ),
    Invariant(
        id="scheduler_pool",
        left="server_info.json: token_capacity of the scheduler",
        relation=Relation.AT_MOST,
        right="server_info.json: max_total_num_tokens",
        tolerance=0.01,
        reason="a page of reserve",
        mode="C01",
        read=_pool,
    ),
    Invariant(
        id="scheduler_state",
        left="server_info.json: arguments in the scheduler's own state",
        relation=Relation.EQUAL,
        right="server_info.json: resolved arguments",
        tolerance=0.0,
        reason="the scheduler works with what the server reports",
        mode="C10",
        read=_scheduler_state,
    ),
    Invariant(
        id="port_of_argv",
        left="server_info.json: port",
        relation=Relation.EQUAL,
        right="leg.json: --port",
        tolerance=0.0,
        reason="one server",
        mode="R03",
        read=_of_argv("port"),
    ),
    Invariant(
        id="model_of_argv",
        left="server_info.json: model_path",
        relation=Relation.EQUAL,
        right="leg.json: --model-path",
        tolerance=0.0,
        reason="one server",
        mode="Q10",
        read=_of_argv("model_path"),
    ),
    Invariant(
        id="engine_version",
        left="server_info.json: version",
        relation=Relation.EQUAL,
        right="leg.json: engine.sglang",
        tolerance=0.0,
        reason="one engine",
        mode="C18",
        read=_version,
    ),
    Invariant(
        id="device_kind",
        left="leg.json: device",
        relation=Relation.EQUAL,
        right="server_info.json: device",
        tolerance=0.0,
        reason="one device; ROCm reports itself as cuda",
        mode="C16",
        read=_device,
    ),
    Invariant(
        id="info_of_rounds",
        left="bench_runs.jsonl: server_info",
        relation=Relation.EQUAL,
        right="server_info.json",
        tolerance=0.0,
        reason="resolved arguments do not change while a server runs; counters and clocks are left out",
        mode="C04",
        read=_each_info,
    ),
)
