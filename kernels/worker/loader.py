"""Loads one implementation into a process that holds no other: live, torch, a compiled graph, a C++ kernel."""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bankable.kernels.operators.family import Dims
from bankable.kernels.operators.torch_operator import Call, Into, Operator, Tensors
from bankable.kernels.worker.live_source import live_names, source_file


@dataclass(frozen=True)
class Loaded:
    """An implementation in this process."""

    bind: Callable[[Tensors, Dims], Call]
    """From weights and tables, and the shape, to the call; as a module of the engine holds them."""
    into: Into | None
    """Call that writes into given output buffers; ``None`` for implementations that allocate their own."""
    executed: Callable[[int], bool]
    """After this many calls: whether the branch itself reported that it ran each of them, and few others."""
    resolved: dict[str, str]
    """Path and digest of the file that was really loaded."""


def load(operator: Operator, entry: dict[str, Any]) -> Loaded:
    """Load the implementation that ``entry`` (an entry of the job) names. Raises any error of the import."""
    return KINDS[entry["kind"]](operator, entry)


def _live(operator: Operator, _: dict[str, Any]) -> Loaded:
    names = live_names(operator.live_files)
    return Loaded(
        lambda weights, _: operator.dispatched(names, weights), None, _held, source_file(operator.live_files[0])
    )


def _framework(operator: Operator, _: dict[str, Any]) -> Loaded:
    return Loaded(lambda _weights, _dims: operator.framework, None, _held, _own(operator))


def _load_compiled(operator: Operator, _: dict[str, Any]) -> Loaded:
    names = live_names(operator.live_files)

    def graphs(_: int) -> bool:
        from torch._dynamo.utils import counters  # noqa: PLC0415 - takes seconds, and only this kind needs it

        return bool(counters["stats"]["unique_graphs"] > 0)

    return Loaded(
        lambda weights, _: torch.compile(operator.dispatched(names, weights), dynamic=False),
        None,
        graphs,
        _own(operator),
    )


def _native(operator: Operator, entry: dict[str, Any]) -> Loaded:
    library = ctypes.CDLL(entry["binary"])
    library.bankable_source.restype = ctypes.c_char_p
    library.bankable_calls.restype = ctypes.c_int64
    into = operator.native(library)

    def bind(_: Tensors, dims: Dims) -> Call:
        wanted = [(size, getattr(torch, dtype)) for size, dtype in operator.family.results(dims, entry["dtype"])]

        def call(tensors: Tensors) -> tuple[torch.Tensor, ...]:
            outputs = tuple([torch.empty(size, dtype=dtype) for size, dtype in wanted])
            into(tensors, outputs)
            return outputs

        return call

    digest = library.bankable_source().decode("ascii", "replace")
    return Loaded(
        bind, into, lambda calls: 0 <= library.bankable_calls() - calls <= calls, {**entry["source"], "digest": digest}
    )


def _held(_: int) -> bool:
    """A Python function is called by reference: the object that is held here is the one that runs."""
    return True


def _own(operator: Operator) -> dict[str, str]:
    """The operator's own ``reference.py``; its reference may be that of another operator."""
    path = Path(operator.framework.__code__.co_filename)
    return {
        "path": f"kernels/operators/{path.parent.name}/{path.name}",
        "digest": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


KINDS: dict[str, Callable[[Operator, dict[str, Any]], Loaded]] = {
    "live": _live,
    "torch": _framework,
    "torch_compile": _load_compiled,
    "cpp": _native,
}
