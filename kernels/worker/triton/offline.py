"""Compiles kernels in a process of its own: under the engine's interpreter; its argument is REPLIES.

Standard input is a ``CompileRequest``. Each of its kernels is a ``KernelCompiled`` in the file REPLIES, behind a line
that names Triton's version.
"""

from __future__ import annotations

import os
import sys

from bankable.kernels.worker.messages import Absent, CompileRequest, CompilerReady, KernelCompiled
from bankable.kernels.worker.protocol import decode, send


def main() -> None:
    request = decode(sys.stdin.readline(), CompileRequest)
    replies = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        import triton  # noqa: PLC0415 - whether it is there is part of the answer

        from bankable.kernels.worker.triton.build import figures, launches_of  # noqa: PLC0415 - imports Triton
    except ImportError as problem:
        send(replies, Absent(str(problem)))
        return
    send(replies, CompilerReady(triton.__version__))
    for kernel in request.kernels:  # the compiler may end this process: what was sent before is there
        try:
            launches = launches_of(request.family, kernel.dims, request.dtype)
            compiled = tuple(figures(launch, kernel.target) for launch in launches)
            reply = KernelCompiled(kernel.shape, kernel.target, compiled)
        except Exception as problem:
            text = next((line for line in str(problem).splitlines() if line.strip()), "")
            reply = KernelCompiled(kernel.shape, kernel.target, (), f"{type(problem).__name__}: {text}"[:300])
        send(replies, reply)
