"""Kernel author: searches a family's template for a faster kernel. It trusts the harness, which others have judged."""

from __future__ import annotations

from kernels.compiler import Compiler
from kernels.render import Source, render
from kernels.search import Search, evaluations, fastest
from kernels.task import TaskFolder
from tools.measurement.lab import Lab
from tools.measurement.progress import Event

BUDGET = 8
"""Kernels that are compiled, tried and ranked; earlier ones of a resumed run count."""


def best_kernel(lab: Lab, task: TaskFolder) -> Source | None:
    """The fastest kernel that is right, by two rounds each; ``None`` when none is."""
    if lab.engine_python is not None:
        threads = int(lab.base.env.get("OMP_NUM_THREADS", "1"))
        Search(task, Compiler(), lab.engine_python, threads).run(BUDGET, lambda _: lab.check())
    known = evaluations(task)  # of a recorded run, too
    best = fastest(known.values())
    if best is None:
        lab.tell(Event("note", f"{task.task.operator}: none of {len(known)} kernels is right"))
        return None
    changed = {name: value for name, value in best.choices.items() if value != task.family.defaults()[name]}
    what = ", ".join(f"{name}={value}" for name, value in sorted(changed.items())) or "the template as it stands"
    lab.tell(Event("note", f"{task.task.operator}: best of {len(known)} kernels: {what}"))
    return render(task.family, task.task.dtype, best.choices)
