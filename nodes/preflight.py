"""Preflight: what there is to work with, found before anything is launched."""

from __future__ import annotations

from bankable.tools.evidence.records import LaunchPlan, Record, ServerConfig, Workload
from bankable.tools.levers import knobs_for
from bankable.tools.measurement.progress import Event
from bankable.tools.measurement.run_context import Lab


class Dropped(Record):
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
    dropped: list[Dropped]
    probes: int
    questions: int


def preflight(lab: Lab) -> Preflight:
    """Check what the engine knows against what the registry offers, and write it down."""
    knobs, dropped = knobs_for(lab.driver.device, lab.known_flags, lab.situation())
    found = Preflight(
        run_id=lab.run_id,
        device=lab.driver.device,
        driver=lab.driver.kind,
        model=lab.model,
        base=lab.base,
        workload=lab.workload,
        launch_plan=lab.protocol.launch_plan,
        looks=lab.protocol.looks,
        cores=lab.cores,
        known_flags=sorted(lab.known_flags),
        knobs=[knob.name for knob in knobs],
        dropped=[Dropped(name=it.name, why=it.note) for it in dropped],
        probes=len(lab.prompts),
        questions=len(lab.questions),
    )
    lab.folder.put(lab.folder.root / "preflight.json", found.model_dump(mode="json"))
    lab.tell(
        Event(
            "note", f"{found.device}, {len(knobs)} knobs, {len(dropped)} dropped, {lab.protocol.launch_plan} launches"
        )
    )
    return found
