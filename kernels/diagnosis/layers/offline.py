"""The layer that runs everywhere: the family's Triton kernel, compiled for GPUs that need not be there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import orjson
from pydantic import Field

from bankable.kernels.build.offline import CompileFigures, compile_offline
from bankable.kernels.diagnosis.layers.layer import Layer, LayerFinding, text_of
from bankable.kernels.diagnosis.layers.subject import LayerFailedError, Subject
from bankable.kernels.operators import triton_sources
from bankable.kernels.task.shapes import Served
from bankable.tools.evidence.canonical import canonical, digest

TARGETS = ("sm_90", "gfx942")
LANES = {"sm": 32, "gfx": 64}
REGISTERS = 65536
"""Of a multiprocessor of every NVIDIA GPU since Kepler; warps get them in units of 256."""
SHARED = {"sm_80": 164, "sm_86": 100, "sm_89": 100, "sm_90": 228, "sm_100": 228}
"""KiB of shared memory that the blocks of a multiprocessor have in all."""
WARPS = {"sm_75": 32, "sm_86": 48, "sm_89": 48, "sm_120": 48}
MOST_WARPS, MOST_BLOCKS = 64, 32


class OfflineFigures(LayerFinding):
    """The kernel for each target."""

    figures: tuple[CompileFigures, ...] = Field(min_length=1)
    """One entry for each launch and target."""

    def describe(self) -> str:
        return "; ".join(_describe(figures) for figures in self.figures)


class OfflineLayer(Layer):
    name, number, title = "offline", 4, "Triton, compiled"
    measures = "registers, spills, shared memory, instruction mix of the Triton kernel for sm_90 and gfx942"
    limit_s = 600.0
    finding_type = OfflineFigures

    def tools(self, subject: Subject) -> Mapping[str, str]:
        sources = {path.name: digest(path.read_bytes()) for path in triton_sources()}
        return {"triton_side": digest(canonical(sources))}

    def instrument(self, subject: Subject, place: Path) -> None:
        task = subject.task()
        shape = Served(subject.dims, 1, "mixed")
        compiled = compile_offline(task.family, [shape], task.task.dtype, TARGETS, subject.python)
        (place / "figures.json").write_bytes(orjson.dumps([figures.model_dump(mode="json") for figures in compiled]))

    def collect(self, subject: Subject, place: Path) -> OfflineFigures:
        figures = tuple(
            CompileFigures.model_validate(each) for each in orjson.loads((place / "figures.json").read_bytes())
        )
        if all(each.failed for each in figures):
            raise LayerFailedError(figures[0].failed)
        return OfflineFigures(figures=figures)


def occupancy(figures: CompileFigures) -> float | None:
    """Warps that fit on a multiprocessor at a time, of those that it could hold; ``None`` where that is not known.

    On NVIDIA: least of what registers, shared memory and the number of blocks allow. On AMD what the compiler notes, of
    the ten, or on newer ones sixteen or eight, waves of a SIMD unit: left as it is, in eighths.
    """
    if figures.failed or not figures.warps:
        return None
    if figures.occupancy is not None:
        return min(1.0, figures.occupancy / 8)
    if not figures.target.startswith("sm_") or figures.registers is None:
        return None
    most = WARPS.get(figures.target, MOST_WARPS)
    by_warp = -(-max(1, figures.registers) * LANES["sm"] // 256) * 256
    blocks = min(REGISTERS // by_warp // figures.warps, most // figures.warps, MOST_BLOCKS)
    shared = SHARED.get(figures.target)
    if figures.shared_bytes and shared:
        blocks = min(blocks, (shared << 10) // (figures.shared_bytes + 1024))
    return min(1.0, blocks * figures.warps / most)


def _describe(figures: CompileFigures) -> str:
    if figures.failed:
        return f"{figures.target}: {figures.failed}"
    share = occupancy(figures)
    parts = (
        text_of(figures.registers, "{} registers", "registers"),
        text_of(figures.spill_bytes, "{} B spilled", "spills"),
        text_of(figures.shared_bytes, "{} B shared", "shared memory"),
        text_of(None if share is None else 100 * share, "occupancy up to {}%", "occupancy"),
    )
    return f"{figures.target}: {', '.join(parts)}"


LAYER = OfflineLayer()
