"""Result files, and the cache of verdicts by content."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path

from pydantic import ValidationError

from bankable.evals.runner.record import Judgment
from bankable.tools.errors import UserError
from bankable.tools.evidence.canonical import canonical, digest
from bankable.tools.evidence.store import AppendLog

NAME = "results.jsonl"


def results_file(path: Path) -> Path:
    """A result file, named itself or by its folder."""
    return path / NAME if path.is_dir() else path


def read_results(path: Path) -> tuple[Judgment, ...]:
    """All lines of a result file; an incomplete last line, as after a crash, is skipped."""
    file = results_file(path)
    try:
        lines = file.read_bytes().splitlines(keepends=True)
    except OSError as problem:
        raise UserError(
            "Cannot read results", str(path), problem.strerror or "run `python -m evals run` first"
        ) from None
    judgments: list[Judgment] = []
    for number, line in enumerate(lines, 1):
        if not line.endswith(b"\n"):
            continue
        try:
            judgments.append(Judgment.model_validate_json(line))
        except ValidationError:
            fix = "give a file that `python -m evals run` wrote"
            raise UserError("Cannot read results: invalid line", f"{file}:{number}", fix) from None
    return tuple(judgments)


class ResultFile:
    """A result file that grows. Its lines are of one seed, one set of rules and the judges asked for."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise UserError(f"Cannot create the folder: {problem.strerror}", str(folder), "choose another") from None
        self._log = AppendLog(self.path)
        self.done = list(read_results(self.path)) if self.path.exists() else []

    def fits(self, auditors: Collection[str], seed: int, ruleset: str) -> None:
        """Raises ``UserError`` when existing results are of another auditor or other evidence."""
        for judgment in self.done:
            differs = [
                name
                for name, same in (
                    ("auditor", judgment.auditor in auditors),
                    ("seed", judgment.seed == seed),
                    ("rules", judgment.ruleset == ruleset),
                )
                if not same
            ]
            if differs:
                raise UserError(
                    f"Cannot add results: those in the file have other {differs[0]}",
                    str(self.path),
                    "choose another --out",
                )

    def add(self, judgments: Iterable[Judgment]) -> None:
        """Append them durably."""
        for judgment in judgments:
            self._log.append(judgment.model_dump(mode="json"))
            self.done.append(judgment)


class Cache:
    """Judgments by what they were derived from: evidence, rules, and the number of the repeat."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, auditor: str, evidence: str, ruleset: str, repeat: int) -> Judgment | None:
        """An earlier judgment; ``None`` for a file that cannot be read."""
        try:
            judgment = Judgment.model_validate_json(self._path(auditor, evidence, ruleset, repeat).read_bytes())
        except (OSError, ValidationError):
            return None
        same = (judgment.auditor, judgment.evidence, judgment.ruleset) == (auditor, evidence, ruleset)
        return judgment.model_copy(update={"cached": True}) if same else None

    def put(self, judgment: Judgment) -> None:
        """Store a judgment. Degraded ones depend on the machine too and are not stored."""
        if judgment.degraded:
            return
        path = self._path(judgment.auditor, judgment.evidence, judgment.ruleset, judgment.repeat)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}")
        partial.write_text(judgment.model_dump_json(), encoding="utf-8")
        partial.replace(path)

    def _path(self, *key: object) -> Path:
        name = digest(canonical([str(part) for part in key]))
        return self._folder / name[:2] / f"{name}.json"
