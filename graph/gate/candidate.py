"""Reads a candidate: the launches of its files, what they are of, and the verdict of the rules on them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bankable.nodes.auditor.importers.leg import ImportedLeg
from bankable.nodes.auditor.measured import FIELDS
from bankable.nodes.auditor.options import AuditOptions
from bankable.nodes.auditor.pair import AuditedLoad, audit_leg
from bankable.nodes.auditor.reading.resolved import drop_volatile, format_value
from bankable.nodes.auditor.reading.rows import FURTHER, BenchRound
from bankable.nodes.auditor.reading.view import LegView
from bankable.nodes.auditor.verdict import Verdict
from bankable.tools.errors import UserError
from bankable.tools.evidence.canonical import canonical, digest
from bankable.tools.evidence.records import GOODPUT, Limit
from bankable.tools.store.nights import StoredLaunch, StoredRound, TimeSource
from bankable.tools.store.subject import MeasuredSubject

MODEL_NAMES = ("model", "model_id", "model_name", "served_model_name")
DEVICE_NAMES = ("hw", "gpu", "gpu_name", "gpu_type", "hardware", "accelerator", "device")
ENGINE_NAMES = ("framework", "engine", "backend")
ENGINES = ("sglang", "vllm", "trtllm", "tgi", "lmdeploy")
"""Names that an argument of the load generator may give to the engine; any other is an interface, not an engine."""
LEFT_OUT = frozenset({*MODEL_NAMES, *DEVICE_NAMES, "infmax_model_prefix", "framework", "tokenizer", "tokenizer_id"})
"""Arguments that are no workload: what is compared under another name, and paths that follow from the model."""
MODEL_DIGEST = "digest of the model"
WORDS = ("model", "engine", "device")
"""Facts that the caller may state where the files do not."""


@dataclass(frozen=True)
class CandidateLoad:
    """The candidate at one load."""

    load: str
    """Arguments that tell it from the candidate's other loads; empty where there is one."""
    subject: MeasuredSubject
    settings: Mapping[str, str]
    """Resolved server arguments of the first launch that has them."""
    launches: tuple[StoredLaunch, ...]
    verdict: Verdict
    """Of the rules on these launches alone."""


def read_candidate(
    sources: Sequence[Path],
    *,
    one_server: bool = False,
    limits: tuple[Limit, ...] = (),
    stated: Mapping[str, str] | None = None,
    measured_at: float | None = None,
) -> list[CandidateLoad]:
    """Read and audit the launches of one candidate, load by load.

    ``stated``: what the caller says about model, engine, device or anything else that has to be equal.
    ``measured_at``: when, seconds since the epoch, where the files do not say. Raises ``UserError`` for files that
    cannot be read, and for launches of several models, engines or workloads.
    """
    options = AuditOptions(GOODPUT, (), limits) if limits else None
    words = dict(stated or {})
    if limits:
        words["limits"] = ", ".join(sorted(f"{limit.key} {limit.ms:g} ms" for limit in limits))
    return [
        _read_load(audited, words, measured_at)
        for audited in audit_leg(sources, one_server=one_server, options=options)
    ]


def _read_load(audited: AuditedLoad, words: Mapping[str, str], measured_at: float | None) -> CandidateLoad:
    legs = [leg for leg in audited.legs if leg.rows]
    info = next((leg.server_info for leg in legs if leg.server_info), None) or {}
    settings = drop_volatile(info)
    return CandidateLoad(
        audited.load,
        _find_subject(legs, words),
        {name: format_value(settings, name) for name in settings},
        tuple(_read_launch(leg, measured_at, audited.origins) for leg in legs),
        audited.verdict,
    )


def _read_launch(leg: LegView, stated: float | None, origins: Mapping[str, str]) -> StoredLaunch:
    at, source = _find_time(leg, stated)
    file = leg.path("bench_runs.jsonl")
    return StoredLaunch(origins.get(file, file), at, source, tuple(_read_round(row) for row in leg.rows))


def _find_time(leg: LegView, stated: float | None) -> tuple[float, TimeSource]:
    starts = [row.span[0] for row in leg.rows if row.span is not None]
    starts += [row.stamp.started for row in leg.rows if row.stamp is not None]
    if leg.record is not None:
        starts.append(leg.record.launched_at)
    if starts:
        return min(starts), "record"
    return (stated, "stated") if stated is not None else (time.time(), "entered")


