"""Clean evidence to inject faults into: built from a seed, or an existing run."""

from __future__ import annotations

import shutil
from pathlib import Path

from bankable.evals.faults.fault import Base, FaultTarget, find_target
from bankable.evals.fixtures.build.benchmark import BenchmarkSpec, write_benchmark
from bankable.evals.fixtures.build.edits import PATCH, answers, candidates, other_tokens, outputs
from bankable.evals.fixtures.build.files import write
from bankable.evals.fixtures.build.profile import profile_folder
from bankable.evals.fixtures.build.run import RUN_ID, enter_all, standard_run
from bankable.tools.errors import UserError
from bankable.tools.evidence.records import LaunchPlan, Lever, Workload
from bankable.tools.evidence.request import Scope
from bankable.tools.serving.recording import Recording

PRECISION = Lever(flags={"dtype": "bfloat16"})
"""A lever that may change tokens, so that accuracy decides."""
SCHEDULING = Lever(flags={"schedule_policy": "lpm"})
"""A lever that leaves the token streams as they are."""
QUESTIONS = Workload(dataset="questions", num_prompts=8, input_len=16, output_len=8, concurrency=4)
"""Answers end by themselves."""


def build(base: Base, scope: Scope, folder: Path, seed: int) -> FaultTarget:
    """Clean evidence of a kind, on which no rule may report a fault."""
    if base == "benchmark":
        write(folder / "run.json", {"schema_version": 1, "run_id": RUN_ID, "config": {}})
        write_benchmark(folder, BenchmarkSpec(seed=7 + seed))
        return FaultTarget(folder, "rms_norm", "harness")
    if base == "profile":
        return FaultTarget(profile_folder(folder), "profile", "profile")
    if base == "alternating":
        standard_run(folder, seed, launch_plan=LaunchPlan.ALTERNATING)
    elif base == "scheduling":
        standard_run(folder, seed, lever=SCHEDULING)
    elif base == "questions":
        standard_run(folder, seed, workload=QUESTIONS, gain=0.9, control={"workload": QUESTIONS})
    elif base == "precision":
        standard_run(folder, seed, lever=PRECISION)
        outputs(candidates(folder)[0], other_tokens)
        answers(folder, 0)
    else:
        standard_run(folder, seed)
    enter_all(folder)
    return FaultTarget(folder, "control" if scope == "baseline" else PATCH, scope)


def copy(run: Path, folder: Path, scope: Scope) -> FaultTarget:
    """A copy of a run, folder or ``.tar.xz``. Raises ``UserError`` when it holds nothing to judge."""
    if folder.exists():
        raise UserError(
            "Cannot write the faulty run: the folder exists",
            str(folder),
            "choose another: evidence is never overwritten",
        )
    opened = Recording(run)
    try:
        source_target = find_target(opened.root, scope)
        shutil.copytree(opened.root, folder, symlinks=True)
    finally:
        opened.close()
    return FaultTarget(folder, source_target.subject, scope)
