"""The program that profilers run on a GPU runs in Triton's interpreter where there is none."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from bankable.kernels.build.render import render
from bankable.kernels.diagnosis.layers.gpu import PROGRAM, command
from bankable.kernels.diagnosis.layers.subject import Subject
from bankable.kernels.task.folder import TaskFolder
from bankable.tools.serving.environment import isolate_environment


def test_the_familys_kernel_is_run_as_often_as_asked(norm_task: TaskFolder, python: Path, tmp_path: Path):
    subject = Subject.of_source(norm_task, render(norm_task.family, "bfloat16"), "5x67", python)
    asked = command(subject, 3)
    assert asked[0] == str(python)
    job = asked.index(PROGRAM) + 1
    asked[job] = json.dumps(json.loads(asked[job]) | {"dtype": "float32"})  # the interpreter has no bf16
    done = subprocess.run(
        asked,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=isolate_environment({"TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1", "TRITON_CACHE_DIR": str(tmp_path)}),
    )
    assert done.returncode == 0, done.stderr[-1000:]
    assert json.loads(done.stdout) == {"calls": 3, "device": "cpu"}
