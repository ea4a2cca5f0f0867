"""Reads tritonbench's results: a CSV with ``;`` between cells, or JSON with one key a figure.

CSV: the first column is the input, named by the header (``(M, H)``); the others are ``LABEL-METRIC``; the last row is
``average``. JSON: ``tritonbench_OP_MODE[x_INPUT-LABEL]_METRIC`` maps to a number as text; averages are
``…[x_average-LABEL]_METRIC`` and ``…[LABEL]-METRIC-avg``. Latencies are milliseconds, accuracy is 1 or 0.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bankable.tools.errors import UserError

AVERAGE = "average"
METRICS = ("latency", "speedup", "accuracy", "error_msg")
KEY = re.compile(r"tritonbench_(?P<op>.+)\[x_(?P<x>.*)-(?P<label>[^-\]]+)\]_(?P<metric>\w+)")
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
FORM = "give the file of tritonbench's --output (CSV) or --output-json"


@dataclass
class BenchedPoint:
    """One implementation at one input."""

    x: str
    """The input, as tritonbench writes it; ``average`` over all."""
    label: str
    """Name of the implementation."""
    cells: dict[str, str] = field(default_factory=dict)
    """Text of each metric."""

    def figure(self, metric: str) -> float | None:
        """A metric as a number; ``None`` where it is missing or no number."""
        match = NUMBER.match(self.cells.get(metric, "").strip())
        return float(match.group()) if match else None

    @property
    def accurate(self) -> bool | None:
        """Whether it was right; ``None`` where that was not measured."""
        text = self.cells.get("accuracy", "").strip().lower()
        if text in ("true", "false"):
            return text == "true"
        value = self.figure("accuracy")
        return None if value is None else value > 0


def read_results(path: Path) -> list[BenchedPoint]:
    """All points of a file, averages among them. Raises ``UserError`` where it is none of tritonbench's."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise UserError(f"Cannot read the results: {problem}", str(path), FORM) from None
    points = _of_json(text) if text.lstrip().startswith("{") else _of_csv(text)
    if not points:
        raise UserError("Cannot read the results: no figure of tritonbench's", str(path), FORM)
    return points


def _of_csv(text: str) -> list[BenchedPoint]:
    rows = list(csv.reader(text.splitlines(), delimiter=";"))
    points: dict[tuple[str, str], BenchedPoint] = {}
    for row in rows[1:]:
        for name, value in zip(rows[0][1:], row[1:], strict=False):
            label, _, metric = name.rpartition("-")
            if label and value.strip():
                points.setdefault((row[0], label), BenchedPoint(row[0], label)).cells[metric] = value
    return list(points.values())


def _of_json(text: str) -> list[BenchedPoint]:
    try:
        values = json.loads(text)
    except ValueError:
        return []
    points: dict[tuple[str, str], BenchedPoint] = {}
    for key, value in values.items() if isinstance(values, Mapping) else ():
        if match := KEY.fullmatch(key):
            place = (match["x"], match["label"])
            points.setdefault(place, BenchedPoint(*place)).cells[match["metric"]] = str(value)
    return list(points.values())
