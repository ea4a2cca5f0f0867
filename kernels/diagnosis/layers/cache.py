"""Stores findings in the task's folder under a digest of everything that they depend on, and reads them again."""

from __future__ import annotations

import functools
import os
import platform
from collections.abc import Mapping
from pathlib import Path

import orjson
from pydantic import ValidationError

from bankable.kernels.diagnosis.layers.layer import LayerFinding, LayerResult, Scope
from bankable.kernels.diagnosis.layers.subject import Subject
from bankable.tools.evidence.canonical import canonical, digest, file_digest
from bankable.tools.evidence.store import json_bytes, write_once

FOLDER = "layers"
RESULT = "result.json"


def compute_key(name: str, version: int, scope: Scope, subject: Subject, tools: Mapping[str, str]) -> str:
    """Digest over the layer and the machine, and as its scope is wide the kernel's source and flags, the task with its
    oracle, and the shape."""
    task = subject.task()
    inputs: dict[str, object] = {
        "layer": name,
        "version": version,
        "tools": dict(tools),
        "machine": describe_machine(subject.python),
        "threads": subject.threads,
        "dtype": task.task.dtype,
    }
    if scope != "machine":
        inputs |= {
            "implementation": subject.implementation,
            "kind": subject.kind,
            "source": subject.origin.digest,
            "text": digest(subject.text.encode()),
            "flags": list(subject.flags),
            "task": file_digest(task.path / "task.json"),
            "oracle": file_digest(task.path / "oracle.json"),
        }
    if scope == "shape":
        inputs["shape"] = subject.shape
    return digest(canonical(inputs))


@functools.lru_cache(maxsize=8)
def describe_machine(python: Path) -> dict[str, str]:
    """What a figure of this machine depends on: processor, cores, system, and the engine's packages."""
    flags = [line for line in _cpuinfo() if line.startswith(("model name", "flags", "Features"))]
    packages = sorted(
        path.name
        for name in ("torch", "triton", "sglang")
        for path in python.parent.parent.glob(f"lib/python*/site-packages/{name}-*.dist-info")
    )
    return {
        "processor": digest("\n".join(sorted(set(flags))).encode()),
        "cores": str(os.cpu_count()),
        "system": f"{platform.machine()} {platform.release()}",
        "engine": f"{python} {' '.join(packages)}",
    }


def find_place(subject: Subject, name: str, key: str) -> Path:
    """Folder of a layer's findings about a subject: numbered attempts, none of which is ever changed."""
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)
    return subject.task().path / FOLDER / f"{safe}-{key[:16]}"


def next_attempt(place: Path) -> Path:
    """The folder of the next attempt."""
    return place / str(1 + max(_attempts(place), default=0))


def load_result(place: Path, key: str, kind: type[LayerFinding]) -> LayerResult | None:
    """The newest stored finding; ``None`` where none can be read."""
    for number in sorted(_attempts(place), reverse=True):
        result = _read(place / str(number) / RESULT, key, kind)
        if result is not None:
            return result
    return None


def store_result(attempt: Path, result: LayerResult) -> None:
    """Store a measured finding in the folder of its attempt."""
    write_once(attempt / RESULT, json_bytes(result.model_dump(mode="json")))


def _attempts(place: Path) -> list[int]:
    return [int(path.name) for path in place.glob("*") if path.name.isdecimal()]


def _read(path: Path, key: str, kind: type[LayerFinding]) -> LayerResult | None:
    try:
        content = orjson.loads(path.read_bytes())
        finding = kind.model_validate(content.pop("found"))
        result = LayerResult.model_validate(content | {"cached": True})
    except (OSError, ValueError, ValidationError, KeyError, AttributeError, TypeError):
        return None
    if result.key != key or result.outcome != "measured":
        return None
    return result.model_copy(update={"found": finding})


def _cpuinfo() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return [f"model name: {platform.processor()}"]
