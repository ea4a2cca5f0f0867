"""Kernel extractor: which operators are worth a kernel, and with which arguments the live server calls them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bankable.kernels.build.overlay import patch_of
from bankable.kernels.operators import FAMILIES
from bankable.kernels.operators.family import Family
from bankable.kernels.sandbox.fork_server import ForkServer
from bankable.kernels.task.extract import select_shapes, write_captured_task
from bankable.kernels.task.folder import TaskFolder, open_task
from bankable.nodes.advice.extraction import CapturedShapeSeen, ask_more_shapes, ask_selection
from bankable.nodes.advice.selection import Selection
from bankable.nodes.advice.strategy import OperatorWorth
from bankable.tools.errors import UserError
from bankable.tools.evidence.folder import set_leg_aside
from bankable.tools.evidence.recorded import take_over
from bankable.tools.evidence.records import Failure, Record, Side
from bankable.tools.measurement.leg import LegWriter, publish
from bankable.tools.measurement.progress import ProgressEvent
from bankable.tools.measurement.run_context import RunContext
from bankable.tools.overlay.captured import Captured, CaptureFolder
from bankable.tools.overlay.folder import write_overlay
from bankable.tools.profiling.records import Profile
from bankable.tools.profiling.share import operator_share, promised_gain
from bankable.tools.serving.driver import LaunchFailed, RoundFailed, RoundLoad

LIKELY = 4.0
"""Assumed isolated speed-up of an operator before one is measured."""
WORTH = 0.005
"""Expected end-to-end gain, as a fraction, below which an operator is not worth the time of its benchmark."""
FOLDER = "capture"
REPORTED_S = 2.5
"""Recorded calls are written once a second."""


class OperatorProspect(Record):
    """An operator, and the gain that a kernel for it may give."""

    operator: str
    """Name of the operator."""
    share: float
    """Corrected share of wall time, as a fraction."""
    promise: float
    """End-to-end gain at an isolated speed-up of ``LIKELY`` (Amdahl), as a fraction."""
    reason: str = ""
    """Why it is left out; empty when it is not."""


@dataclass(frozen=True)
class Extraction:
    """Result of extracting one operator."""

    task: TaskFolder | None
    why: str = ""


def rank_operators(profile: Profile) -> list[OperatorProspect]:
    """Every operator that a kernel family covers, the most promising first; small ones with the reason to skip them."""
    prospects = []
    for name in FAMILIES:
        share = operator_share(profile, name) or 0.0
        promise = promised_gain(share, LIKELY)
        small = f"{share:.1%} of the time: at most {promise:+.1%} at {LIKELY:g}×" if promise < WORTH else ""
        prospects.append(OperatorProspect(operator=name, share=share, promise=promise, reason=small))
    return sorted(prospects, key=lambda entry: (-entry.promise, entry.operator))


def choose_operators(
    context: RunContext,
    profile: Profile,
    prospects: Sequence[OperatorProspect],
    order: Sequence[str] | None,
    findings: Sequence[str],
) -> Selection:
    """The operators to extract: those worth it, in the strategist's order where there is one.

    A language model may choose among them; it adds none.
    """
    worth = {
        entry.operator: OperatorWorth(entry.operator, entry.share, entry.promise)
        for entry in prospects
        if not entry.reason
    }
    names = [name for name in order if name in worth] if order is not None else list(worth)
    selection = ask_selection(context, profile, [worth[name] for name in names], findings)
    return selection if selection is not None else Selection(order=tuple(names))


def extract(context: RunContext, operator: str, wanted: list[str]) -> Extraction:
    """The task of an operator: an existing one, or one from the single launch that captures all of the ``wanted``."""
    root = context.folder.root
    if (root / "ops" / operator / "task.json").is_file():
        return Extraction(open_task(root, operator))
    if context.recorded is not None:
        there = take_over(context.recorded, context.folder, f"ops/{operator}", leave="bench-")
        return Extraction(open_task(root, operator)) if there else Extraction(None, "no recorded task")
    observed = _observe(context, operator, wanted)
    if isinstance(observed, str):
        return Extraction(None, observed)
    samples, captured = observed
    assert context.engine_python is not None
    usual = {entry.key for entry in select_shapes(captured)}
    seen = [
        CapturedShapeSeen(item.key, item.phase, item.total, item.key in usual)
        for item in captured.shapes
        if item.sampled
    ]
    also = ask_more_shapes(context, operator, FAMILIES[operator].usual, seen)
    try:
        with ForkServer(context.engine_python, context.threads) as fork_server:
            task = write_captured_task(
                root, context.run_id, _family(context, operator), captured, samples, fork_server, context.threads, also
            )
    except UserError as problem:
        return Extraction(None, str(problem))
    context.folder.ledger.enter_tree(task.path)
    shapes = [shape for shape in task.task.shapes if not shape.held_out]
    covered = sum(shape.calls for shape in shapes) / captured.calls
    context.tell(
        ProgressEvent("note", f"{operator}: {captured.calls} calls captured, {len(shapes)} shapes hold {covered:.0%}")
    )
    return Extraction(task)


def _observe(context: RunContext, operator: str, wanted: list[str]) -> tuple[CaptureFolder, Captured] | str:
    """The operator's recorded calls, from the one launch that records all of the ``wanted``; or why there are none."""
    if (lacks := _lacks(context, operator)) is not None:
        return lacks
    samples, failure = _capture(context, [name for name in wanted if _lacks(context, name) is None])
    if failure is not None:
        return failure.line
    captured = samples.operators().get(operator)
    if captured is None:
        return f"no_rebind_seam: the live server never calls {_family(context, operator).attribute}"
    return samples, captured


