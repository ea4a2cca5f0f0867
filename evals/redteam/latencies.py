"""Frauds on the latencies of rounds: operations over the fields of the round's schema that hold seconds.

Each operation comes once for each side and each way of making the round's duration fit. Which field it changes, and
whether the times around the round are moved too, is drawn by chance.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Literal, get_args, get_origin

from bankable.evals.fixtures.build.files import Json, edit, write_lines
from bankable.evals.redteam.mutation import Mutation
from bankable.evals.redteam.rows import replay_load, request_spans, settle
from bankable.evals.redteam.scene import LEG, ROUNDS, Scene, concurrency_of, rounds_of
from bankable.tools.evidence.records import BenchRun

Window = Literal["kept", "scaled", "replayed"]
"""The round's duration: as it was, in proportion to its requests, or as a load generator would need for them."""
WINDOWS: tuple[Window, ...] = ("kept", "scaled", "replayed")
SIDES = ("candidate", "reference")
SHORTEST_S = 1e-9
"""Requests shorter than this, as failed ones are, count as this long."""


def latency_fields() -> tuple[str, ...]:
    """Fields of a round that hold seconds of each request, from its schema: lists of floats, flat or nested."""
    return tuple(name for name, field in BenchRun.model_fields.items() if _holds_floats(field.annotation))


def _holds_floats(annotation: object) -> bool:
    if annotation is float:
        return False
    if get_origin(annotation) in (list, types.UnionType):
        (first, *_) = get_args(annotation)
        return first is float or _holds_floats(first)
    return False


def _change(value: object, factor: Callable[[], float]) -> object:
    if isinstance(value, list):
        return [_change(entry, factor) for entry in value]
    return value * factor() if isinstance(value, float) else value


def _fit(row: Json, before: Json, window: Window) -> None:
    """Settle the duration of a changed round. ``before``: the round as it was."""
    if window == "scaled":
        row["duration"] = before["duration"] * sum(request_spans(row)) / sum(request_spans(before))
    elif window == "replayed":
        limit = concurrency_of(row)
        row["duration"] = before["duration"] * replay_load(row, limit) / replay_load(before, limit)


def move_ends(leg: Path, rows: list[Json], before: list[Json]) -> None:
    """Move the ends of changed rounds, in the stamp and in the launch's record, by as much as their durations moved."""
    moved: dict[float, float] = {}
    for row, old in zip(rows, before, strict=True):
        stamp = {**old["bankable"], "ended": old["bankable"]["ended"] + row["duration"] - old["duration"]}
        moved[old["bankable"]["ended"]] = stamp["ended"]
        row["bankable"] = {**row["bankable"], "ended": stamp["ended"]}

    def change(record: Json) -> None:
        for span in record["spans"]:
            near = [new for old, new in moved.items() if span["kind"] == "round" and abs(old - span["ended"]) < 1.0]
            span["ended"] = near[0] if near else span["ended"]

    if (leg / LEG).is_file():
        edit(leg / LEG, change)


def _rewrite(scene: Scene, side: str, window: Window, change: Callable[[Path, list[Json]], list[Json]]) -> None:
    """Apply a change to the rounds of each launch of a side, and make the rest of their records fit."""
    moves = window != "kept" and scene.rng.random() < 0.5
    for leg in scene.legs(side):
        before = rounds_of(leg)
        rows = change(leg, [dict(row) for row in before])
        for row, old in zip(rows, before, strict=True):
            _fit(row, old, window)
        if moves:
            move_ends(leg, rows, before)
        write_lines(leg / ROUNDS, [settle(row) for row in rows])


def _pick_fields(scene: Scene) -> tuple[str, ...]:
    """One field of seconds, or all of them."""
    fields = latency_fields()
    return fields if scene.rng.random() < 0.5 else (scene.rng.choice(fields),)


def _level(scene: Scene, side: str) -> float:
    """A factor that favours the candidate."""
    return scene.rng.uniform(0.55, 0.9) if side == "candidate" else scene.rng.uniform(1.12, 1.7)


def _scale(scene: Scene, side: str, window: Window) -> None:
    """All latencies times one factor."""
    fields, factor = _pick_fields(scene), _level(scene, side)
    _rewrite(
        scene,
        side,
        window,
        lambda _, rows: [{**row, **{name: _change(row[name], lambda: factor) for name in fields}} for row in rows],
    )


