"""Recordings with a known truth, made in tests from the shipped real one.

The control's legs of the shipped recording are copied into a patch and a bundle comparison, with the candidate's times
scaled and whatever else a test wants to be true of it. What comes out is no measurement and is never shown as one.
"""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from tests.graph.conftest import RECORDING

Json = dict[str, Any]
LEVER = ("stream_interval", 8)
PATCH = "patch-stream_interval-8"
BLOCKS = 10
SCALED = ("duration",)
RATES = ("request_throughput", "input_throughput", "output_throughput", "total_throughput", "max_output_tokens_per_s")


def tampered_recording(target: Path, slow_down: float, spoil: Callable[[Path, bool], None] | None = None) -> Path:
    """A recording whose lever takes ``slow_down`` times as long per round (0.8: +25 %).

    ``spoil`` edits a leg; its second argument is true for the candidate's.
    """
    with tarfile.open(RECORDING) as archive:
        archive.extractall(target, filter="data")
    (run,) = [path.parent for path in target.rglob("run.json")]
    for name in (PATCH, "bundle"):
        for block in range(BLOCKS):
            source = f"b{block % 3:02d}-reference"
            for side in ("reference", "candidate"):
                leg = run / "comparisons" / name / "legs" / f"b{block:02d}-{side}"
                shutil.copytree(run / "comparisons" / "control" / "legs" / source, leg)
                shutil.copy(run / "comparisons/control/legs/b00-reference/outputs.jsonl", leg)
                shutil.copy(run / "comparisons/control/legs/b00-reference/accuracy.jsonl", leg)
                wobble = 1 + 0.003 * ((7 * block + 3 * (side == "candidate") + 5 * (name == "bundle")) % 11 - 5) / 5
                _leg(leg, name, block, side, wobble * (slow_down if side == "candidate" else 1.0))
                if spoil is not None:
                    spoil(leg, side == "candidate")
    return run


def edit(path: Path, change: Callable[[Json], object]) -> None:
    """Change a JSON file in place."""
    content = orjson.loads(path.read_bytes())
    change(content)
    path.write_bytes(orjson.dumps(content))


def edit_lines(path: Path, change: Callable[[Json], object]) -> None:
    """Change every line of a JSON-lines file in place."""
    rows = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    for row in rows:
        change(row)
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))


def slow(content: Json, factor: float) -> None:
    """Have a round take ``factor`` times as long."""
    for key in content:
        if key in SCALED or key.endswith("_ms"):
            content[key] *= factor
        elif key in RATES and content[key]:
            content[key] /= factor
    content["ttfts"] = [value * factor for value in content["ttfts"]]
    content["itls"] = [[value * factor for value in values] for values in content["itls"]]


def _leg(leg: Path, comparison: str, block: int, side: str, factor: float) -> None:
    candidate = side == "candidate"

    def record(content: Json) -> None:
        content |= {"leg_id": leg.name, "comparison": comparison, "block": block, "side": side}
        if candidate:
            content["config"]["flags"][LEVER[0]] = LEVER[1]
            content["argv"] += ["--stream-interval", str(LEVER[1])]

    def info(content: Json) -> None:
        if candidate:
            for resolved in (content, *content.get("internal_states", ())):
                resolved[LEVER[0]] = LEVER[1]

    def row(content: Json) -> None:
        info(content["server_info"])
        slow(content, factor)

    edit(leg / "leg.json", record)
    edit(leg / "server_info.json", info)
    edit_lines(leg / "bench_runs.jsonl", row)
