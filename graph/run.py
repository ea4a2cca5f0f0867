"""Runs the state machine through a run, from the start or from its last finished step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Event as Flag

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command

from bankable.graph.approval import ApprovalNeeded
from bankable.graph.common import StepContext
from bankable.graph.config import RunConfig
from bankable.graph.key_source import signing_key
from bankable.graph.machine import STEP_LIMIT, build
from bankable.graph.memory import remember
from bankable.graph.session import session
from bankable.graph.signing import sign_bundle
from bankable.graph.state import RunState
from bankable.graph.tracing import open_trace
from bankable.nodes.reporter import RunOutcome
from bankable.tools.errors import UserError
from bankable.tools.measurement.progress import ProgressEvent, Watcher, silent
from bankable.tools.tracing.target import TraceTarget


def execute(
    config: RunConfig,
    out: Path,
    *,
    resume: bool = False,
    watch: Watcher = silent,
    stop: Flag | None = None,
    key_path: Path | None = None,
    answer: bool | None = None,
    trace: Sequence[TraceTarget] = (),
) -> RunOutcome:
    """Run to the end and return the outcome. Raises ``StopRequested`` after a clean stop and ``UserError``.

    Every step is checkpointed before the next one starts, and every finished launch is found again in the run folder,
    so that whatever ends the process, ``resume`` repeats no finished launch. Verdicts are signed with the key in
    ``key_path``, by default the user's own; a run without an auditor signs nothing. ``answer``: to the question
    that a resumed run waits with. A run that comes to a question raises ``ApprovalNeeded``. ``trace``: where the run is
    told to, besides; it is told nowhere else, whatever the environment says.
    """
    if config.llm is not None:
        config.llm.check_keys()
    key = signing_key(key_path) if config.auditor else None
    if key is not None:
        watch(ProgressEvent("note", key.said))
    outcome = out / "outcome.json"
    with (
        open_trace(trace, watch) as run_trace,
        session(config, out, resume=resume, watch=run_trace.watch, stop=stop) as context,
    ):
        if not outcome.is_file() or not (out / "report.html").is_file():
            with run_trace.run(context.run_id, config, out, resumed=resume) as callbacks:
                _drive(StepContext(context, config, key), answer, callbacks)
        if key is not None:
            sign_bundle(context.folder, key)
    if not outcome.is_file():
        raise UserError(
            "Cannot read the outcome: the run ended without one", str(out), "continue it with `bankable resume`"
        )
    if config.memory is not None:
        watch(ProgressEvent("note", _remember(Path(config.memory), out)))
    return RunOutcome.model_validate_json(outcome.read_bytes())


def _remember(store: Path, out: Path) -> str:
    """Put the run into the memory over runs, and say so. A store that cannot be written takes nothing from the run."""
    try:
        return f"memory: {remember(store, out)} levers of this run are new to {store}"
    except UserError as problem:
        return f"memory: not remembered; {problem}"


def _drive(step: StepContext, answer: bool | None, callbacks: list[BaseCallbackHandler]) -> None:
    context = step.run
    with SqliteSaver.from_conn_string(str(context.folder.root / "checkpoints.sqlite")) as saver:
        machine = build(saver)
        settings = RunnableConfig(
            configurable={"thread_id": context.run_id}, recursion_limit=STEP_LIMIT, callbacks=callbacks
        )
        state = machine.get_state(settings)
        graph_input: RunState | Command[str] | None = None if state.next else RunState()
        if state.interrupts:
            if answer is None:
                raise ApprovalNeeded(state.interrupts[0].value)
            graph_input = Command(resume=answer)
        machine.invoke(graph_input, settings, context=step, durability="sync")
        waiting = machine.get_state(settings).interrupts
        if waiting:
            # The answer was to an earlier question; this question is still open.
            raise ApprovalNeeded(waiting[0].value)
