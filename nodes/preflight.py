"""Preflight: detects what can be used (machine, engine, model, settings) before any launch."""

from __future__ import annotations

from typing import Any

from pydantic import SerializerFunctionWrapHandler, model_serializer

from bankable.tools.evidence.records import LaunchPlan, Record, ReferenceChoice, ServerConfig, Workload
from bankable.tools.levers import knobs_for
from bankable.tools.measurement.progress import ProgressEvent
from bankable.tools.measurement.run_context import RunContext


class UnusableKnob(Record):
    """A knob that will not be tried, and the reason."""

    name: str
    """Name of the setting."""
    why: str
    """Why it will not be tried."""


class Preflight(Record):
    """``preflight.json``."""

    run_id: str
    """Id of the run."""
    device: str
    """``cpu``, ``cuda`` or ``rocm``."""
    driver: str
    """``live``, ``attached`` or ``replay``."""
    model: str
    """Model folder or name."""
    base: ServerConfig
    """The user's own configuration: the true baseline."""
    workload: Workload
    """The workload of every comparison."""
    launch_plan: LaunchPlan
    """Whether the two servers of a block run at the same time or in turns."""
    looks: tuple[int, ...]
    """Looks: numbers of blocks after which a comparison may be decided."""
    cores: int
    """CPU cores of the serving machine."""
    known_flags: list[str]
    """Server-argument names of this engine."""
    knobs: list[str]
    """Settings that may be tried, by name."""
    dropped: list[UnusableKnob]
    """Settings that will not be tried."""
    probes: int
    """Number of greedy prompts."""
    questions: int
    """Number of questions of the accuracy probe."""
    chosen: ReferenceChoice | None = None
    """How the reference was chosen; ``None`` where this project did not choose it."""
    kernels: str = ""
    """Which kernels the engine runs, in a few words; empty where nothing is known."""

    @model_serializer(mode="wrap")
    def _without_unknowns(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A run whose reference was not chosen is written as it always was."""
        written: dict[str, Any] = dump(self)
        for name in ("chosen", "kernels"):
            if not written.get(name):
                written.pop(name, None)
        return written


def preflight(context: RunContext) -> Preflight:
    """Compare the engine's settings with the registry of knobs, and record the result."""
    knobs, dropped = knobs_for(context.driver.device, context.known_flags, context.situation())
    result = Preflight(
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
        dropped=[UnusableKnob(name=entry.name, why=entry.note) for entry in dropped],
        probes=len(context.prompts),
        questions=len(context.questions),
        chosen=context.chosen,
        kernels=context.kernels,
    )
    context.folder.put(context.folder.root / "preflight.json", result.model_dump(mode="json"))
    context.tell(
        ProgressEvent(
            "note",
            f"{result.device}, {len(knobs)} knobs, {len(dropped)} dropped, {context.protocol.launch_plan} launches"
            + (f", workload {context.workload.name}" if context.workload.name else "")
            + (f", {context.kernels}" if context.kernels else "")
            + (f", {_threads(context.chosen)}" if context.chosen else ""),
        )
    )
    return result


def _threads(choice: ReferenceChoice) -> str:
    return f"{choice.threads} thread{'' if choice.threads == 1 else 's'} a server of {choice.cores} cores"
