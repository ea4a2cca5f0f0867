"""Runs a family's Triton kernel under whatever profiles it: ``run.py REPOSITORY JOB [PROTON-NAME [BACKEND]]``.

JOB is a family, dims, a dtype, and how many calls. On a GPU; or in Triton's interpreter where ``TRITON_INTERPRET`` is
set. With a name, Triton's own profiler writes ``NAME.hatchet``: of whole kernels, or with the backend
``instrumentation`` of what happens inside of them.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

MOST_ARGUMENTS = 5


def main() -> None:
    here = str(Path(__file__).resolve().parent)
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]
    sys.path.append(sys.argv[1])
    job = json.loads(sys.argv[2])
    profiled = sys.argv[3] if len(sys.argv) > 3 else ""
    backend = sys.argv[4] if len(sys.argv) >= MOST_ARGUMENTS else None
    import torch  # noqa: PLC0415 - from the engine's packages, once the path is right

    from kernels.engine_side.inputs import make  # noqa: PLC0415 - imports torch
    from kernels.engine_side.operators import OPERATORS  # noqa: PLC0415 - imports torch
    from kernels.triton_side.plans import PLANS  # noqa: PLC0415 - imports Triton

    device = "cpu" if os.environ.get("TRITON_INTERPRET") else "cuda"
    specs = OPERATORS[job["family"]].family.inputs(tuple(job["dims"]))
    made = make(specs, job["dtype"], 1)
    tensors = {spec.name: made[spec.name].to("cpu" if spec.host else device) for spec in specs}

    def call() -> None:
        for launch in PLANS[job["family"]](tensors)[1]:
            launch.run()

    call()  # compiled now, so that what is profiled is a call
    if profiled:
        from triton import profiler  # noqa: PLC0415 - needs a GPU's libraries

        profiler.start(profiled, backend=backend, hook=None if backend else "triton")
    for _ in range(job["calls"]):
        call()
    if device == "cuda":
        torch.cuda.synchronize()
    if profiled:
        profiler.finalize()
    print(json.dumps({"calls": job["calls"], "device": device}))


if __name__ == "__main__":
    main()
