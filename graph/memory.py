"""The memory over runs: what a finished run verified is put into the store, and what a new one starts with is taken.

It steers what is tried first. No audit reads it, and nothing in it counts as measured.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import orjson

from bankable.graph.version import find_version
from bankable.nodes.auditor.verdict import Verdict, Word
from bankable.nodes.preflight import Preflight
from bankable.tools.errors import UserError
from bankable.tools.evidence.canonical import file_digest
from bankable.tools.evidence.folder import finished_legs, read_run
from bankable.tools.evidence.records import Claim, ComparisonKind, Limit, Plan, Record, Workload, describe_limits
from bankable.tools.store.database import read_store, write_store
from bankable.tools.store.memory import (
    RunPlace,
    SearchMemory,
    Settled,
    VerifiedLever,
    add_verified,
    read_verified,
    recall,
)

SNAPSHOT = "memory.json"
"""In the search folder of a run: what its search started with, so that a resumed run starts with the same."""


class NamedVersion(Protocol):
    """A package with a version."""

    @property
    def name(self) -> str:
        """Name of the distribution."""
        ...

    @property
    def version(self) -> str:
        """Its version."""
        ...


def recall_for(store: Path, place: RunPlace) -> SearchMemory:
    """What the store knows at a place; nothing where there is no store yet. Raises ``UserError`` for a bad one."""
    if not store.exists():
        return SearchMemory(place=place)
    with read_store(store) as connection:
        return recall(read_memory(connection), place)


def remember(store: Path, root: Path) -> int:
    """Put what the run in ``root`` verified into the store; returns how many levers were new to it."""
    levers = list(find_verified(root))
    with write_store(store) as connection:
        return add_verified(connection, levers, find_version())


def read_memory(connection: sqlite3.Connection) -> list[VerifiedLever]:
    """Everything that is remembered. Raises ``UserError`` for a damaged row."""
    try:
        return read_verified(connection)
    except ValueError as problem:
        first = str(problem).splitlines()[0]
        raise UserError(f"Cannot read the store: a row is damaged, {first}", "", "restore the file") from problem


def find_verified(root: Path) -> Iterator[VerifiedLever]:
    """The last attempt at each lever of a run. Raises ``UserError`` for a run without a launch."""
    run_id = read_run(root).run_id
    preflight, legs = _load(root / "preflight.json"), finished_legs(root)
    if preflight is None or not legs:
        raise UserError("Cannot remember the run: it measured nothing", str(root), "give the folder of a finished run")
    seen = Preflight.model_validate(preflight)
    banked = {str(entry.get("name")) for entry in (_load(root / "outcome.json") or {}).get("accepted", [])}
    engine, architecture = legs[0].engine, find_architecture(seen.model)
    device = describe_device(seen.device, legs[0].device_set, seen.cores)
    last: dict[str, VerifiedLever] = {}
    for folder in sorted(root.glob("comparisons/*")):
        plan = _read(folder / "plan.json", Plan)
        claim = _read(folder / "claim.json", Claim)
        if plan is None or claim is None or plan.kind is not ComparisonKind.PATCH:
            continue
        verdicts = sorted(root.glob(f"audits/patch-{folder.name}-*/verdict.json"))
        verdict = _read(verdicts[-1], Verdict) if verdicts else None
        low, high = claim.interval or (None, None)
        last[plan.lever.text()] = VerifiedLever(
            run_id=run_id,
            run_folder=str(root.resolve()),
            place=RunPlace(
                engine=describe_engine(engine.sglang, engine.torch, engine.kernels),
                architecture=architecture,
                device=device,
                workload=describe_load(plan.workload, plan.metric, plan.limits),
            ),
            lever=plan.lever.text(),
            flags=plan.lever.flags,
            env=plan.lever.env,
            operators=sorted(plan.lever.overlays),
            metric=plan.metric,
            outcome=_settle(claim, verdict, banked=folder.name in banked),
            gain=claim.delta,
            lower=low,
            upper=high,
            reference_level=getattr(claim.reference, plan.metric, None),
            verdict_digest=file_digest(verdicts[-1]) if verdicts else "",
        )
    yield from last.values()


def describe_engine(sglang: str, torch: str, kernels: NamedVersion | None) -> str:
    """Versions that decide speed. Another one, and what was remembered no longer counts."""
    return f"sglang {sglang}, torch {torch}" + (f", {kernels.name} {kernels.version}" if kernels is not None else "")


def find_architecture(model: str) -> str:
    """The architecture in a model folder's configuration; else the model's name."""
    config = _load(Path(model) / "config.json")
    names = config.get("architectures") if config is not None else None
    return str(names[0]) if isinstance(names, list) and names else Path(model).name


def describe_device(kind: str, names: list[str], cores: int) -> str:
    """The kind of device; on a CPU with the machine's cores, else with the devices of a server."""
    return f"cpu, {cores} cores" if kind == "cpu" else f"{kind}, {', '.join(names)}"


def describe_load(workload: Workload, metric: str, limits: tuple[Limit, ...]) -> str:
    """A round in words; drawn prompts of another seed are the same workload."""
    fields = workload.model_dump(mode="json", exclude={"dataset_path"}, exclude_none=True)
    text = ", ".join(f"{name} {value}" for name, value in sorted(fields.items()) if value != "")
    return f"{text}; {metric}" + (f" {describe_limits(limits)}" if limits else "")


def _settle(claim: Claim, verdict: Verdict | None, *, banked: bool) -> Settled:
    """What became of a lever: without a verdict, and where it fails, it is settled against at most."""
    if claim.decision != "real" and not banked:
        return claim.decision if verdict is None or claim.decision == "not_real" else "undecided"
    if verdict is None or verdict.verdict is Word.FAIL:
        return "failed"
    return ("banked" if claim.decision == "real" else "stacked") if banked else "undecided"


def _load(path: Path) -> Mapping[str, Any] | None:
    try:
        content = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


RecordT = TypeVar("RecordT", bound=Record)


def _read(path: Path, kind: type[RecordT]) -> RecordT | None:
    """A record of a run; ``None`` where it is not there, or written by a version with other fields."""
    try:
        return kind.model_validate_json(path.read_bytes())
    except (OSError, ValueError):
        return None
