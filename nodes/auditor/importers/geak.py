"""Finds the two legs of a comparison, and the claims about them, in a run folder of GEAK's e2e workflow.

Format: AMD-AGI/GEAK, directory ``e2e_workflow``: ``roles/director.md`` (commit 0a3da739) lays out ``baseline/``,
``validation/base`` and ``validation/final``; ``roles/e2e_integrator.md`` (commit 0165d32a) ``overlay/cand_*/ref`` and
``/cand``; ``scripts/bench_e2e.sh`` (commit 46e66bfd) writes ``bench_runs.jsonl``, ``bench_summary.json`` and
``server.log`` into each. The rows are those of the serving benchmark without per-request details. The record of
baseline throughput, the profile and the operators' benchmarks lie elsewhere in the run.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bankable.nodes.auditor.importers.intake import Intake, entries, safe
from bankable.tools.errors import UserError

PAIRS = (("ref", "cand"), ("base", "final"), ("validation/base", "validation/final"))
BASELINE = "baseline"
SUMMARIES = ("integrate_result.json", "director_e2e_validation.json", "opbench_result.json")
MAX_BENCHMARKS = 50
_LEG = ("bench_runs.jsonl", "server.log")


@dataclass(frozen=True)
class ComparisonFolder:
    """Both legs, and the summaries that belong to them."""

    reference: Path
    candidate: Path | None
    """``None`` when only the reference was measured."""
    summaries: tuple[Path, ...]


def locate(run: Path, *, baseline: bool = False) -> ComparisonFolder | None:
    """Find the legs of a run folder, or of one integrated change in it; ``None`` when it is neither.

    Raises ``UserError`` when several comparisons are there.
    """
    if not run.is_dir():
        return None
    if baseline:
        alone = run / BASELINE
        return ComparisonFolder(alone, None, ()) if _is_leg(alone) else None
    sides = _pair(run)
    if sides is None:
        below = [path for path in _below(run / "overlay") if _pair(path) is not None]
        if len(below) > 1:
            names = ", ".join(path.name for path in below[:10])
            raise UserError(
                "Cannot import: several comparisons in this run",
                str(run),
                f"give one of the folders in overlay/: {names}",
            )
        if not below:
            return None
        run, sides = below[0], _pair(below[0])
    reference, candidate = sides if sides is not None else (run, None)
    return ComparisonFolder(reference, candidate, tuple(_summaries(run)))


def take_summaries(intake: Intake, summaries: tuple[Path, ...]) -> tuple[str, ...]:
    """Copy them under fixed names."""
    return tuple(
        intake.file(path, f"geak/{index:02d}-{safe(path.parent.name)}-{safe(path.name)}")
        for index, path in enumerate(summaries)
    )


def _pair(folder: Path) -> tuple[Path, Path | None] | None:
    for before, after in PAIRS:
        first, second = folder / before, folder / after
        if _is_leg(first):
            return first, second if second.is_dir() else None
    return None


def _is_leg(folder: Path) -> bool:
    return folder.is_dir() and any((folder / name).is_file() for name in _LEG)


def _below(folder: Path) -> list[Path]:
    return [path for path in entries(folder) if path.is_dir()] if folder.is_dir() else []


def _summaries(run: Path) -> list[Path]:
    """Files beside the legs, and the operator benchmarks of the run that the change belongs to."""
    summaries = [run / name for name in SUMMARIES if (run / name).is_file()]
    top = run.parent.parent if run.parent.name == "overlay" else run
    word = run.name.removeprefix("cand_") if top != run else ""
    tasks = [path for place in ("kernels", "ops") for path in _below(top / place)]
    mine = [path for path in tasks if not word or word in path.name or path.name.removesuffix("_task") in word]
    return (
        summaries
        + [path / "opbench_result.json" for path in mine if (path / "opbench_result.json").is_file()][:MAX_BENCHMARKS]
    )
