"""Reads all legs of an audit before the rules run, on all cores.

Parsing per-request records is nearly all of an audit's work, and the legs are independent. Each leg is read as a whole,
in this process or a fork of it where that pays; its records, problems and digests are merged in the order of the legs'
paths, so the verdict's bytes do not depend on the number of cores.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bankable.nodes.auditor.reading import flat
from bankable.nodes.auditor.reading.fork_map import fork_map
from bankable.nodes.auditor.reading.reader import Problem, Reader
from bankable.nodes.auditor.reading.sealed import SealedView
from bankable.nodes.auditor.reading.view import ComparisonView, LegView
from bankable.tools.statistics.order import prepare

FIELDS = ("record", "rows", "server_info", "log", "outputs", "answers", "engagement", "host")
"""Attributes of ``LegView`` that are read in advance."""
WORTH_BYTES = 16 << 20
"""Bytes of evidence below which starting processes takes longer than reading."""


@dataclass(frozen=True)
class LegRead:
    """All records of one leg, and the problems and digests of its files."""

    fields: dict[str, Any]
    """Values of the attributes in ``FIELDS``."""
    problems: list[Problem]
    """Problems of the leg's files."""
    digests: dict[str, str]
    """sha256 by path relative to the sealed folder."""


def prefetch_legs(view: SealedView, jobs: int = 1) -> None:
    """Read every leg of comparison and control and store the records in its view."""
    legs = list(_legs(view))
    hashed = dict(view.reader.digests)
    for leg, read in zip(legs, _read_all(view.folder, [leg.folder for leg in legs], jobs, hashed), strict=True):
        for name, value in read.fields.items():
            setattr(leg, name, value)
        view.reader.merge(read.problems, read.digests)


def read_leg(root: Path, folder: str, hashed: Mapping[str, str] | None = None) -> LegRead:
    """Read one leg with a reader of its own. ``hashed``: digests of files that need not be hashed again."""
    reader = Reader(root, {name: digest for name, digest in (hashed or {}).items() if name.startswith(f"{folder}/")})
    leg = LegView(reader, folder)
    return LegRead({name: getattr(leg, name) for name in FIELDS}, reader.problems, reader.digests)


def _legs(view: SealedView) -> Iterator[LegView]:
    comparisons: Sequence[ComparisonView] = (view.comparison, view.control)
    for index, comparison in enumerate(comparisons):
        if comparison not in comparisons[:index]:
            yield from comparison.legs


def _read_all(root: Path, folders: Sequence[str], jobs: int, hashed: Mapping[str, str]) -> Iterable[LegRead]:
    jobs = min(jobs, len(folders))
    if jobs < 2 or sys.platform != "linux" or sum(_count_bytes(root / folder) for folder in folders) < WORTH_BYTES:
        return (read_leg(root, folder, hashed) for folder in folders)
    prepare()
    flat.prepare()
    return fork_map(lambda index: read_leg(root, folders[index], hashed), len(folders), jobs)


def _count_bytes(folder: Path) -> int:
    try:
        return sum(entry.stat().st_size for entry in folder.iterdir())
    except OSError:
        return 0