def _own_kernels(context: RunContext) -> bool:
    """Whether the reference runs the engine's own kernels for a CPU."""
    return context.chosen is not None and bool(context.chosen.kernels)


def _family(context: RunContext, operator: str) -> Family:
    """The operator at the patch point that the reference calls."""
    return FAMILIES[operator].dispatched(_own_kernels(context))


def _lacks(context: RunContext, operator: str) -> str | None:
    """Why nothing can stand in for the engine's own kernel; ``None`` where something can."""
    family = FAMILIES[operator]
    if not _own_kernels(context) or family.own is not None or not family.own_lacks:
        return None
    return f"no patch point beside the engine's own kernels: {family.own_lacks}"


def _capture(context: RunContext, wanted: list[str]) -> tuple[CaptureFolder, Failure | None]:
    """One launch of the reference under the run's workload with its operators recorded; nothing of it is timed."""
    folder = context.folder.root / FOLDER
    leg = folder / "legs" / "capture-1"
    closed = publish(context, leg)
    if closed is not None:
        return CaptureFolder(leg / "overlay"), closed.failure
    if aside := set_leg_aside(leg):
        context.folder.ledger.enter_tree(aside)
    overlay = folder / "overlay"
    write_overlay(overlay, [patch_of(_family(context, name), FAMILIES[name].usual, "capture") for name in wanted])
    context.folder.ledger.enter_tree(overlay)
    return CaptureFolder(leg / "overlay"), _record_capture(context, leg, overlay)


def _record_capture(context: RunContext, leg: Path, overlay: Path) -> Failure | None:
    writer = LegWriter(context, leg, FOLDER, 0, Side.REFERENCE, context.base)
    writer.lay(overlay, replaces=False)
    context.tell(ProgressEvent("launch", "capture: reference", FOLDER))
    server = context.driver.launch([writer.request()])[0]
    if isinstance(server, LaunchFailed):
        writer.close(None, context.driver.clock(), server.failure)
        return server.failure
    failure: Failure | None = None
    try:
        writer.server_info(server)
        writer.warm(server, RoundLoad(context.workload, context.protocol.seed + 800_000, -1), [])
        time.sleep(REPORTED_S)
    except RoundFailed as problem:
        failure = problem.failure
    finally:
        stopped = server.close()
    writer.close(server.identity, stopped, failure)
    return failure
