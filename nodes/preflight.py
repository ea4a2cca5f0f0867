"""Preflight: what there is to work with, found before anything is launched."""

from __future__ import annotations

from bankable.tools.evidence.records import LaunchPlan, Record, ServerConfig, Workload
from bankable.tools.levers import knobs_for
from bankable.tools.measurement.progress import ProgressEvent
from bankable.tools.measurement.run_context import RunContext


class UnusableKnob(Record):
    """A knob that will not be tried, and why."""

    name: str
    why: str


class Preflight(Record):
    """``preflight.json``."""

    run_id: str
    device: str
    driver: str
    model: str
    base: ServerConfig
    workload: Workload
    launch_plan: LaunchPlan
    looks: tuple[int, ...]
    cores: int
    known_flags: list[str]
    """Server-argument names of this engine."""
    knobs: list[str]
    dropped: list[UnusableKnob]
    probes: int
    questions: int


def preflight(context: RunContext) -> Preflight:
    """Check what the engine knows against what the registry offers, and write it down."""
    knobs, dropped = knobs_for(context.driver.device, context.known_flags, context.situation())
    found = Preflight(
        run_id=context.run_id,
        device=context.driver.device,
        driver=context.driver.kind,
        model=context.model,
        base=context.base,
        workload=context.workload,
        launch_plan=context.protocol.launch_plan,
        looks=context.protocol.looks,
        cores=context.cores,
        known_flags=sorted(context.known_flags),
        knobs=[knob.name for knob in knobs],
        dropped=[UnusableKnob(name=it.name, why=it.note) for it in dropped],
        probes=len(context.prompts),
        questions=len(context.questions),
    )
    context.folder.put(context.folder.root / "preflight.json", found.model_dump(mode="json"))
    context.tell(
        ProgressEvent(
            "note",
            f"{found.device}, {len(knobs)} knobs, {len(dropped)} dropped, {context.protocol.launch_plan} launches",
        )
    )
    return found
