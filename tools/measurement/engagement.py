"""Checks that a declared change took effect in the running server, before anything expensive is measured."""

from __future__ import annotations

import time

from bankable.tools.evidence.records import Engagement, EngineIdentity, Lever
from bankable.tools.evidence.threads import BIND, OMP
from bankable.tools.serving.driver import Server

PATIENCE_S = 5.0
"""The processes of a server report once a second."""


class NotEngaged(Exception):
    """A declared change did not take effect, so the expensive rounds were not run."""


def engagement(lever: Lever, env: dict[str, str], info: dict[str, object], engine: EngineIdentity) -> list[Engagement]:
    """Declared and actual value of every setting that the lever sets.

    A flag can be accepted, served with, and silently ignored; only the resolved arguments tell (C10).
    Variables are not in the server's own report, so the environment of the process stands for them; a number of
    threads counts only where the engine does not bind its threads itself, which it does with its own CPU kernels.
    """
    binds = env.get("SGLANG_USE_CPU_ENGINE") == "1" and engine.kernels is not None and engine.kernels.live
    records = []
    for name, value in sorted(lever.flags.items()):
        resolved = info.get(name)
        wanted = resolved in (value, [value]) or str(resolved) == str(value)
        records.append(
            Engagement(
                name=name,
                requested=str(value),
                resolved=None if name not in info else str(resolved),
                engaged=wanted,
            )
        )
    for name, text in sorted(lever.env.items()):
        unread = name == (OMP if binds else BIND)
        records.append(
            Engagement(
                operator="variable",
                name=name,
                requested=text,
                resolved=_not_read(name) if unread else env.get(name),
                engaged=env.get(name) == text and not unread,
                source="environment",
            )
        )
    return records


def _not_read(name: str) -> str:
    return f"overridden by {BIND}" if name == OMP else "not read: the engine has no CPU kernels that bind threads"


def prove_overlays(lever: Lever, server: Server) -> None:
    """Wait until every replaced operator has answered calls of the warm-up. Raises ``NotEngaged``."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        state = server.overlay()
        ran = {marker.name: marker.resolved for marker in state.markers if marker.engaged}
        missing = [name for name, part in sorted(lever.overlays.items()) if ran.get(name) != part.implementation]
        if not missing:
            return
        why = state.reasons.get(missing[0], "")
        if why or time.monotonic() > deadline:
            raise NotEngaged(f"{missing[0]} was not replaced: {why or 'no worker reports a call of the kernel'}")
        time.sleep(0.2)
