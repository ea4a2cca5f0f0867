"""Counts launches: a run that is there twice counts once, and runs of one server are one launch.

Which runs one server had is seen in an equal start-up time, in times that overlap or touch, in the layout of a tool's
folders, and in the word of the caller. A server cannot be launched afresh within a few seconds. A launch that has a
``leg.json`` is one launch, whatever its rounds look like: other rules judge those.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from bankable.nodes.auditor.importers.leg import ImportedLeg
from bankable.nodes.auditor.reading.rows import BenchRound

FRESH_S = 5.0
"""Seconds between two runs below which no server can have been launched in between."""
FEWEST_FIGURES = 3
"""Figures that two records have to share to be one run."""


def count_once(legs: Sequence[ImportedLeg]) -> list[ImportedLeg]:
    """Leave out rounds that an earlier file holds: first those of files with one round, then collections of them."""
    order = sorted(range(len(legs)), key=lambda index: (len(legs[index].rows), index))
    seen: list[tuple[BenchRound, str]] = []
    kept: dict[int, ImportedLeg] = {}
    for index in order:
        leg = legs[index]
        fresh = []
        twice: list[str] = []
        for row in leg.rows:
            first = (
                None if _is_recorded(leg) else next((name for other, name in seen if _is_same_run(row, other)), None)
            )
            if first is None:
                fresh.append(row)
            else:
                twice.append(first)
        seen += [(row, leg.name) for row in fresh]
        if not twice:
            kept[index] = leg
        elif fresh:
            kept[index] = leg.with_rows(fresh, f"{len(twice)} runs of {leg.name} are in {twice[0]}, and count once")
    left = [kept[index] for index in sorted(kept)]
    gone = [leg.name for index, leg in enumerate(legs) if index not in kept]
    if gone and left:
        left[0] = left[0].with_rows(left[0].rows, f"{', '.join(gone[:5])}: the same runs once more, counted once")
    return left


def _is_same_run(row: BenchRound, other: BenchRound) -> bool:
    """Whether two records have the same figures to the last digit. Two runs never do."""
    mine, theirs = ({**each.reported, **each.raw} for each in (row, other))
    shared = mine.keys() & theirs.keys()
    same = len(shared) >= FEWEST_FIGURES and all(mine[name] == theirs[name] for name in shared)
    return same and row.duration == other.duration and row.span == other.span and row.process == other.process


def join_runs(legs: Sequence[ImportedLeg], groups: Mapping[str, str]) -> tuple[ImportedLeg, ...]:
    """Join the files of one server to one launch with several rounds. ``groups``: by folder, empty where unknown."""
    joined: list[list[ImportedLeg]] = []
    for leg in legs:
        mates = [mates for mates in joined if any(_why_one(leg, mate, groups) for mate in mates)]
        whole = [each for group in mates for each in group] + [leg]
        joined = [group for group in joined if group not in mates]
        joined.append(whole)
    return tuple(_join(group, groups) for group in joined)


def _join(group: list[ImportedLeg], groups: Mapping[str, str]) -> ImportedLeg:
    first = group[0]
    if len(group) == 1:
        return first
    why = next(text for leg in group[1:] for mate in group if mate is not leg and (text := _why_one(leg, mate, groups)))
    rows = [row for leg in group for row in leg.rows]
    if all(row.span is not None for row in rows):
        rows.sort(key=lambda row: row.span or (0.0, 0.0))
    remarks = [remark for leg in group[1:] for remark in leg.remarks]
    return first.with_rows(rows, f"{len(group)} files are runs of one server, one launch: {why}", *remarks)


def _why_one(leg: ImportedLeg, other: ImportedLeg, groups: Mapping[str, str]) -> str:
    """Why two files are runs of one server; empty where nothing says so."""
    if _is_recorded(leg) or _is_recorded(other):
        return ""
    group = groups.get(leg.folder, "")
    if group and group == groups.get(other.folder, ""):
        return "as the caller says" if group == "given" else "by the layout of the folder"
    mine, theirs = ({row.process for row in each.rows} - {None} for each in (leg, other))
    if mine & theirs:
        return "equal start-up time of the server"
    if mine and theirs:
        return ""  # each names its own process
    times = [(row.span, mate.span) for row in leg.rows for mate in other.rows]
    if any(a is not None and b is not None and _touch(a, b) for a, b in times):
        return "their times overlap or touch"
    return ""


def _is_recorded(leg: ImportedLeg) -> bool:
    return leg.has("leg.json")


def _touch(one: tuple[float, float], other: tuple[float, float]) -> bool:
    apart = max(one[0], other[0]) - min(one[1], other[1])
    return math.isfinite(apart) and apart < FRESH_S
