"""Runs all layers on one subject as jobs of a graph; cached findings are reused."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from bankable.kernels.diagnosis.layers.accelerator import AcceleratorFinding
from bankable.kernels.diagnosis.layers.cache import (
    FOLDER,
    compute_key,
    find_place,
    load_result,
    next_attempt,
    store_result,
)
from bankable.kernels.diagnosis.layers.graph import LayerJob, Results, run_jobs
from bankable.kernels.diagnosis.layers.layer import LayerFinding, LayerResult, Scope
from bankable.kernels.diagnosis.layers.registry import BUILT_IN, accelerators, load
from bankable.kernels.diagnosis.layers.runner import LayerAttempt, LayerWorker
from bankable.kernels.diagnosis.layers.subject import Subject
from bankable.kernels.worker.messages import LayerDescribed
from bankable.tools.errors import UserError

Say = Callable[[LayerResult], None]


@dataclass(frozen=True)
class LayerPlan:
    """The attributes of a layer that are needed outside of its own process."""

    reference: str
    name: str
    title: str
    number: int
    version: int
    limit_s: float
    attempts: int
    scope: Scope
    needs: tuple[str, ...]
    finding_type: type[LayerFinding]
    measures: str = ""


def built_in_plans(references: Sequence[str] = BUILT_IN) -> list[LayerPlan]:
    """Plans of layers that may be imported here."""
    return [
        LayerPlan(
            reference,
            layer.name,
            layer.title,
            layer.number,
            layer.version,
            layer.limit_s,
            layer.attempts,
            layer.scope,
            layer.needs,
            layer.finding_type,
            layer.measures,
        )
        for reference in references
        for layer in [load(reference)]
    ]


def evaluate(
    subject: Subject,
    plans: Sequence[LayerPlan] | None = None,
    *,
    only: Sequence[str] = (),
    again: bool = False,
    plugins: Mapping[str, str] | None = None,
    worker: LayerWorker | None = None,
    say: Say = lambda _: None,
) -> Results:
    """Results of all layers by name. ``only`` names those wanted; what they need is run too. ``again``: not from the
    cache. ``worker``: one that is kept, so that torch is imported once for several subjects. Raises ``UserError`` for
    a layer that there is not."""
    chosen = list(built_in_plans() if plans is None else plans)
    registered = accelerators() if plugins is None else plugins
    own = worker or LayerWorker()
    jobs = [_make_job(subject, plan, again, own) for plan in chosen]
    jobs += [_make_plugin_job(subject, name, reference, again) for name, reference in registered.items()]
    if not registered:
        jobs.append(LayerJob("accelerator", lambda _: _report_none_registered(), "accelerator", 6))
    if only:
        jobs = _add_needs(jobs, only)
    try:
        return run_jobs(jobs, say)
    finally:
        if worker is None:
            own.close()


def _make_job(subject: Subject, plan: LayerPlan, again: bool, worker: LayerWorker) -> LayerJob:
    return LayerJob(plan.name, lambda _: _run_layer(subject, plan, again, worker), plan.title, plan.number, plan.needs)


def _run_layer(subject: Subject, plan: LayerPlan, again: bool, worker: LayerWorker) -> LayerResult:
    """One layer: from the cache, or by as many attempts as it has."""
    head = LayerResult(layer=plan.name, title=plan.title, number=plan.number, outcome="failed")
    tools = load(plan.reference).tools(subject) if plan.finding_type is not AcceleratorFinding else {}
    key = compute_key(plan.name, plan.version, plan.scope, subject, {"reference": plan.reference, **tools})
    place = find_place(subject, plan.name, key)
    stored = None if again else load_result(place, key, plan.finding_type)
    if stored is not None:
        return stored
    tried, attempt, folder = 0, LayerAttempt("failed", "never tried"), place
    while tried < max(1, plan.attempts) and attempt.outcome in ("failed", "timed_out"):
        tried += 1
        folder = next_attempt(place)
        attempt = worker.run(plan.reference, subject, folder, plan.limit_s)
        if attempt.outcome == "measured":
            attempt = _check_finding(attempt, plan.finding_type)
    result = head.model_copy(
        update={
            "outcome": attempt.outcome,
            "why": attempt.why,
            "key": key,
            "attempts": tried,
            "seconds": attempt.seconds,
            "found": plan.finding_type.model_validate(attempt.found) if attempt.outcome == "measured" else None,
        }
    )
    if result.outcome == "measured":
        store_result(folder, result)
    elif result.outcome == "absent":
        shutil.rmtree(place, ignore_errors=True)  # no finding, and no trace of the attempt
    return result


def _check_finding(attempt: LayerAttempt, kind: type[LayerFinding]) -> LayerAttempt:
    """What a layer's process wrote is taken only where it is of the layer's type."""
    try:
        kind.model_validate(attempt.found)
    except ValidationError as problem:
        where = ".".join(map(str, problem.errors()[0]["loc"]))
        return LayerAttempt("failed", f"collect: not a {kind.__name__}: {where}: {problem.errors()[0]['msg']}")
    return attempt


def _make_plugin_job(subject: Subject, name: str, reference: str, again: bool) -> LayerJob:
    """A plug-in is described by another process; its code is never imported here."""
    job = f"accelerator:{name}"

    def work(_: Mapping[str, LayerResult]) -> LayerResult:
        with LayerWorker() as apart:  # a plug-in shares a process with no other layer
            with tempfile.TemporaryDirectory(prefix="bankable-layer-") as place:
                description = apart.describe(reference, Path(place))
            if description.described is None:
                return LayerResult(layer=job, number=6, title=name, outcome=description.outcome, why=description.why)
            return _run_layer(subject, _make_plan(job, reference, description.described), again, apart)

    return LayerJob(job, work, name, 6)


def _make_plan(name: str, reference: str, described: LayerDescribed) -> LayerPlan:
    return LayerPlan(
        reference,
        name,
        described.title[:60],
        6,
        described.version,
        min(described.limit_s, 3600.0),
        min(described.attempts, 5),
        "shape",
        (),
        AcceleratorFinding,
        described.measures[:200],
    )


def _report_none_registered() -> LayerResult:
    return LayerResult(
        layer="accelerator",
        title="accelerator",
        number=6,
        outcome="absent",
        why="no package registered one, see kernels/diagnosis/layers/README.md",
    )


def _add_needs(jobs: Sequence[LayerJob], only: Sequence[str]) -> list[LayerJob]:
    by_name = {job.name: job for job in jobs}
    strange = [name for name in only if name not in by_name]
    if strange:
        raise UserError(f"Cannot run layer {strange[0]}: no such layer", "--layers", f"use any of {', '.join(by_name)}")
    wanted: set[str] = set()
    waiting = list(only)
    while waiting:
        name = waiting.pop()
        if name not in wanted and name in by_name:
            wanted.add(name)
            waiting += by_name[name].needs
    return [job for job in jobs if job.name in wanted]


def folder_of(subject: Subject) -> Path:
    """Where results lie."""
    return subject.task().path / FOLDER
