"""Drives the machine through a run, from the start or from its last finished step."""

from __future__ import annotations

from pathlib import Path
from threading import Event as Flag

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.sqlite import SqliteSaver

from graph.config import RunConfig
from graph.machine import STEP_LIMIT, build
from graph.session import session
from graph.state import RunState
from graph.steps import Context
from nodes.reporter import RunOutcome
from tools.errors import UserError
from tools.measurement.progress import Watcher, silent


def execute(
    config: RunConfig, out: Path, *, resume: bool = False, watch: Watcher = silent, stop: Flag | None = None
) -> RunOutcome:
    """Run to the end and return the outcome. Raises ``StopRequested`` after a clean stop and ``UserError``.

    Every step is checkpointed before the next one starts, and every finished launch is found again in the run folder,
    so that whatever ends the process, ``resume`` repeats no finished launch.
    """
    outcome = out / "outcome.json"
    with session(config, out, resume=resume, watch=watch, stop=stop) as lab:
        if not outcome.is_file() or not (out / "report.html").is_file():
            with SqliteSaver.from_conn_string(str(out / "checkpoints.sqlite")) as saver:
                machine = build(saver)
                settings = RunnableConfig(configurable={"thread_id": lab.run_id}, recursion_limit=STEP_LIMIT)
                begun = machine.get_state(settings).next
                context = Context(lab, config)
                machine.invoke(None if begun else RunState(), settings, context=context, durability="sync")
    if not outcome.is_file():
        raise UserError("the run ended without an outcome", str(out), "`resume` it")
    return RunOutcome.model_validate_json(outcome.read_bytes())
