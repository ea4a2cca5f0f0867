"""The server's own log and report agree with what the load generator and the launch recorded (D11 C04 C08 C10 C17 R03).

Every request that was sent stands in the access log, and no other; the scheduler ran no more requests than were in
flight; the log's arguments, port, process and times are those of the launch. Logs without an access log have nothing to
compare with. One relation each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.invariants.evidence import (
    INFO,
    LEG,
    LOG,
    ROUNDS,
    all_legs,
    launches,
    logged,
)
from bankable.nodes.auditor.invariants.relation import Invariant, Relation, ValuePair, judge_invariants
from bankable.nodes.auditor.reading.launch_args import parse
from bankable.nodes.auditor.reading.resolved import drop_volatile, find_differences
from bankable.nodes.auditor.reading.server_log import LogFacts
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.rule import COMPARISONS, Outcome, Rule
from bankable.tools.evidence.records import LegRecord

GENERATE = "POST /generate"
QUARTER_HOUR_S = 900.0
"""Time zones differ by whole quarters of an hour."""
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
FEWEST_LINES = 100
"""Lines below which a log is an excerpt: starting an engine alone writes more."""
POOL = "max_total_num_tokens"


def _full(leg: LegView, log: LogFacts) -> bool:
    """Whether the log should hold every answered request: a whole log of a server that was not asked to log less."""
    info = leg.server_info or {}
    level = info.get("log_level_http") or info.get("log_level") or "info"
    whole = log.lines >= FEWEST_LINES and log.batches > 0 and bool(log.requests or log.arguments)
    return whole and str(level).lower() in ("info", "debug")


def _sent(case: Case, leg: LegView, record: LegRecord) -> float | None:
    """Requests that the launch had to answer: rounds, warm-ups, probes and questions; ``None`` where it is unknown."""
    if case.planned is None or any(span.kind == "profile" for span in record.spans):
        return None
    rounds = sum(row.issued or 0 for row in leg.rows)
    warmups = record.warmups * case.planned.workload.num_prompts
    return float(rounds + warmups + len(leg.outputs) + len(leg.answers))


def _answered(case: Case) -> Iterator[ValuePair]:
    for leg, record, log in logged(case):
        wanted = _sent(case, leg, record)
        failed = any(row.failed for row in leg.rows)
        if _full(leg, log) and wanted is not None and record.driver == "live" and not failed:
            yield ValuePair(float(log.requests.get(GENERATE, 0)), wanted, leg.path(LOG))


def _answered_at_least(case: Case) -> Iterator[ValuePair]:
    """Of any launch, also one without a plan: the answered requests are at least those of the timed rounds."""
    for leg, _, log in logged(case):
        total = sum(count for path, count in log.requests.items() if path.startswith("POST /"))
        if _full(leg, log) and leg.rows and all(row.completed is not None for row in leg.rows):
            yield ValuePair(float(total), float(sum(row.completed or 0 for row in leg.rows)), leg.path(LOG))


def _flushes(case: Case) -> Iterator[ValuePair]:
    for leg, record, log in logged(case):
        flushed = sum(row.stamp is not None and row.stamp.flushed for row in leg.rows)
        if _full(leg, log) and flushed == len(leg.rows):
            wanted = float(flushed + record.warmups)
            yield ValuePair(float(log.requests.get("POST /flush_cache", 0)), wanted, leg.path(LOG))


def _refused(case: Case) -> Iterator[ValuePair]:
    for leg, _, log in logged(case):
        if _full(leg, log):
            yield ValuePair(float(log.refused), float(max(1, sum(row.failed or 0 for row in leg.rows))), leg.path(LOG))


def _access_everywhere(case: Case) -> Iterator[ValuePair]:
    """An access log on every launch, or on none."""
    facts = [(leg, log) for leg, _, log in logged(case) if _full(leg, log)]
    if any(log.requests for _, log in facts):
        for leg, log in facts:
            yield ValuePair("access log" if log.requests else "no access log", "access log", leg.path(LOG))


def _running(case: Case) -> Iterator[ValuePair]:
    """Most requests in one batch against the load generator's limit."""
    for leg, _, log in logged(case):
        limits = [row.facts.figures.get("max_concurrency") for row in leg.rows if row.facts is not None]
        known = [limit for limit in limits if limit is not None]
        if _full(leg, log) and known and len(known) == len(leg.rows):
            yield ValuePair(float(log.peak_running), max(1.0, *known), leg.path(LOG))


def _prompt_tokens(case: Case) -> Iterator[ValuePair]:
    for leg, _, log in logged(case):
        if _full(leg, log):
            wanted = float(sum(row.input_tokens or 0 for row in leg.rows if not row.failed))
            yield ValuePair(float(log.prompt_tokens), wanted, leg.path(LOG))


