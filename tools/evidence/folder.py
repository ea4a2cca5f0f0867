"""A run's folder: where each piece of evidence lives, who may write to it, and which version wrote it.

run.json  preflight.json  ledger.jsonl  outcome.json  report.html
comparisons/<name>/{plan.json, claim.json, legs/<leg_id>/…}
search/{trials.jsonl, legs/<leg_id>/…}
profile/{profile.json, legs/profile/…, *.trace.json.gz}
audits/<scope>-<subject>-<attempt>/{verdict.json, attestation.json}
keys/<key id>.pem (public keys that signed)
recorder/{chain.jsonl, key-<n>.json} (every file of the run, signed when it was finished)
bundle/
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from filelock import FileLock, Timeout

from bankable.tools.errors import UserError
from bankable.tools.evidence.ledger import EvidenceRecorder, Ledger
from bankable.tools.evidence.records import SCHEMA_VERSION, LegRecord, Record
from bankable.tools.evidence.store import free_name, json_bytes, write_once


class RunHead(Record):
    """``run.json``: identity and settings of a run."""

    run_id: str
    """Nonce of the run: every record of it names it."""
    config: dict[str, Any]
    """Settings of the run, as they were asked for."""


class RunFolder:
    """An opened, locked run folder. Use as a context manager; the lock goes with the process in any case."""

    def __init__(self, root: Path, lock: FileLock, recorder: EvidenceRecorder | None = None) -> None:
        self.root = root
        self._lock, self._recorder = lock, recorder
        self.ledger = Ledger(root, recorder)

    @classmethod
    def create(
        cls, root: Path, run_id: str, config: dict[str, Any], recorder: EvidenceRecorder | None = None
    ) -> RunFolder:
        """A new run, whose files ``recorder`` signs. Raises ``UserError`` when the folder already holds one."""
        if (root / "run.json").exists():
            raise UserError(
                "Cannot start a run: this folder already holds a run", str(root), "`resume` it, or choose another --out"
            )
        if root.exists() and not root.is_dir():
            raise UserError("Cannot start a run: not a folder", str(root), "choose another --out")
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise UserError(
                f"Cannot make the run folder: {problem.strerror or problem}", str(root), "choose another --out"
            ) from None
        lock = _lock_run(root)
        write_once(
            root / "run.json", json_bytes({"schema_version": SCHEMA_VERSION, "run_id": run_id, "config": config})
        )
        folder = cls(root, lock, recorder)
        folder.ledger.enter(root / "run.json")
        return folder

    @classmethod
    def open(cls, root: Path, recorder: EvidenceRecorder | None = None) -> RunFolder:
        """Open an existing run to resume it. Raises ``UserError`` when it is none, in use, or too new."""
        read_run(root)
        return cls(root, _lock_run(root), recorder)

    def comparison(self, name: str) -> Path:
        """Folder of a comparison."""
        return self.root / "comparisons" / name

    @property
    def search(self) -> Path:
        """Folder of the screening launches and trials."""
        return self.root / "search"

    @property
    def profile(self) -> Path:
        """Folder of the profile."""
        return self.root / "profile"

    def audit(self, scope: str, subject: str, attempt: int) -> Path:
        """Folder of one verdict."""
        return self.root / "audits" / f"{scope}-{subject}-{attempt}"

    def put(self, path: Path, value: object) -> None:
        """Write a JSON file once and enter it in the ledger."""
        write_once(path, json_bytes(value))
        self.ledger.enter(path)

    def draw_nonce(self, plan: Path) -> str | None:
        """What the data seeds of an entered plan follow from; ``None`` where the plan's own count.

        Drawn after the plan was signed and before its first launch, so that nobody can choose prompts.
        """
        if self._recorder is None:
            return None
        fresh = not (plan.parent / "legs").exists()
        if fresh:
            self.ledger.open_recorder()
        return self._recorder.draw_nonce(self.root, plan.relative_to(self.root).as_posix(), fresh)

    def close(self) -> None:
        """End the recorder and release the lock of the folder."""
        if self._recorder is not None:
            self._recorder.close()
        self._lock.release()

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_run(root: Path) -> RunHead:
    """Content of ``run.json``; ``UserError`` for anything that is not a run of a supported version."""
    path = root / "run.json"
    if not path.is_file():
        raise UserError("Cannot open the run: not a run folder", str(root), "give the folder that holds run.json")
    try:
        content = orjson.loads(path.read_bytes())
        version, run_id, config = content["schema_version"], content["run_id"], content["config"]
    except (ValueError, KeyError, TypeError):
        raise UserError("Cannot open the run: run.json cannot be read", str(path), "start a new run") from None
    if not isinstance(version, int) or not isinstance(run_id, str) or not isinstance(config, dict):
        raise UserError("Cannot open the run: run.json cannot be read", str(path), "start a new run")
    if version > SCHEMA_VERSION:
        raise UserError(
            f"Cannot open the run: run folder version {version} is newer than this program's {SCHEMA_VERSION}",
            str(root),
            "update bankable",
        )
    return RunHead(run_id=run_id, config=config)


def finished_legs(root: Path) -> list[LegRecord]:
    """Every leg below ``root`` that was closed, ordered by path."""
    return [LegRecord.model_validate_json(path.read_bytes()) for path in sorted(root.rglob("legs/*/leg.json"))]


def set_leg_aside(leg: Path) -> Path | None:
    """Rename a leg that was never closed, so that its block can be measured again; what it holds is kept."""
    if not leg.exists():
        return None
    (leg.parent.parent / "torn").mkdir(exist_ok=True)
    aside = free_name(leg.parent.parent / "torn" / leg.name)
    leg.rename(aside)
    return aside


def _lock_run(root: Path) -> FileLock:
    lock = FileLock(root / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UserError(
            "Cannot open the run: another process is working on this run", str(root), "wait for it, or stop it first"
        ) from None
    return lock
