"""Tiny traces to order."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any


def op(name: str, start: float, duration: float, dims: Any = None, *, tid: int = 1, external: int | None = None) -> Any:
    """A framework operator."""
    args: dict[str, Any] = {} if dims is None else {"Input Dims": dims, "Input type": ["float"] * len(dims)}
    if external is not None:
        args["External id"] = external
    return _event("cpu_op", name, start, duration, tid, args)


def span(name: str, start: float, duration: float, category: str = "user_annotation", **args: Any) -> Any:
    """An annotation such as ``step[DECODE bs=8]``."""
    return _event(category, name, start, duration, 1, args)


def launch(start: float, correlation: int) -> Any:
    """A runtime call that launches a kernel."""
    return _event("cuda_runtime", "cudaLaunchKernel", start, 1, 1, {"correlation": correlation})


def kernel(name: str, start: float, duration: float, *, correlation: int = 0, external: int | None = None) -> Any:
    """A GPU kernel."""
    args = {"correlation": correlation} | ({} if external is None else {"External id": external})
    return _event("kernel", name, start, duration, 7, args)


def write(path: Path, events: list[Any], cut: int = 0) -> Path:
    """A gzip trace as the profiler lays it out; ``cut`` bytes are missing at the end of the JSON text."""
    text = json.dumps({"schemaVersion": 1, "traceEvents": events, "traceName": "x"}, indent=2)
    path.write_bytes(gzip.compress(text[: len(text) - cut].encode()))
    return path


def _event(category: str, name: str, start: float, duration: float, *lane_and_args: Any) -> Any:
    tid, args = lane_and_args
    return {"ph": "X", "cat": category, "name": name, "pid": 1, "tid": tid, "ts": start, "dur": duration, "args": args}
