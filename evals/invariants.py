"""How far honest launches come to each invariant: the largest deviation over the recorded runs.

The committed table stands beside the invariants (``nodes/auditor/invariants/honest.toml``) and is printed with them, so
that a tolerance can be judged by its margin.
"""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.invariants.listing import HONEST
from bankable.nodes.auditor.invariants.relation import deviation
from bankable.nodes.auditor.reading.sealed import SealedView
from bankable.nodes.auditor.rules.invariants import INVARIANTS
from bankable.tools.errors import UserError
from bankable.tools.evidence.request import Scope
from bankable.tools.evidence.seal import seal

RECORDED = Path(__file__).resolve().parent / "recorded"
HEAD = (
    "# Largest deviation of each invariant over the recorded honest launches, and the pairs of values compared.\n"
    "# Written by `python -m evals invariants --write`.\n"
)
Maxima = dict[str, tuple[float, int]]


def measure_runs(places: Sequence[Path] = ()) -> Maxima:
    """Largest deviation and number of pairs by invariant, over all comparisons and benchmarks of these runs.

    ``places``: run folders and recorded archives; without any, all recorded runs. Raises ``UserError`` for a place that
    is neither.
    """
    maxima: Maxima = {}
    for place in places or sorted(RECORDED.glob("*.tar.xz")):
        with tempfile.TemporaryDirectory(prefix="invariants-") as name:
            for run in open_runs(place, Path(name)):
                for scope, subject, attempt in list_subjects(run):
                    merge(maxima, measure_subject(run, scope, subject, attempt))
    return maxima


def open_runs(place: Path, scratch: Path) -> list[Path]:
    if (place / "run.json").is_file():
        return [place]
    try:
        with tarfile.open(place) as packed:
            packed.extractall(scratch, filter="data")
    except (OSError, tarfile.TarError):
        raise UserError("Cannot read the run", str(place), "give a run folder or a recorded .tar.xz") from None
    return sorted(path.parent for path in scratch.glob("*/run.json"))


def list_subjects(run: Path) -> Iterator[tuple[Scope, str, int]]:
    """(scope, subject, attempt) of everything in a run folder that an audit can judge by invariants."""
    scopes: dict[str, Scope] = {"control": "baseline", "bundle": "bundle"}
    for comparison in sorted((run / "comparisons").iterdir()):
        yield scopes.get(comparison.name, "patch"), comparison.name, 1
    for bench in sorted(run.glob("ops/*/bench-*")):
        yield "harness", bench.parent.name, int(bench.name.rpartition("-")[2])


def measure_subject(run: Path, scope: Scope, subject: str, attempt: int) -> Maxima:
    """The same of one comparison or operator benchmark of a run folder."""
    maxima: Maxima = {}
    with tempfile.TemporaryDirectory(prefix="invariants-") as name:
        sealed = seal(run, scope, subject, attempt, Path(name) / "sealed")
        view = SealedView(sealed.folder)
        if view.request is not None:
            case = Case(view, view.request)
            for invariant in INVARIANTS:
                for reading in invariant.read(case):
                    distance = deviation(invariant.relation, reading.left, reading.right)
                    merge(maxima, {invariant.id: (distance, 1)})
        sealed.discard()
    return maxima


def merge(into: Maxima, more: Maxima) -> None:
    """Take the larger deviation of each invariant, and both numbers of pairs."""
    for name, (largest, pairs) in more.items():
        before, counted = into.get(name, (largest, 0))
        into[name] = max(before, largest), counted + pairs


def write_honest(maxima: Maxima, path: Path = HONEST) -> None:
    """Replace the committed table, in the order of the invariants."""
    blocks = [
        f"\n[{entry.id}]\nlargest = {maxima[entry.id][0]!r}\npairs = {maxima[entry.id][1]}\n"
        for entry in INVARIANTS
        if entry.id in maxima
    ]
    path.write_text(HEAD + "".join(blocks), encoding="utf-8")
