"""Checks that verdict bytes depend on the evidence alone: one run, audited repeatedly under varied conditions.

Varied: the seed of Python's string hashing, the order in which files were created (and so the order in which a folder
lists them), the number of processes, the interpreter. Every verdict must have the same bytes. A second run whose
objects have their keys in another order must have the same verdict except for the digests of its files.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from bankable.evals.fixtures.build.run import enter_all
from bankable.nodes.auditor.process import START
from bankable.tools import package
from bankable.tools.errors import UserError
from bankable.tools.evidence.request import Scope
from bankable.tools.evidence.seal import seal

JSON_FILES = (".json", ".jsonl")


@dataclass(frozen=True)
class Repeats:
    """Number of equal verdicts in each scope."""

    verdicts: dict[str, Counter[bytes]]
    """Distinct verdict bytes of each variation, with their counts."""

    @property
    def same(self) -> bool:
        return all(len(outcomes) == 1 for outcomes in self.verdicts.values())

    def table(self) -> str:
        """One line per variation."""
        return "\n".join(
            f"{name:<34}{sum(outcomes.values()):>5} verdicts, {len(outcomes)} distinct"
            for name, outcomes in self.verdicts.items()
        )


def repeat(run: Path, scope: Scope, subject: str, place: Path, count: int, pythons: Sequence[Path] = ()) -> Repeats:
    """Judge one subject ``count`` times with each interpreter. Raises ``UserError`` when an audit gives no verdict."""
    outcomes: dict[str, Counter[bytes]] = {}
    shared: Counter[bytes] = Counter()
    for python in pythons or (Path(sys.executable),):
        for turn in range(count):
            folder = _shuffle_run(run, place / "copy", random.Random(turn))
            shared[_verdict(folder, scope, subject, place / "sealed", python, turn)] += 1
            shutil.rmtree(folder)
    outcomes[f"{scope}: hash seed, file order, jobs"] = shared
    verdict = orjson.loads(next(iter(shared)))
    turned: Counter[bytes] = Counter([_without_digests(verdict)])
    for turn in range(max(1, count // 10)):
        folder = _shuffle_run(run, place / "copy", random.Random(turn), keys=True)
        answer = _verdict(folder, scope, subject, place / "sealed", Path(sys.executable), turn)
        turned[_without_digests(orjson.loads(answer))] += 1
        shutil.rmtree(folder)
    outcomes[f"{scope}: order of keys"] = turned
    return Repeats(outcomes)


def _verdict(run: Path, scope: Scope, subject: str, place: Path, python: Path, turn: int) -> bytes:
    sealed = seal(run, scope, subject, 1, place)
    try:
        done = subprocess.run(
            [
                str(python.absolute()),
                "-s",
                "-P",
                "-c",
                START,
                str(package.START),
                str(sealed.folder),
                str(1 + turn % 2),
            ],
            env={"PYTHONHASHSEED": str(turn)},
            cwd="/",
            capture_output=True,
            check=False,
        )
    finally:
        sealed.discard()
    if done.returncode != 0:
        reason = done.stderr.decode(errors="replace").strip()[-300:] or f"exit code {done.returncode}, no error output"
        fix = "name an interpreter that has the dependencies of this package"
        raise UserError(f"Cannot audit in another process: {reason}", str(python), fix)
    return done.stdout


def _shuffle_run(run: Path, copy: Path, rng: random.Random, *, keys: bool = False) -> Path:
    """The same files, created in another order; with ``keys`` also with the keys of every object in another order."""
    paths = [path for path in sorted(run.rglob("*")) if path.is_file() and path.name != ".lock"]
    rng.shuffle(paths)
    for path in paths:
        target = copy / path.relative_to(run)
        target.parent.mkdir(parents=True, exist_ok=True)
        if keys and path.suffix in JSON_FILES and "audits" not in path.parts:
            target.write_bytes(b"".join(_shuffle_lines(path, rng)))
        else:
            shutil.copyfile(path, target)
    if keys:  # the ledger holds digests of the rewritten files
        enter_all(copy)
    return copy


def _shuffle_lines(path: Path, rng: random.Random) -> Iterator[bytes]:
    texts = path.read_bytes().splitlines() if path.suffix == ".jsonl" else [path.read_bytes()]
    for text in texts:
        yield orjson.dumps(_reorder(orjson.loads(text), rng)) + b"\n"


def _reorder(value: Any, rng: random.Random) -> Any:
    if isinstance(value, dict):
        names = list(value)
        rng.shuffle(names)
        return {name: _reorder(value[name], rng) for name in names}
    return [_reorder(entry, rng) for entry in value] if isinstance(value, list) else value


def _without_digests(verdict: Any) -> bytes:
    return orjson.dumps({**verdict, "evidence": sorted(entry["file"] for entry in verdict["evidence"])})
