"""Reads InferenceX's configurations: the search space of a recipe, as runs of this project.

Format: SemiAnalysisAI/InferenceX, ``.github/configs/*-master.yaml`` (read at 0004cf5, and in the form of November
2026): recipes by name, each with image, model, precision, framework, and fixed lengths under
``scenarios.fixed-seq-len`` or, in the older form, ``seq-len-configs``; each length has a ``search-space`` of parallel
sizes and concurrencies, listed or from ``conc-start`` doubled up to ``conc-end``. Servers of several nodes, prefill
apart from decode and speculative decoding are listed and not run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bankable.tools.errors import UserError
from bankable.tools.workloads import WORKLOADS, NamedWorkload

LARGEST_FILE = 32 << 20
"""Bytes of a configuration that is read."""
MOST_LOADS = 64


@dataclass(frozen=True)
class RecipePoint:
    """One entry of a recipe's search space."""

    input_len: int
    output_len: int
    concurrencies: tuple[int, ...]
    flags: Mapping[str, int | bool]
    """Parallel sizes as engine flags."""
    left_out: str = ""
    """Why this project cannot run it; empty where it can."""

    @property
    def workload(self) -> NamedWorkload | None:
        """The workload of these lengths; ``None`` where none has a name."""
        lengths = (self.input_len, self.output_len)
        return next((each for each in WORKLOADS.values() if (each.input_len, each.output_len) == lengths), None)


@dataclass(frozen=True)
class Recipe:
    """One configuration of InferenceX."""

    name: str
    model: str
    image: str
    precision: str
    framework: str
    points: tuple[RecipePoint, ...]


def read_recipes(path: Path) -> dict[str, Recipe]:
    """All recipes of a file, by name. Raises ``UserError`` for a file that is none."""
    try:
        import yaml  # noqa: PLC0415 - an optional dependency that only this reader needs
    except ImportError:
        raise UserError("Cannot read the recipes: PyYAML is not installed", "", "pip install PyYAML") from None
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise UserError("Cannot read the recipes: the file is too large", str(path), "give a configuration file")
        content = yaml.safe_load(path.read_bytes())
    except OSError as problem:
        reason = problem.strerror or "an error of the file system"
        raise UserError(f"Cannot read the recipes: {reason}", str(path), "check the path") from problem
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        raise UserError(
            "Cannot read the recipes: not YAML", str(path), "give a configuration of InferenceX"
        ) from problem
    entries = content if isinstance(content, dict) else {}
    recipes = {
        str(name): _read_recipe(str(name), entry)
        for name, entry in entries.items()
        if isinstance(entry, dict) and _find_lengths(entry)
    }
    if not recipes:
        raise UserError(
            "Cannot read the recipes: no search space in it", str(path), "give a configuration of InferenceX"
        )
    return recipes


def _read_recipe(name: str, entry: Mapping[str, Any]) -> Recipe:
    model, image, precision, framework = (
        str(entry.get(key, "")) for key in ("model", "image", "precision", "framework")
    )
    return Recipe(name, model, image, precision, framework, tuple(_find_points(entry)))


def _find_lengths(entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    scenarios = entry.get("scenarios")
    lengths = scenarios.get("fixed-seq-len") if isinstance(scenarios, dict) else entry.get("seq-len-configs")
    return [each for each in lengths if isinstance(each, dict)] if isinstance(lengths, list) else []


def _find_points(entry: Mapping[str, Any]) -> Iterator[RecipePoint]:
    for lengths in _find_lengths(entry):
        space = lengths.get("search-space")
        for point in space if isinstance(space, list) else ():
            if isinstance(point, dict):
                yield _read_point(entry, lengths, point)


def _read_point(entry: Mapping[str, Any], lengths: Mapping[str, Any], point: Mapping[str, Any]) -> RecipePoint:
    flags: dict[str, int | bool] = {}
    for name, flag in (("tp", "tp_size"), ("pp", "pp_size"), ("ep", "ep_size")):
        if (size := _whole(point.get(name))) > 1:
            flags[flag] = size
    if point.get("dp-attn") is True:
        flags |= {"enable_dp_attention": True, "dp_size": flags.get("tp_size", 1)}
    drafts = str(point.get("spec-decoding") or "none")
    reasons = {
        "several nodes, or prefill apart from decode": "prefill" in point
        or entry.get("multinode")
        or entry.get("disagg"),
        f"speculative decoding ({drafts})": drafts != "none",
        "no concurrency": not _read_loads(point),
    }
    left_out = "; ".join(reason for reason, holds in reasons.items() if holds)
    return RecipePoint(_whole(lengths.get("isl")), _whole(lengths.get("osl")), _read_loads(point), flags, left_out)


def _read_loads(point: Mapping[str, Any]) -> tuple[int, ...]:
    """Listed, or doubled from the start up to the end, which is always one of them."""
    listed = point.get("conc-list")
    if isinstance(listed, list):
        loads = [_whole(value) for value in listed[:MOST_LOADS]]
    else:
        load, end = _whole(point.get("conc-start")), _whole(point.get("conc-end"))
        loads = []
        while 0 < load < end:
            loads.append(load)
            load *= 2
        loads += [end] if end else []
    return tuple(dict.fromkeys(sorted(load for load in loads if load > 0)))


def _whole(value: object) -> int:
    """A count; 0 for anything else."""
    return value if type(value) is int and 0 < value < 1 << 31 else 0
