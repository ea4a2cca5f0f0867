"""The process that holds one module, the reference or an answer, and calls it when the judge says so.

What it says is never believed: outputs are read from shared memory, times from the judge's clock. It runs only while
that clock runs, for it is stopped in between.
"""

from __future__ import annotations

import importlib.util
import json
import os
import pickle
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import nn
from torch.autograd.profiler import profile

from bankable.kernels.worker.kernelbench.arena import Arena
from bankable.kernels.worker.kernelbench.problem import Size, build, load_problem, tensors_of
from bankable.kernels.worker.kernelbench.snapshot import changed, take_snapshot
from bankable.kernels.worker.landlock import restrict

LENGTH_BYTES = 4
MOST_TEXT = 2000
"""Characters of an error that are sent."""
MOST_OPERATORS = 2000
MODEL_NEW = "ModelNew"
BOOKKEEPING = frozenset(
    {
        "view",
        "reshape",
        "_unsafe_view",
        "transpose",
        "t",
        "permute",
        "as_strided",
        "expand",
        "expand_as",
        "unsqueeze",
        "squeeze",
        "slice",
        "select",
        "narrow",
        "split",
        "chunk",
        "unbind",
        "flatten",
        "unflatten",
        "detach",
        "alias",
        "empty",
        "empty_like",
        "empty_strided",
        "new_empty",
        "resize",
        "resolve_conj",
        "resolve_neg",
        "is_nonzero",
        "item",
        "_local_scalar_dense",
    }
)
"""Operators that compute nothing."""
CACHES = ("TMPDIR", "HOME", "XDG_CACHE_HOME", "TORCH_EXTENSIONS_DIR", "TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR")
"""Environment variables of folders that compilers write to."""


@dataclass(frozen=True)
class HeldSource:
    """What a child holds: the problem's own model, or an answer."""

    scratch: Path
    """Folder that it may write to."""
    threads: int
    """Number of threads that torch may use."""
    problem: str | None = None
    """Source of the problem, for the reference."""
    smaller: dict[str, Size] | None = None
    """Sizes of the problem that differ from its source."""
    answer: str | None = None
    """Source of an answer; it never sees the problem's."""
    constants: dict[str, Any] | None = None
    """The problem's constants, which an answer may use under their names."""


class OutputShapeError(Exception):
    """Outputs of another number, shape, dtype or kind than the reference has."""


class ModuleHolder:
    """Runs the judge's commands."""

    def __init__(self, arena: Arena, subject: HeldSource) -> None:
        self._arena, self._subject = arena, subject
        self._before: dict[str, str] = {}
        self._kind: type[nn.Module] | None = None
        self._module: nn.Module | None = None
        self._held: list[torch.Tensor] = []
        self._inputs = [arena.inputs(slot) for slot in range(arena.slots)]
        self._outputs = [arena.outputs(slot) for slot in range(arena.slots)]

    def load(self, _: dict[str, Any]) -> dict[str, Any]:
        """Execute the source."""
        self._before = take_snapshot()
        if self._subject.problem is not None:
            self._kind = load_problem(self._subject.problem, self._subject.smaller or {}).model
            return {}
        self._kind = _load_answer(self._subject)
        return {}

    def make(self, command: dict[str, Any]) -> dict[str, Any]:
        """Construct the module, its weights drawn by a seed."""
        assert self._kind is not None
        self._module = build(self._kind, command["init"], command["seed"])
        return {}

    def run(self, command: dict[str, Any]) -> dict[str, Any]:
        """Call the module once for each slot, and write its outputs there."""
        calls = self._arguments(command)
        assert self._module is not None
        torch.manual_seed(command["seed"])
        for slot, arguments in calls:
            self._held = tensors_of(self._module(*arguments))
            self._write(slot)
        return {}

    def copy(self, command: dict[str, Any]) -> dict[str, Any]:
        """All of ``run`` but the calls: outputs of the last call are written to each slot."""
        calls = self._arguments(command)
        torch.manual_seed(command["seed"])
        for slot, _ in calls:
            self._write(slot)
        return {}

    def operators(self, command: dict[str, Any]) -> dict[str, Any]:
        """Torch's operators that one call comes to, with the sizes of their tensors."""
        ((_, arguments),) = self._arguments(command)
        assert self._module is not None
        with profile(record_shapes=True) as profiler:  # torch.profiler's would import a compiler, for seconds
            self._module(*arguments)
        return {"operators": computing_operators(profiler.function_events or ())[:MOST_OPERATORS]}

    def snapshot(self, _: dict[str, Any]) -> dict[str, Any]:
        """What of torch's settings and the clocks is not as it was before the source was loaded."""
        return {"changed": changed(self._before, take_snapshot())}

    def _arguments(self, command: dict[str, Any]) -> list[tuple[int, list[Any]]]:
        """Arguments by slot: tensors from shared memory, the rest as it was sent (``None`` stands for a tensor)."""
        calls = []
        for slot, others in zip(command["slots"], command["others"], strict=True):
            views = iter(self._inputs[slot])
            calls.append((slot, [next(views) if is_tensor else value for is_tensor, value in others]))
        return calls

    def _write(self, slot: int) -> None:
        views = self._outputs[slot]
        got = [(type(output).__name__, tuple(output.shape), str(output.dtype)) for output in self._held]
        wanted = [(tuple(view.shape), str(view.dtype)) for view in views]
        if [entry[1:] for entry in got] != wanted or any(entry[0] not in ("Tensor", "Parameter") for entry in got):
            raise OutputShapeError(f"outputs {got}, expected {wanted}"[:300])
        for view, output in zip(views, self._held, strict=True):
            view.copy_(output)


