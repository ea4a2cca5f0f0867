"""Chooses the reference: what a competent operator of this engine would start on this machine, with the reasons.

A server gets its share of the cores as threads: all cores, divided by the servers that are up at the same time. With
the engine's own CPU kernels the engine chooses its attention backend, and threads are bound by the engine's control.
Both servers of a block are bound to the same cores: only one is loaded at a time, and equal cores are equal conditions;
the remaining cores are left to front ends and load generator. Without the kernels every layer takes its native path.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bankable.tools.errors import UserError
from bankable.tools.evidence.records import LaunchPlan, ReferenceChoice, ServerConfig
from bankable.tools.evidence.threads import BIND, OMP, format_cores
from bankable.tools.serving.command import base_config
from bankable.tools.serving.engine import Engine

SERVERS = {LaunchPlan.ALTERNATING: 1, LaunchPlan.CORESIDENT: 2}
"""Servers that are up at the same time."""


@dataclass(frozen=True)
class ChosenReference:
    """The configuration of the true baseline, and why it is this one."""

    config: ServerConfig
    choice: ReferenceChoice | None
    """``None`` on an accelerator, where the engine's own defaults are the reference."""


def choose_reference(engine: Engine, cores: Sequence[int], launch_plan: LaunchPlan) -> ChosenReference:
    """The reference on these ``cores``, by number. Raises ``UserError`` when there is no core for each server."""
    kernels = engine.kernels
    config = base_config(engine.device, kernels=kernels is not None)
    if engine.device != "cpu":
        return ChosenReference(config, None)
    servers = SERVERS[launch_plan]
    threads = len(cores) // servers
    if threads < 1:
        raise UserError(
            f"Cannot run {servers} servers side by side: this run has {len(cores)} CPU core"
            + ("" if len(cores) == 1 else "s"),
            "launch plan coresident",
            "give it more cores, or add --launch-plan alternating",
        )
    live = kernels is not None and kernels.live
    share = f"share of {len(cores)} CPU cores, servers at a time: {servers}"
    reasons: dict[str, str] = {}
    env = dict(config.env)
    if live:
        env[BIND] = format_cores(sorted(cores)[-threads:])
        reasons[BIND] = f"{share}; the engine binds its own threads and overrides {OMP}"
    else:
        env[OMP] = str(threads)
        reasons[OMP] = share
    reasons["attention_backend"] = _explain_attention(engine)
    reasons["max_total_tokens"] = "a fixed cache, so that servers side by side are equal"
    choice = ReferenceChoice(
        cores=len(cores),
        servers=servers,
        threads=threads,
        kernels=kernels.text() if kernels is not None and live else "",
        reasons=reasons,
    )
    return ChosenReference(ServerConfig(flags=config.flags, env=env), choice)


def describe_kernels(engine: Engine) -> str:
    """Which kernels the engine runs on its device, in a few words."""
    kernels = engine.kernels
    if engine.device != "cpu":
        return f"kernels {kernels.text()}" if kernels is not None else "no kernel package"
    if kernels is None:
        return f"torch-native operators ({engine.kernel_problem or 'no kernel package'})"
    if not kernels.live:
        return f"torch-native layers: {kernels.text()} is installed, and this CPU has no AMX"
    return f"CPU kernels {kernels.text()}, {len(kernels.operators)} operators"


def _explain_attention(engine: Engine) -> str:
    if engine.kernels is None:
        return f"torch_native: {engine.kernel_problem or 'the engine has no CPU kernel package'}"
    return f"the engine's own default: its kernel package {engine.kernels.text()} is installed"