def _jitter(scene: Scene, side: str, window: Window) -> None:
    """Each latency times a factor of its own, around one that favours the candidate."""
    fields, level, sd = _pick_fields(scene), _level(scene, side), scene.rng.uniform(0.01, 0.1)

    def factor() -> float:
        return max(0.05, scene.rng.gauss(level, sd))

    _rewrite(
        scene,
        side,
        window,
        lambda _, rows: [{**row, **{name: _change(row[name], factor) for name in fields}} for row in rows],
    )


def _copy(scene: Scene, side: str, window: Window) -> None:
    """All rounds of a side have the latencies of its best one (of the reference: its worst), moved a little."""
    fields, noise = latency_fields(), scene.rng.choice((0.0, 0.003, 0.02))
    every = [row for leg in scene.legs(side) for row in rounds_of(leg)]
    choose = min if side == "candidate" else max
    source = choose(every, key=lambda row: float(row["duration"]))

    def factor() -> float:
        return 1.0 + noise * scene.rng.uniform(-1.0, 1.0)

    def copy(_: Path, rows: list[Json]) -> list[Json]:
        same = [len(row["ttfts"]) == len(source["ttfts"]) for row in rows]
        return [
            {**row, **{name: _change(source[name], factor) for name in fields}} if fits else row
            for row, fits in zip(rows, same, strict=True)
        ]

    _rewrite(scene, side, window, copy)


def _transplant(scene: Scene, side: str, window: Window) -> None:
    """The rounds of a side have the latencies of the other side's round of that number, scaled in its favour."""
    fields, level, noise = latency_fields(), _level(scene, side), scene.rng.choice((0.003, 0.02, 0.05))
    other = "reference" if side == "candidate" else "candidate"
    sources = dict(zip(scene.legs(side), [rounds_of(leg) for leg in scene.legs(other)], strict=False))

    def factor() -> float:
        return level * (1.0 + noise * scene.rng.uniform(-1.0, 1.0))

    def transplant(leg: Path, rows: list[Json]) -> list[Json]:
        pairs = zip(rows, sources.get(leg, rows), strict=False)
        changed = [
            {**row, **{name: _change(source[name], factor) for name in fields}}
            if len(row["ttfts"]) == len(source["ttfts"])
            else row
            for row, source in pairs
        ]
        return changed if len(changed) == len(rows) else rows

    _rewrite(scene, side, window, transplant)


def _clip(scene: Scene, side: str, window: Window) -> None:
    """Requests beyond a percentile of their round have the latency at it (of the reference: below it)."""
    share = scene.rng.uniform(0.3, 0.7)

    def clip(_: Path, rows: list[Json]) -> list[Json]:
        changed = []
        for row in rows:
            spans = request_spans(row)
            bound = sorted(spans)[int(share * (len(spans) - 1))]
            limit = min if side == "candidate" else max
            factors = [limit(1.0, bound / max(span, SHORTEST_S)) for span in spans]
            pairs = zip(row["ttfts"], row["itls"], factors, strict=True)
            ttfts, itls = [], []
            for ttft, gaps, factor in pairs:
                ttfts.append(ttft * factor)
                itls.append([gap * factor for gap in gaps])
            changed.append({**row, "ttfts": ttfts, "itls": itls})
        return changed

    _rewrite(scene, side, window, clip)


_OPERATIONS: dict[str, Callable[[Scene, str, Window], None]] = {
    "scale": _scale,
    "jitter": _jitter,
    "copy": _copy,
    "transplant": _transplant,
    "clip": _clip,
}


def _kinds() -> Iterator[Mutation]:
    for operation, side, window in product(_OPERATIONS, SIDES, WINDOWS):
        yield Mutation(f"{operation}-{side}-window-{window}", "moves", _bind(_OPERATIONS[operation], side, window))


def _bind(operation: Callable[[Scene, str, Window], None], side: str, window: Window) -> Callable[[Scene], None]:
    return lambda scene: operation(scene, side, window)


LATENCY_KINDS: tuple[Mutation, ...] = tuple(_kinds())
