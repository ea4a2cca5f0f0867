"""Records real calls of an operator: shapes with their counts and phases, and sampled inputs with the live outputs.

The live implementation answers every call. Samples are taken at a shape's first call and when its count doubles, so
that what is kept in the end comes from the midst of the load. Files are written once a second with the report.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from _bankable.hook import after_import
from _bankable.point import OverlayPoint, load, source_of, uncompiled

SHAPES = 400
"""Different shapes that are counted; calls of further ones are counted together."""
SAMPLED_BYTES = 256 << 20
"""Of all samples of an operator in this process."""
RUNNER = "sglang.srt.model_executor.model_runner"
PREFILL, DECODE, MIXED = "prefill", "decode", "mixed"


class RunnerPhase:
    """The phase that the model runner is in, by its own batch."""

    def __init__(self) -> None:
        self.now = MIXED
        after_import({RUNNER: self._install})

    def _install(self, module: ModuleType) -> None:
        runner = module.ModelRunner
        forward = runner.forward

        def watched(this: Any, forward_batch: Any, *args: Any, **named: Any) -> Any:
            mode = forward_batch.forward_mode
            self.now = DECODE if mode.is_decode() else MIXED if mode.is_mixed() else PREFILL
            return forward(this, forward_batch, *args, **named)

        runner.forward = watched


PHASE = RunnerPhase()


class CountedShape:
    """One combination of sizes, with its calls by phase."""

    def __init__(self, dims: tuple[int, ...], strides: list[list[int]], dtypes: list[str], sizes: list[list[int]]):
        self.dims, self.strides, self.dtypes, self.sizes = dims, strides, dtypes, sizes
        self.calls: dict[str, int] = {}
        self.sampled_at = 0

    @property
    def total(self) -> int:
        return sum(self.calls.values())


class Capture:
    """One operator of a server whose calls are recorded."""

    def __init__(self, point: OverlayPoint, folder: Path | None) -> None:
        self.point = point
        self._folder = folder
        self._served: dict[str, CountedShape] = {}
        self._samples: dict[str, tuple[dict[str, Any], tuple[Any, ...]]] = {}
        self._bytes = 0
        self._other = self._uncovered = 0
        self._lock = threading.Lock()
        self._live: tuple[str, str] = ("", "")

    def install(self, module: ModuleType) -> None:
        """Wrap the live implementation."""
        owner, name = self.point.owner(module)
        live = owner.__dict__[name]
        self._live = source_of(inspect.unwrap(live))  # another operator may be recorded at the same attribute
        adapter = load(self.point.folder / "replacement.py", f"_bankable_{self.point.operator}")

        def recorded(*args: Any, **named: Any) -> Any:
            tensors = adapter.inputs(*args, **named)
            key = self._note(adapter, tensors) if tensors is not None else ""
            if tensors is None:
                self._uncovered += 1
            elif key:
                tensors = {name: it.clone() for name, it in tensors.items()}  # before the call may write to them
            result = live(*args, **named)
            if key and tensors is not None:
                self._keep(key, tensors, adapter.outputs(result))
            return result

        kept_out = uncompiled(recorded)
        kept_out.__wrapped__ = live  # what `inspect.unwrap` follows
        setattr(owner, name, kept_out)

    def lines(self) -> list[dict[str, Any]]:
        """What there is to report; samples go to files beside it first."""
        with self._lock:
            samples, self._samples = self._samples, {}
        for key, (tensors, outputs) in samples.items():
            self._write(key, tensors, outputs)
        return [
            {
                "operator": self.point.operator,
                "mode": self.point.mode,
                "module": self._live[1],
                "live_path": self._live[0],
                "other_calls": self._other,
                "uncovered_calls": self._uncovered,
                "shapes": [
                    {
                        "dims": it.dims,
                        "strides": it.strides,
                        "dtypes": it.dtypes,
                        "sizes": it.sizes,
                        "calls": it.calls,
                        "sampled": it.sampled_at > 0,
                    }
                    for it in list(self._served.values())
                ],
            }
        ]

    def _note(self, adapter: ModuleType, tensors: dict[str, Any]) -> str:
        """Count a call; the shape's key when this one is to be sampled."""
        dims = tuple(adapter.dims(tensors))
        key = "x".join(map(str, dims))
        served = self._served.get(key)
        if served is None:
            if len(self._served) >= SHAPES:
                self._other += 1
                return ""
            every = list(tensors.values())
            served = self._served[key] = CountedShape(
                dims,
                [list(it.stride()) for it in every],
                [str(it.dtype).removeprefix("torch.") for it in every],
                [list(it.shape) for it in every],
            )
        served.calls[PHASE.now] = served.calls.get(PHASE.now, 0) + 1
        if served.total < 2 * served.sampled_at or self._bytes > SAMPLED_BYTES:
            return ""
        served.sampled_at = served.total
        return key

    def _keep(self, key: str, tensors: dict[str, Any], outputs: tuple[Any, ...]) -> None:
        kept = tuple(it.clone() for it in outputs)
        self._bytes += sum(it.numel() * it.element_size() for it in (*tensors.values(), *kept))
        with self._lock:
            self._samples[key] = tensors, kept

    def _write(self, key: str, tensors: dict[str, Any], outputs: tuple[Any, ...]) -> None:
        if self._folder is None:
            return
        from safetensors.torch import save_file  # noqa: PLC0415 - the engine brings it, and few processes get here

        save: Callable[[dict[str, Any], str], None] = save_file
        for part, content in (("inputs", tensors), ("expected", {str(i): it for i, it in enumerate(outputs)})):
            path = self._folder / f"{self.point.operator}.{key}.{part}.safetensors"
            partial = path.with_suffix(".partial")
            save({name: it.contiguous().clone() for name, it in content.items()}, str(partial))
            partial.replace(path)
