"""inference-doctor, the tool nearest to ``audit``, in an environment of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bankable.tools.errors import UserError

NAME, VERSION = "inference-doctor", "0.4.1"
RESULTS = (".json", ".jsonl")
AIPERF_SUMMARY = "profile_export_aiperf.json"
FLOOR_PERCENT = 1.0
"""The gain that is asked for: the floor of ``audit``."""
PROVEN, NOT, UNSURE, REFUSED = "proven", "not proven", "inconclusive", "refused"
"""Answers to the question whether the candidate is faster by at least the floor."""
_ANSWERS = {0: NOT, 1: PROVEN, 2: UNSURE}
"""By exit code of ``compare-runs``, asked whether the *reference* is a regression of the candidate."""


def default_cache() -> Path:
    """Where the environment is kept between runs."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bankable"


def find_rival(python: Path | None, cache: Path) -> Path:
    """An interpreter that has the rival; without one given, an environment below ``cache`` is built from the registry.

    Raises ``UserError`` when it cannot be had.
    """
    if python is None:
        place = cache / f"{NAME}-{VERSION}"
        python = place / "bin" / "python"
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
            install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            if subprocess.run([*install, f"{NAME}=={VERSION}"], check=False).returncode:
                raise UserError(f"Cannot install {NAME} {VERSION}", str(place), "give an environment with --rival")
    found = subprocess.run(
        [str(python), "-c", f"from importlib.metadata import version; print(version({NAME!r}))"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    if found != VERSION:
        what = f"Cannot compare with {NAME} {VERSION}: found {found or 'none'}"
        raise UserError(what, str(python), "give an interpreter that has it with --rival, or none")
    return python


def command(python: Path, baseline: Path, candidate: Path, *options: str) -> list[str]:
    """The rival's comparison of two folders of runs."""
    program = python.parent / NAME
    return [str(program), "compare-runs", "--baseline", str(baseline), "--candidate", str(candidate), *options]


def ask(python: Path, reference: Path, candidate: Path) -> str:
    """Whether the rival calls the candidate faster by at least the floor.

    It judges losses: the sides are swapped, and a regression of the reference by the floor is a gain of the candidate.
    """
    options = ("--regression-percent", f"{FLOOR_PERCENT:g}")
    with tempfile.TemporaryDirectory(prefix="bench-rival-") as place:
        legs = [lay_out(leg, Path(place) / str(side)) for side, leg in enumerate((candidate, reference))]
        done = subprocess.run(command(python, legs[0], legs[1], *options), capture_output=True, check=False)
    return _ANSWERS.get(done.returncode, REFUSED)


def lay_out(leg: Path, place: Path) -> Path:
    """A leg as the rival takes it: one folder with one file a run. Of AIPerf it takes the summaries."""
    if leg.is_dir() and not any(path.is_dir() for path in leg.iterdir()):
        return leg
    place.mkdir()
    files = sorted(path for path in leg.rglob("*") if path.suffix in RESULTS) if leg.is_dir() else [leg]
    summaries = [path for path in files if path.name == AIPERF_SUMMARY]
    for number, path in enumerate(summaries or files):
        shutil.copyfile(path, place / f"run-{number:03d}{path.suffix}")
    return place
