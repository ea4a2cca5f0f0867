"""The compiled state machine, for viewing with ``langgraph dev --config graph/langgraph.json``."""

from __future__ import annotations

from bankable.graph.machine import Machine, build


def machine() -> Machine:
    """The compiled machine, without a checkpointer: the development server has its own.

    A step that is started there fails at once: only ``run`` and ``resume`` hand over the run folder that it needs.
    """
    return build()
