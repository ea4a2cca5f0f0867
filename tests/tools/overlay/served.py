"""Runs under the engine's interpreter, with an overlay first on its path: a small engine that norms rows.

served.py        prints a JSON line: what came out, and what the engine's own code gives for the same rows
"""

from __future__ import annotations

import inspect
import json
import os
import time

import torch
from small_engine import layers

ROWS = (4, 4, 4, 4, 5, 6, 4, 4)


def main() -> None:
    if os.environ.get("FORKED") and (child := os.fork()):  # as a server forks its workers once it has imported all
        os.waitpid(child, 0)
        return
    plain, added = [], []
    with torch.inference_mode():
        norm = layers.RMSNorm(64)
        norm.weight.copy_(1 + 0.1 * torch.randn(64))
        if os.environ.get("COMPILED"):
            norm.forward = torch.compile(norm.forward, backend="eager")
        for rows in ROWS:
            x, residual = torch.randn(rows, 64).bfloat16(), torch.randn(rows, 64).bfloat16()
            plain.append(float((norm(x).double() - norm.plainly(x)).abs().max()))
            added.append(float((norm(x, residual)[0].double() - norm.plainly(x + residual)).abs().max()))
        wide = float((norm(torch.randn(3, 64)).double().abs()).max())  # fp32: no kernel covers it
    time.sleep(float(os.environ.get("LINGER_S", "1.6")))  # reports are written once a second
    print(
        json.dumps(
            {
                "plain": plain,
                "added": added,
                "wide": wide,
                "imports": layers.IMPORTED,
                "source": inspect.getsource(layers).startswith('"""A small engine'),
            }
        )
    )


main()