def _prompt_limit(case: Case) -> Iterator[ValuePair]:
    """Of launches without probes and questions: prompts of rounds and warm-ups are all that the scheduler took."""
    for leg, record, log in logged(case):
        if not _full(leg, log) or leg.outputs or leg.answers or log.retractions:
            continue
        if _sent(case, leg, record) is None or not leg.rows or record.driver != "live":
            continue
        rounds = [row.input_tokens or 0 for row in leg.rows]
        if any(row.failed for row in leg.rows):
            continue
        yield ValuePair(float(log.prompt_tokens), float(sum(rounds) + record.warmups * max(rounds)), leg.path(LOG))


def _cached_tokens(case: Case) -> Iterator[ValuePair]:
    for leg, _, log in logged(case):
        cached = [row.cached_tokens for row in leg.rows]
        if _full(leg, log) and None not in cached:
            yield ValuePair(float(log.cached_tokens), float(sum(value or 0 for value in cached)), leg.path(LOG))


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


def _process(case: Case) -> Iterator[ValuePair]:
    """Process ids of log and record, where they are equal on some launch: elsewhere a wrapper starts the server."""
    known = [
        (leg, record, log.pid) for leg, record, log in logged(case) if log.pid is not None and record.driver == "live"
    ]
    if any(pid == record.pid for _, record, pid in known):
        for leg, record, pid in known:
            yield ValuePair(float(pid), float(record.pid), leg.path(LOG))


def _ready_once(case: Case) -> Iterator[ValuePair]:
    for leg, record, log in logged(case):
        if log.ready_line is not None and record.driver == "live":
            yield ValuePair(float(log.ready_lines), 1.0, leg.path(LOG))


def _log_span(case: Case) -> Iterator[ValuePair]:
    for leg, record, log in logged(case):
        if _full(leg, log) and log.began is not None and log.ended is not None and record.driver == "live":
            yield ValuePair(log.ended - log.began, record.stopped_at - record.launched_at + 5.0, leg.path(LOG))


def _log_covers(case: Case) -> Iterator[ValuePair]:
    """From the first time stamp of the log to the last lie all timed rounds."""
    for leg, record, log in logged(case):
        stamps = [row.stamp for row in leg.rows if row.stamp is not None]
        if stamps and _full(leg, log) and log.began is not None and log.ended is not None and record.driver == "live":
            span = max(stamp.ended for stamp in stamps) - min(stamp.started for stamp in stamps)
            yield ValuePair(log.ended - log.began + 2.0, span, leg.path(LOG))


def _shift(leg: LegView, record: LegRecord, log: LogFacts) -> float | None:
    """Seconds from the launch's own clock to the log's: a time zone, and the moments between two readings."""
    if not _full(leg, log) or log.began is None or record.driver != "live":
        return None
    return log.began - record.launched_at


def _log_clock(case: Case) -> Iterator[ValuePair]:
    """The log begins within the launch, apart from a time zone: seconds before or after it."""
    for leg, record, log in logged(case):
        if (shift := _shift(leg, record, log)) is not None:
            into = shift % QUARTER_HOUR_S
            life = record.stopped_at - record.launched_at
            late = 0.0 if into <= life or life >= QUARTER_HOUR_S else min(into - life, QUARTER_HOUR_S - into)
            yield ValuePair(late, 0.0, leg.path(LOG))


def _log_zone(case: Case) -> Iterator[ValuePair]:
    """All logs of a comparison are written in one time zone, in quarters of an hour."""
    first: float | None = None
    for leg, record, log in logged(case):
        if (shift := _shift(leg, record, log)) is not None:
            first = shift if first is None else first
            yield ValuePair(shift, first, leg.path(LOG))


def _own_log(case: Case) -> Iterator[ValuePair]:
    yield from _own_file(case, LOG)


def _own_host(case: Case) -> Iterator[ValuePair]:
    yield from _own_file(case, "host.jsonl")


