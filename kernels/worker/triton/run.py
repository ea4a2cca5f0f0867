"""Runs a family's Triton kernel under an external profiler: arguments ``JOB [PROTON-NAME [BACKEND]]``.

JOB is a family, dims, a dtype, and how many calls. On a GPU; or in Triton's interpreter where ``TRITON_INTERPRET`` is
set. With a name, Triton's own profiler writes ``NAME.hatchet``: of whole kernels, or with the backend
``instrumentation`` of scopes inside them.
"""

from __future__ import annotations

import json
import os
import sys


def main() -> None:
    job, profiled, backend = json.loads(sys.argv[1]), *[*sys.argv[2:4], "", ""][:2]
    import torch  # noqa: PLC0415 - from the engine's packages, once the path is right

    from bankable.kernels.operators.implementations import OPERATORS  # noqa: PLC0415 - imports torch
    from bankable.kernels.operators.triton_kernels import PLANS  # noqa: PLC0415 - imports Triton
    from bankable.kernels.worker.inputs import make  # noqa: PLC0415 - imports torch

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

        profiler.start(profiled, backend=backend or None, hook=None if backend else "triton")
    for _ in range(job["calls"]):
        call()
    if device == "cuda":
        torch.cuda.synchronize()
    if profiled:
        profiler.finalize()
    print(json.dumps({"calls": job["calls"], "device": device}))