def _read_round(row: BenchRound) -> StoredRound:
    figures = {name: value for name in (*FIELDS, *FURTHER, GOODPUT) if (value := row.figure(name)) is not None}
    same = [sorted(row.reported.items()), row.duration if row.duration is not None else 0.0]
    return StoredRound(digest(canonical(same)), figures)


def _find_subject(legs: Sequence[ImportedLeg], words: Mapping[str, str]) -> MeasuredSubject:
    rows = [row for leg in legs for row in leg.rows]
    arguments: dict[str, str] = {}
    for row in rows:
        for name, value in row.arguments:
            if arguments.setdefault(name, value) != value:
                _refuse(name, (arguments[name], value))
    said: dict[str, set[str]] = {name: set() for name in WORDS}
    for leg in legs:
        for name, value in _facts(leg).items():
            said[name].add(value)
    for name, names in (("model", MODEL_NAMES), ("device", DEVICE_NAMES)):
        if not said[name]:
            said[name] = {_shorten(value) for key in names if (value := _argument(arguments, key))}
    if not said["engine"]:
        said["engine"] = {
            engine for key in ENGINE_NAMES for engine in ENGINES if _argument(arguments, key).startswith(engine)
        }
    for name, values in said.items():
        if len(values) > 1 and name not in words:
            _refuse(name, sorted(values))
    facts = {name: words.get(name) or next(iter(values), "") for name, values in said.items()}
    workload = {name: value for name, value in arguments.items() if name.rpartition(".")[2] not in LEFT_OUT}
    digests = {leg.record.model_digest for leg in legs if leg.record is not None and leg.record.model_digest}
    if len(digests) > 1:
        _refuse("models", sorted(digests))
    workload |= dict.fromkeys([MODEL_DIGEST], next(iter(digests))) if digests else {}
    return MeasuredSubject(
        tool=next((leg.format for leg in legs if leg.format), ""),
        model=facts["model"],
        engine=facts["engine"],
        device=facts["device"],
        workload={**workload, **{name: value for name, value in words.items() if name not in WORDS}},
        requests=_common([row.issued if row.issued is not None else row.completed for row in rows]),
        prompt_tokens=_mean([(row.input_tokens, row.completed) for row in rows]),
        answer_tokens=_mean([(row.output_tokens, row.completed) for row in rows]),
        cached_share=_mean([(row.cached_tokens, row.input_tokens) for row in rows]),
    )


def _facts(leg: ImportedLeg) -> dict[str, str]:
    """What a launch's own record or its server's answer says about model, engine and device."""
    record, info = leg.record, leg.server_info or {}
    facts = {"model": _shorten(str(info.get("model_path") or ""))}
    if "model_path" in info and "tp_size" in info:
        facts["engine"] = "sglang"
    if isinstance(info.get("device"), str):
        facts["device"] = str(info["device"])
    if record is not None:
        facts |= {"model": _shorten(record.model), "engine": "sglang"}
        facts["device"] = f"{record.device} × {len(record.device_set)}" if record.device_set else record.device
    return {name: value for name, value in facts.items() if value}


def _shorten(model: str) -> str:
    """The last part of a local path; a name of a hub as it is."""
    return model.rstrip("/").rpartition("/")[2] if model.startswith(("/", ".", "~")) else model


def _argument(arguments: Mapping[str, str], name: str) -> str:
    return next((value for key, value in arguments.items() if key.rpartition(".")[2] == name), "")


def _common(counts: Sequence[int | None]) -> int | None:
    return counts[0] if counts and len(set(counts)) == 1 else None


def _mean(pairs: Iterable[tuple[int | None, int | None]]) -> float | None:
    """Sum of the first over sum of the second; ``None`` where one of them is not known."""
    total = of = 0
    for first, second in pairs:
        if first is None or not second:
            return None
        total, of = total + first, of + second
    return total / of if of else None


def _refuse(name: str, values: Sequence[str]) -> None:
    raise UserError(
        f"Cannot gate: launches with different {name} in one candidate, {' and '.join(values)}"[:300],
        "--candidate",
        "give the launches of one measurement",
    )