def _own_file(case: Case, name: str) -> Iterator[ValuePair]:
    """No file of this name is that of another launch: each against the first with its digest, or with itself."""
    first: dict[str, str] = {}
    live = {leg.folder for leg in all_legs(case) if leg.record is None or leg.record.driver == "live"}
    for leg in all_legs(case):
        path, _ = leg.path(name), leg.host
        digest = case.view.reader.digests.get(path)
        if digest is None or leg.folder not in live or (name == LOG and not (leg.log and _full(leg, leg.log))):
            continue
        owner = first.setdefault(digest, path)
        yield ValuePair(path if owner == path else f"the bytes of {owner}", path, path)


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        id="answered_requests",
        left="server.log: POST /generate lines",
        relation=Relation.EQUAL,
        right="requests of rounds, warm-ups, probes and questions",
        tolerance=0.0,
        reason="a count; exact in every recorded launch",
        mode="D11",
        read=_answered,
    ),
    Invariant(
        id="answered_rounds",
        left="server.log: answered POST lines",
        relation=Relation.AT_LEAST,
        right="bench_runs.jsonl: Σ completed",
        tolerance=0.0,
        reason="every completed request was answered by this server",
        mode="D11",
        read=_answered_at_least,
    ),
    Invariant(
        id="flushes",
        left="server.log: POST /flush_cache lines",
        relation=Relation.EQUAL,
        right="rounds stamped as flushed, and warm-ups",
        tolerance=0.0,
        reason="a count; exact in every recorded launch",
        mode="C17",
        read=_flushes,
    ),
    Invariant(
        id="refused_requests",
        left="server.log: answers with an error status",
        relation=Relation.AT_MOST,
        right="bench_runs.jsonl: failed requests, or one",
        tolerance=0.0,
        reason="one refused start-up request is common",
        mode="Q09",
        read=_refused,
    ),
    Invariant(
        id="access_log_everywhere",
        left="server.log: access log",
        relation=Relation.EQUAL,
        right="that of the other launches",
        tolerance=0.0,
        reason="all launches of a comparison log alike",
        mode="R03",
        read=_access_everywhere,
    ),
    Invariant(
        id="running_requests",
        left="server.log: most requests in one batch",
        relation=Relation.AT_MOST,
        right="bench_runs.jsonl: max_concurrency",
        tolerance=0.0,
        reason="the load generator holds back what exceeds the limit",
        mode="C08",
        read=_running,
    ),
    Invariant(
        id="logged_prompt_tokens",
        left="server.log: Σ (#new-token + #cached-token)",
        relation=Relation.AT_LEAST,
        right="bench_runs.jsonl: Σ input_lens",
        tolerance=0.005,
        reason="the last token of a prompt may be counted in another line",
        mode="C08",
        read=_prompt_tokens,
    ),
    Invariant(
        id="no_other_prompts",
        left="server.log: Σ (#new-token + #cached-token)",
        relation=Relation.AT_MOST,
        right="bench_runs.jsonl: Σ input_lens, and a round's for each warm-up",
        tolerance=0.05,
        reason="a health check of a few tokens; prompts of random length make warm-ups differ",
        mode="C11",
        read=_prompt_limit,
    ),
    Invariant(
        id="logged_cached_tokens",
        left="server.log: Σ #cached-token",
        relation=Relation.AT_LEAST,
        right="bench_runs.jsonl: Σ cached_tokens",
        tolerance=0.005,
        reason="the scheduler counts cached tokens of every request, warm-ups and probes too",
        mode="C17",
        read=_cached_tokens,
    ),
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
    Invariant(
        id="server_process",
        left="server.log: process id",
        relation=Relation.EQUAL,
        right="leg.json: pid",
        tolerance=0.0,
        reason="one process",
        mode="R03",
        read=_process,
    ),
    Invariant(
        id="ready_once",
        left="server.log: lines that report the server ready",
        relation=Relation.EQUAL,
        right="one",
        tolerance=0.0,
        reason="one launch writes one log",
        mode="R03",
        read=_ready_once,
    ),
    Invariant(
        id="log_within_launch",
        left="server.log: last minus first time stamp",
        relation=Relation.AT_MOST,
        right="leg.json: stopped_at − launched_at + 5 s",
        tolerance=0.0,
        reason="time stamps have whole seconds; child processes log a few seconds beyond the end",
        mode="R03",
        read=_log_span,
    ),
    Invariant(
        id="log_covers_rounds",
        left="server.log: last minus first time stamp + 2 s",
        relation=Relation.AT_LEAST,
        right="bench_runs.jsonl: last ended − first started",
        tolerance=0.0,
        reason="time stamps have whole seconds",
        mode="R03",
        read=_log_covers,
    ),
    Invariant(
        id="log_clock",
        left="server.log: seconds of its first time stamp outside the launch, apart from a time zone",
        relation=Relation.SAME,
        right="none",
        tolerance=5.0,
        reason="one machine, one clock; zones differ by quarters of an hour",
        mode="R03",
        read=_log_clock,
    ),
    Invariant(
        id="log_zone",
        left="server.log: first time stamp − launched_at of leg.json",
        relation=Relation.SAME,
        right="that of the first launch",
        tolerance=600.0,
        reason="one time zone; starting takes seconds to minutes",
        mode="R03",
        read=_log_zone,
    ),
    Invariant(
        id="own_log",
        left="server.log",
        relation=Relation.EQUAL,
        right="a file of this launch alone",
        tolerance=0.0,
        reason="no two launches log the same bytes",
        mode="R02",
        read=_own_log,
    ),
    Invariant(
        id="own_telemetry",
        left="host.jsonl",
        relation=Relation.EQUAL,
        right="a file of this launch alone",
        tolerance=0.0,
        reason="no two launches see the machine at the same times",
        mode="R02",
        read=_own_host,
    ),
)


def check(case: Case) -> Iterator[Outcome]:
    return judge_invariants(INVARIANTS, case)


rule = Rule(
    "invariants_server",
    COMPARISONS,
    ("D11", "C17", "Q09", "R03", "C08", "C11", "C04", "C01", "Q10", "C18", "C16", "R02"),
    ("lever", "rounds"),
    check,
)
