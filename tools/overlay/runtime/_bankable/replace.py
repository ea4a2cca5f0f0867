"""Puts a compiled kernel at a patch point. New shapes are answered by both implementations first, and compared."""

from __future__ import annotations

import ctypes
import hashlib
import os
import sys
import threading
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from _bankable.build import BuildError, build, cache_folder
from _bankable.point import OverlayPoint, load, source_of, uncompiled

COMPARED = 8
"""Calls that are answered by both, each of a shape that was not seen before."""
WATCHED = 512
"""Calls whose shapes are noted."""
CLONED = 1 << 20
"""Elements above which an argument is a cache or a table, and is not copied for the second answer."""
ARGUMENTS: dict[str, Any] = {"pointer": ctypes.c_void_p, "size": ctypes.c_int64, "real": ctypes.c_float}


class Replacement:
    """One operator, replaced in this process."""

    def __init__(self, point: OverlayPoint) -> None:
        self.point = point
        self.why = ""
        """Why the live implementation answers; empty when the kernel does."""
        self.error: float | None = None
        self.shapes: list[str] = []
        self.live_calls = 0
        self._watched = self._compared = 0
        self._lock = threading.Lock()
        self._library: ctypes.CDLL | None = None
        self._adapter: ModuleType | None = None
        self._owner: Any = None
        self._name = ""

    def install(self, module: ModuleType) -> None:
        """Put the kernel in place; whatever goes wrong leaves the live implementation there, and says so."""
        try:
            self._owner, self._name = self.point.owner(module)
            live = self._owner.__dict__[self._name]
            self._adapter = load(self.point.folder / "replacement.py", f"_bankable_{self.point.operator}")
            if self.point.settings["kernel"]["digest"] != self._adapter.KERNEL:
                raise BuildError("replacement.py belongs to another kernel")
            kernel = self._load(self._adapter.ARGUMENTS)
            setattr(self._owner, self._name, self._probation(live, kernel))
        except Exception as problem:  # do no harm: the server goes on as it is
            self._fall_back(f"{type(problem).__name__}: {problem}")

    def lines(self) -> list[dict[str, Any]]:
        """What there is to report."""
        calls = int(self._library.bankable_calls()) if self._library is not None else 0
        current = _current(self._owner, self._name)
        mine = self._mine(current)
        settings = self.point.settings
        return [
            {
                "operator": self.point.operator,
                "mode": self.point.mode,
                "requested": settings["implementation"],
                "resolved": settings["implementation"] if mine is not None and not self.why else "live",
                "engaged": calls > 0 and not self.why and mine is not None,
                "calls": calls,
                "live_calls": self.live_calls,
                "source": source_of(mine)[1] if mine is not None else "",
                "module": source_of(mine if mine is not None else current)[1] if current is not None else "",
                "parameters": settings.get("parameters", {}),
                "shapes": self.shapes[:64],
                "error_vs_live": self.error,
                "why": self.why,
            }
        ]

    def _load(self, arguments: Sequence[str]) -> Callable[..., None]:
        asked = self.point.settings["kernel"]
        source = (self.point.folder / "kernel.cpp").read_bytes()
        if hashlib.sha256(source).hexdigest() != asked["digest"]:
            raise BuildError("kernel.cpp is not the one that was measured")
        binary, _ = build(source, asked["flags"], os.environ.get("CXX", "g++"), cache_folder(), os.environ)
        library = ctypes.CDLL(str(binary))
        library.bankable_source.restype = ctypes.c_char_p
        library.bankable_calls.restype = ctypes.c_int64
        if library.bankable_source().decode("ascii", "replace") != asked["digest"]:
            raise BuildError("the cached binary was built from another source")
        kernel: Callable[..., None] = library.bankable_run
        library.bankable_run.argtypes = [ARGUMENTS[kind] for kind in arguments]
        library.bankable_run.restype = None
        self._library = library
        return kernel

    def _probation(self, live: Callable[..., Any], kernel: Callable[..., None]) -> Any:
        """The function that takes the live one's place."""
        assert self._adapter is not None

        def kept(*args: Any, **named: Any) -> Any:
            self.live_calls += 1
            return live(*args, **named)

        replaced = self._adapter.replace(kept, kernel)

        def answer(*args: Any, **named: Any) -> Any:
            if self._watched < WATCHED:
                return self._watch(live, replaced, args, named)
            return live(*args, **named) if self.why else replaced(*args, **named)

        kept_out = uncompiled(answer)
        kept_out.bankable = (replaced, live)  # how the chain at one patch point is followed
        return kept_out

    def _watch(
        self, live: Callable[..., Any], replaced: Callable[..., Any], args: Sequence[Any], named: dict[str, Any]
    ) -> Any:
        assert self._adapter is not None
        self._watched += 1
        tensors = None if self.why else self._adapter.inputs(*args, **named)
        if tensors is None:
            return live(*args, **named) if self.why else replaced(*args, **named)
        key = "x".join(map(str, self._adapter.dims(tensors)))
        new = key not in self.shapes
        if new:
            self.shapes.append(key)
        if not new or self._compared >= COMPARED:
            return replaced(*args, **named)
        self._compared += 1
        wanted = [it.clone() for it in self._adapter.outputs(live(*_copies(args), **_copied(named)))]
        result = replaced(*args, **named)
        error = max(map(_error, self._adapter.outputs(result), wanted))
        self.error = error if self.error is None else max(self.error, error)
        if not error <= self.point.settings["tolerance"]:
            self._fall_back(f"error {error:.3g} at {key}, allowed {self.point.settings['tolerance']:.3g}")
            return live(*args, **named)
        if self._compared == 1:
            said = f"bankable: {self.point.operator} answered by {self.point.settings['implementation']}"
            print(f"{said}, error {error:.2g} against live", file=sys.stderr, flush=True)
        return result

    def _fall_back(self, why: str) -> None:
        with self._lock:
            self.why = why.splitlines()[0][:300] if why else "unknown"
        print(f"bankable: {self.point.operator} stays live: {self.why}", file=sys.stderr, flush=True)

    def _mine(self, current: Any) -> Callable[..., Any] | None:
        """This operator's function in the chain of replacements at its patch point; ``None`` when it is not in it."""
        while current is not None and hasattr(current, "bankable"):
            replaced, live = current.bankable
            if self._adapter is not None and replaced.__globals__ is self._adapter.__dict__:
                found: Callable[..., Any] = replaced
                return found
            current = live
        return None


def _current(owner: Any, name: str) -> Any:
    return owner.__dict__.get(name) if owner is not None else None


def _copies(args: Sequence[Any]) -> list[Any]:
    return [_copy(value) for value in args]


def _copied(named: dict[str, Any]) -> dict[str, Any]:
    return {name: _copy(value) for name, value in named.items()}


def _copy(value: Any) -> Any:
    """A tensor that the call may write to must not be shared by two answers; modules and numbers stay."""
    clone = getattr(value, "clone", None)
    return clone() if clone is not None and hasattr(value, "numel") and value.numel() <= CLONED else value


def _error(got: Any, want: Any) -> float:
    """Largest |got − want| / max(|want|, rms(want))."""
    if got.numel() == 0:
        return 0.0
    exact, wanted = got.double(), want.double()
    floor = wanted.square().mean().sqrt().clamp(min=1e-30)
    return float(((exact - wanted).abs() / wanted.abs().clamp(min=float(floor))).max())
