"""What can be mutated: every comparison and operator benchmark of recorded archives or run folders."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bankable.evals.invariants import RECORDED, list_subjects, open_runs
from bankable.evals.redteam.scene import LEG
from bankable.tools.errors import UserError
from bankable.tools.evidence.layout import RECORDER_FOLDER
from bankable.tools.evidence.request import Scope


@dataclass(frozen=True)
class RunSubject:
    """One comparison, or one attempt at an operator's benchmark, of an unpacked run."""

    run: Path
    """The run's folder, which is never changed."""
    scope: Scope
    name: str
    """Name of the comparison, or of the operator in scope harness."""
    attempt: int = 1
    """Attempt of the operator benchmark."""

    def __str__(self) -> str:
        return f"{self.run.name}/{self.name}"

    def folder(self, run: Path) -> Path:
        """The subject's folder in a copy of the run."""
        return run / ("ops" if self.scope == "harness" else "comparisons") / self.name

    def claim(self, run: Path) -> Path:
        """Where its claim is, in a copy of the run."""
        folder = self.folder(run)
        return folder / f"bench-{self.attempt}" / "claim.json" if self.scope == "harness" else folder / "claim.json"

    def copy(self, target: Path) -> Path:
        """A copy of the run to be changed, without launches of other comparisons and without what a recorder signed.

        A producer who can forge one record is taken to control the recorder too.
        """
        if target.is_dir():
            shutil.rmtree(target)
        keep = {self.name, *(path.name for path in self.run.glob("comparisons/control*"))}
        lean = self.scope == "harness" or self.name != "bundle"

        def left_out(folder: str, names: list[str]) -> set[str]:
            place = Path(folder)
            gone = {RECORDER_FOLDER, "bundle"} if place == self.run else set()
            if lean and place.parent.name == "comparisons" and place.name not in keep:
                gone |= {"legs", "watch"}
            return gone & set(names)

        shutil.copytree(self.run, target, ignore=left_out)
        return target


def find_subjects(places: Sequence[Path], scratch: Path) -> tuple[RunSubject, ...]:
    """Everything that can be judged in these run folders and archives; in all recorded runs without any.

    ``scratch``: where archives are unpacked. Raises ``UserError`` where nothing can be judged.
    """
    subjects: list[RunSubject] = []
    for number, place in enumerate(places or sorted(RECORDED.glob("*.tar.xz"))):
        unpacked = scratch / f"{number:02d}"
        unpacked.mkdir(parents=True)
        for run in open_runs(place, unpacked):
            subjects += [
                RunSubject(run, scope, name, attempt)
                for scope, name, attempt in list_subjects(run)
                if scope == "harness" or any((run / "comparisons" / name / "legs").glob(f"*/{LEG}"))
            ]
    if not subjects:
        raise UserError(
            "Cannot attack the run: nothing in it was measured",
            ", ".join(map(str, places)),
            "give the folder of a run with comparisons or operator benchmarks",
        )
    return tuple(subjects)
