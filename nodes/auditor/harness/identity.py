"""Checks that the winner of an operator benchmark is another implementation than the live one."""

from __future__ import annotations

import posixpath

from bankable.nodes.auditor.harness.view import OperatorBenchmarkView

OPS = "ops"
"""Folder of the operator tasks in a run folder."""


def describe_self_comparison(benchmark: OperatorBenchmarkView) -> str:
    """Say in one sentence how the winner is the baseline; empty when it is not, or when no winner is claimed."""
    claim, task = benchmark.claim, benchmark.task
    if claim is None or claim.winner is None:
        return ""
    names = {claim.baseline, claim.baseline_backend} | ({task.live_backend} if task is not None else set())
    if claim.winner in names - {None}:
        return f"winner and baseline are both {claim.winner}"
    live = {source.digest for row in benchmark.reference for source in (row.run.source, row.run.resolved) if source}
    if task is not None:
        live.add(task.live_source.digest)
    for row in benchmark.winning:
        source = row.run.resolved or row.run.source
        if source.digest in live:
            return f"{row.name} ran the live source {source.digest[:12]}"
    return ""


def is_in_task_folder(path: str) -> bool:
    """Whether a path is inside the folder that producers write, or cannot be placed in the run folder."""
    plain = posixpath.normpath(path.replace("\\", "/"))
    return plain.startswith((f"{OPS}/", "../", "/")) or plain in (OPS, "..", ".")
