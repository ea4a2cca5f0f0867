"""The job that reads a problem: its sizes, smaller ones where they are wanted, and the tensors of a call."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from bankable.kernels.worker.kernelbench.child import use_scratch
from bankable.kernels.worker.kernelbench.problem import (
    Sizes,
    load_problem,
    read_sizes,
    shrink,
    tensors_of,
    without_data,
)
from bankable.kernels.worker.landlock import restrict

SEED = 42
LIMIT_S = 60
"""Seconds for reading a problem without data, and again with data."""


def run(job: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """One reply a problem, in order; with ``error`` where it cannot be run.

    ``problems``: source, and ``budget``, the bytes of a call's tensors (0: any). All in one process: torch needs two
    seconds before it computes without data.
    """
    use_scratch(Path(job["scratch"]))
    restrict(Path(job["scratch"]), [])
    torch.set_num_threads(job["threads"])
    for entry in job["problems"]:
        try:
            with torch.inference_mode(False), torch.no_grad():
                reply = _describe(entry["source"], entry["budget"])
        except Exception as problem:
            reply = {"error": f"{type(problem).__name__}: {problem}".splitlines()[0][:300]}
        yield reply


def _describe(text: str, budget: int) -> dict[str, Any]:
    smaller = Sizes()
    try:
        with _time_limit(LIMIT_S):
            inputs, outputs, state = without_data(text, {})
            full_bytes = _total(inputs, outputs)
            if budget and full_bytes > budget:
                smaller = shrink(text, budget)
                inputs, outputs, state = without_data(text, smaller)
    except Exception:  # no model of the whole problem without data, or a loop of very many steps: once with data
        smaller = {}
        with _time_limit(LIMIT_S):
            inputs, outputs, state = _with_data(text)
        full_bytes = _total(inputs, outputs)
    constants = load_problem(text, smaller).constants
    return {
        "sizes": read_sizes(text),
        "smaller": smaller,
        "inputs": _specs(inputs),
        "outputs": _specs(outputs),
        "call_bytes": _total(inputs, outputs),
        "full_bytes": full_bytes,
        "state_bytes": state,
        "constants": {name: value for name, value in constants.items() if _is_plain(value)},
    }


def _total(inputs: Sequence[torch.Tensor], outputs: Sequence[torch.Tensor]) -> int:
    return sum(tensor.nbytes for tensor in (*inputs, *outputs))


@contextmanager
def _time_limit(seconds: int) -> Iterator[None]:
    """Raises ``TimeoutError`` inside when the time is over."""

    def late(*_: object) -> None:
        raise TimeoutError(f"one call takes more than {seconds} s")

    former = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, former)


def _with_data(text: str) -> tuple[list[torch.Tensor], list[torch.Tensor], int]:
    problem = load_problem(text, {})
    module = problem.build(SEED)
    inputs = problem.inputs(SEED)
    state = sum(tensor.nbytes for tensor in (*module.parameters(), *module.buffers()))
    return tensors_of(inputs), tensors_of(module(*inputs)), state


def _specs(tensors: Sequence[torch.Tensor]) -> list[dict[str, Any]]:
    return [
        {"shape": list(tensor.shape), "dtype": str(tensor.dtype).removeprefix("torch."), "bytes": tensor.nbytes}
        for tensor in tensors
    ]


def _is_plain(value: Any) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True
