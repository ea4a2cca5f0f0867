"""The state machine. Read it beside ``python -m graph draw``: the code below is the picture.

preflight → baseline ⇄ audit → profile ⇄ audit → strategist
          → kernel_extractor ⇄ op_benchmarker ⇄ audit, kernel_author    (operators, one after the other: a shortlist)
          → integrator ⇄ audit → bank | eject                            (the shortlist together; halved if it fails)
          → config_tuner → measure_patch ⇄ audit → bank | eject                                             (settings)
          → validator ⇄ audit → ladder → audit → reporter                        (ladder: only with several loads)
"""

from __future__ import annotations

from collections.abc import Sequence

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from bankable.graph import kernel_steps, ladder_steps, routing, steps
from bankable.graph.branch import Branch
from bankable.graph.common import StepContext
from bankable.graph.state import RunState

Machine = CompiledStateGraph[RunState, StepContext, RunState, RunState]

STEP_LIMIT = 200
"""Limit on steps, above what any bounded run takes; reaching it is a defect."""


def build(
    checkpointer: BaseCheckpointSaver[str] | None = None, branches: Sequence[Branch] = routing.BRANCHES
) -> Machine:
    """Compile the machine. ``branches`` route, and their rows are the labels of the drawn edges."""
    machine = StateGraph(RunState, context_schema=StepContext)

    machine.add_node("preflight", steps.preflight)
    machine.add_node("baseline", steps.baseline)
    machine.add_node("audit_baseline", steps.audit_baseline)
    machine.add_node("profile", steps.profile)
    machine.add_node("audit_profile", steps.audit_profile)
    machine.add_node("strategist", steps.strategist)
    machine.add_node("kernel_extractor", kernel_steps.kernel_extractor)
    machine.add_node("op_benchmarker", kernel_steps.op_benchmarker)
    machine.add_node("audit_harness", kernel_steps.audit_harness)
    machine.add_node("kernel_author", kernel_steps.kernel_author)
    machine.add_node("shortlist", kernel_steps.shortlist)
    machine.add_node("integrator", kernel_steps.integrator)
    machine.add_node("config_tuner", steps.config_tuner)
    machine.add_node("measure_patch", steps.measure_patch)
    machine.add_node("audit_patch", steps.audit_patch)
    machine.add_node("bank", steps.bank)
    machine.add_node("eject", steps.eject)
    machine.add_node("validator", steps.validator)
    machine.add_node("audit_bundle", steps.audit_bundle)
    machine.add_node("ladder", ladder_steps.ladder)
    machine.add_node("audit_frontier", ladder_steps.audit_frontier)
    machine.add_node("reporter", steps.reporter)

    machine.add_edge(START, "preflight")
    machine.add_edge("preflight", "baseline")
    machine.add_edge("shortlist", "kernel_extractor")
    machine.add_edge("audit_frontier", "reporter")
    machine.add_edge("reporter", END)
    for branch in branches:
        machine.add_conditional_edges(branch.source, branch.route, branch.nodes)

    return machine.compile(checkpointer=checkpointer)