def computing_operators(events: Iterable[Any]) -> list[str]:
    """Operators that compute, in order, with the sizes of their inputs: no views, and no memory without contents."""
    own = sorted(
        (event for event in events if event.name.startswith("aten::")), key=lambda event: event.time_range.start
    )
    return [
        f"{event.name.removeprefix('aten::')}{event.input_shapes}"
        for event in own
        if event.name.removeprefix("aten::").rstrip("_") not in BOOKKEEPING
    ]


def serve(commands: int, replies: int, arena: Arena, subject: HeldSource) -> NoReturn:
    """Answer commands until the judge closes the pipe; never returns."""
    status = 1
    try:
        _settle(subject)
        holder = ModuleHolder(arena, subject)
        handlers: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "load": holder.load,
            "make": holder.make,
            "run": holder.run,
            "copy": holder.copy,
            "operators": holder.operators,
            "snapshot": holder.snapshot,
        }
        with torch.inference_mode(False), torch.no_grad():
            while (command := _receive(commands)) is not None:
                try:
                    answer = handlers[command["do"]](command)
                except BaseException as problem:
                    answer = {
                        "error": f"{type(problem).__name__}: {problem}"[:MOST_TEXT],
                        "kind": type(problem).__name__,
                        "trace": "".join(traceback.format_exception(problem))[-MOST_TEXT:],
                    }
                _send(replies, answer)
        status = 0
    finally:
        os._exit(status)


def use_scratch(folder: Path) -> None:
    """Work in a folder, with the caches and temporary files of compilers there: torch has some of its own."""
    os.chdir(folder)
    os.environ.update(dict.fromkeys(CACHES, str(folder)))
    tempfile.tempdir = str(folder)  # it may have been looked up before


def _settle(subject: HeldSource) -> None:
    """Restrict the process of an answer, and give caches of compilers a place that it may write to."""
    use_scratch(subject.scratch)
    os.environ["PATH"] = f"{sys.prefix}/bin:{os.environ.get('PATH', '/usr/bin:/bin')}"
    if subject.answer is not None:
        restrict(subject.scratch, [])
    torch.set_num_threads(subject.threads)


def _load_answer(subject: HeldSource) -> type[nn.Module]:
    """The answer's class. From a file, for compilers of kernels read their own source."""
    assert subject.answer is not None
    path = subject.scratch / "answer.py"
    path.write_text(subject.answer, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("answer", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    module.__dict__.update({"torch": torch, "nn": nn, **(subject.constants or {})})
    sys.modules["answer"] = module
    spec.loader.exec_module(module)
    kind = getattr(module, MODEL_NEW, None)
    if not isinstance(kind, type) or not issubclass(kind, nn.Module):
        raise NameError(f"the answer defines no class {MODEL_NEW} that is a torch module")
    return kind


def _receive(descriptor: int) -> dict[str, Any] | None:
    """The judge's next command; it comes from a trusted process."""
    head = _exactly(descriptor, LENGTH_BYTES)
    body = _exactly(descriptor, int.from_bytes(head, "big")) if head else b""
    return pickle.loads(body) if body else None


def _exactly(descriptor: int, size: int) -> bytes:
    """So many bytes; none when the pipe has ended."""
    parts: list[bytes] = []
    while size > 0:
        piece = os.read(descriptor, min(size, 1 << 20))
        if not piece:
            return b""
        parts.append(piece)
        size -= len(piece)
    return b"".join(parts)


def _send(descriptor: int, answer: dict[str, Any]) -> None:
    line = json.dumps(answer).encode() + b"\n"
    while line:
        line = line[os.write(descriptor, line) :]
