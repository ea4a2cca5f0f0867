"""A search asks for one diagnosis after the other; a candidate that fails has one too."""

from __future__ import annotations

from pathlib import Path

from bankable.kernels.build.render import render
from bankable.kernels.diagnosis.diagnoser import Diagnoser
from bankable.kernels.task.folder import TaskFolder
from tests.kernels.hostile import BROKEN, CRASH


def test_honest_broken_and_crashing_candidates(norm_task: TaskFolder, python: Path, compiler):
    honest = render(norm_task.family, "bfloat16", {"fixed_cols": 64})
    with Diagnoser(norm_task, python, cache=compiler.cache) as diagnoser:
        broken, crashing, fine = (diagnoser.of(source, "4x64") for source in (BROKEN, CRASH, honest))
    assert fine.bound == "latency"
    assert (fine.implementation, fine.shape) == (honest.implementation, "4x64")
    assert "fixed_cols" not in fine.levers(), "it is fixed already"
    assert fine.describe().startswith(f"{honest.implementation} at 4x64: bound by latency, ")
    assert "\n1. fuse: a faster kernel saves" in fine.describe()
    assert (broken.bound, crashing.bound) == ("unknown", "unknown")
    assert any(line.startswith("missing: compile: instrument: ") for line in broken.evidence), broken.evidence
    assert any("SIGSEGV" in line for line in crashing.evidence), crashing.evidence
