"""Compiles kernels in a process of its own: under the engine's interpreter; its argument is REPLIES.

Standard input is a job: a family, a dtype, and kernels, each a shape and a target. Each of them is a line of the file
REPLIES, with figures for each launch; one that cannot be compiled is a line that says why.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main() -> None:
    job = json.load(sys.stdin)
    with Path(sys.argv[1]).open("w", encoding="utf-8") as replies:
        try:
            import triton  # noqa: PLC0415 - whether it is there is part of the answer

            from bankable.kernels.worker.triton.build import figures, launches_of  # noqa: PLC0415 - imports Triton
        except ImportError as problem:
            replies.write(json.dumps({"absent": str(problem)}) + "\n")
            return
        replies.write(json.dumps({"triton": triton.__version__}) + "\n")
        for kernel in job["kernels"]:
            replies.flush()  # the compiler may end this process: what came before is kept
            reply = {"shape": kernel["shape"], "target": kernel["target"]}
            try:
                launches = launches_of(job["family"], tuple(kernel["dims"]), job["dtype"])
                reply["launches"] = [figures(launch, kernel["target"]) for launch in launches]
            except Exception as problem:
                said = [line for line in str(problem).splitlines() if line.strip()] or [""]
                reply["failed"] = f"{type(problem).__name__}: {said[0]}"[:300]
            replies.write(json.dumps(reply) + "\n")
