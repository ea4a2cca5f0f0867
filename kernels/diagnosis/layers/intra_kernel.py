"""The fifth layer: Proton, Triton's own profiler, over kernels and inside of them. It needs a GPU."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bankable.kernels.diagnosis.layers.gpu import command, no_amd, no_nvidia
from bankable.kernels.diagnosis.layers.layer import Layer, LayerFinding
from bankable.kernels.diagnosis.layers.subject import LayerFailedError, Subject
from bankable.tools.evidence.records import Record
from bankable.tools.serving.environment import isolate_environment

LIMIT_S = 270.0
RUNS = {"kernels": (), "inside": ("instrumentation",)}
"""Names of the two profiles, and the backend of each."""


class Scope(Record):
    """A kernel, or a part of one."""

    name: str
    """Name of the kernel or of the scope inside it."""
    count: float | None = None
    """How often it was entered; ``None`` where it is unknown."""
    time_ns: float | None = None
    """Time of one in nanoseconds; ``None`` where it is unknown."""
    cycles: float | None = None
    """Processor cycles of one; ``None`` where they are unknown."""


class IntraKernel(LayerFinding):
    """What Proton notes."""

    kernels: tuple[Scope, ...]
    """Whole kernels."""
    inside: tuple[Scope, ...] = ()
    """Scopes inside the kernel."""
    missing: tuple[str, ...] = ()
    """What could not be measured, and why."""

    def describe(self) -> str:
        parts = [f"{scope.name} {scope.time_ns / 1e3:.2f} µs" for scope in self.kernels if scope.time_ns is not None]
        return ", ".join(parts[:3]) + (f"; {len(self.inside)} scopes inside" if self.inside else "")


class ProtonLayer(Layer):
    name, number, title = "intra_kernel", 5, "intra-kernel"
    measures = "time of each launch of the Triton kernel, and of scopes inside it (Proton)"
    finding_type = IntraKernel

    def tools(self, subject: Subject) -> Mapping[str, str]:
        return {"proton": "of the engine's Triton"}

    def absent(self, subject: Subject) -> str:
        return "Proton reads a GPU's own clocks, and there is no GPU" if no_nvidia() and no_amd() else ""

    def instrument(self, subject: Subject, place: Path) -> None:
        for name, backend in RUNS.items():
            done = subprocess.run(
                command(subject, 5, str(place / name), *backend),
                cwd=place,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env=isolate_environment({"TRITON_CACHE_DIR": str(place / f"cache-{name}")}),
                timeout=LIMIT_S,
                check=False,
            )
            errors = done.stderr.decode("utf-8", "replace").strip().splitlines()
            if done.returncode != 0 and not backend:
                raise LayerFailedError(f"Proton: {errors[-1][:200] if errors else done.returncode}")

    def collect(self, subject: Subject, place: Path) -> IntraKernel:
        figures, missing = {}, []
        for name in RUNS:
            path = place / f"{name}.hatchet"
            if path.is_file():
                figures[name] = read_hatchet(path.read_text(encoding="utf-8"))
            else:
                missing.append(f"{name}: Proton left no profile")
        if not figures.get("kernels"):
            raise LayerFailedError("Proton recorded no kernel")
        return IntraKernel(kernels=figures["kernels"], inside=figures.get("inside", ()), missing=tuple(missing))


def read_hatchet(text: str) -> tuple[Scope, ...]:
    """Leaves of the tree that Proton writes as JSON. Raises ``LayerFailedError`` for anything else."""
    try:
        tree = json.loads(text)
    except ValueError:
        raise LayerFailedError("Proton's profile is not JSON") from None
    roots = [entry for entry in tree if isinstance(entry, dict) and "frame" in entry] if isinstance(tree, list) else []
    if not roots:
        raise LayerFailedError("Proton's profile has no tree")
    return tuple(leaf for root in roots for leaf in _leaves(root))


def _leaves(node: dict[str, Any]) -> Iterator[Scope]:
    children = [child for child in node.get("children") or () if isinstance(child, dict)]
    for child in children:
        yield from _leaves(child)
    metrics = node.get("metrics") or {}
    if not children and metrics:
        times = {
            figure: _number(metrics, *names)
            for figure, names in (
                ("count", ("count",)),
                ("time_ns", ("time (ns)", "time")),
                ("cycles", ("cycles", "cycles (cycles)")),
            )
        }
        yield Scope(name=str((node.get("frame") or {}).get("name", "?"))[:120], **times)


def _number(metrics: Mapping[str, Any], *names: str) -> float | None:
    return next((float(metrics[name]) for name in names if isinstance(metrics.get(name), int | float)), None)


LAYER = ProtonLayer()
