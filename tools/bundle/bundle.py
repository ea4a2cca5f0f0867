"""Writes ``bundle/``: how to start the tuned server, what was proven about it, and the evidence to prove it again.

launch.sh        starts the server as it was measured
manifest.json    accepted flags, the claim with its interval, the verdicts, a digest of every file
evidence/        the run folder's files that the verdicts were derived from, same layout
overlay/         replaced operators, where there are any: compiled where the server starts
standin/         the stand-in package that the measured server ran with; only on a CPU without the engine's own kernels

When the bundle is closed, a run with an auditor adds ``attestation.json``, the signature over the manifest, and the
public key in ``keys/``.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
from pydantic import SerializerFunctionWrapHandler, model_serializer

from bankable.tools.bundle.launch_script import launch_script
from bankable.tools.evidence.folder import RunFolder
from bankable.tools.evidence.layout import RECORDER_FOLDER
from bankable.tools.evidence.records import (
    SCHEMA_VERSION,
    Claim,
    Digest,
    EngineIdentity,
    Lever,
    OperatingPoint,
    Record,
    ServerConfig,
)
from bankable.tools.evidence.store import json_bytes, sha256_file, write_once
from bankable.tools.serving.engine import STANDIN

WHOLE_FOLDERS = ("audits", "keys", "ops", "profile", "profile-2", RECORDER_FOLDER)
"""Folders that are evidence as a whole, where they are there."""
LEFT_BEHIND = (".*", "torn", "server.pid", "__pycache__")
"""Files in a run folder that are no evidence."""


class VerdictLine(Record):
    """One audit of the run, in short."""

    audit: str
    """Folder below ``evidence/audits``."""
    verdict: str
    """PASS, FLAG or FAIL."""
    sha256: Digest
    """Over the file ``verdict.json``."""


class Manifest(Record):
    """``manifest.json``."""

    schema_version: int = SCHEMA_VERSION
    """Version of the bundle."""
    run_id: str
    """Nonce of the run that made the bundle."""
    proven: bool
    """False: no gain was proven; ``launch.sh`` starts the baseline."""
    headline: str
    """What the bundle gains, as the auditor supports it."""
    model: str
    """Path or name of the model that was served."""
    config: ServerConfig
    """Of the server that ``launch.sh`` starts."""
    accepted: list[Lever]
    """Levers that ``launch.sh`` applies, in the order in which they were banked."""
    claim: Claim | None
    """Of the last comparison of the whole bundle; ``None`` when there was none."""
    engine: EngineIdentity | None
    """Engine that was measured; ``None`` when no server came up."""
    verdicts: list[VerdictLine]
    """Every audit of the run, in order of folders."""
    files: dict[str, Digest]
    """Every other file of the bundle."""
    points: tuple[OperatingPoint, ...] = ()
    """One configuration for each load of a ladder, started by ``launch.sh --point NAME``; empty without a ladder."""

    @model_serializer(mode="wrap")
    def _without_absent_points(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The manifest of a run at one load is written as it always was."""
        written: dict[str, Any] = dump(self)
        if not self.points:
            written.pop("points", None)
        return written


def write_bundle(
    folder: RunFolder,
    *,
    run_id: str,
    model: str,
    base: ServerConfig,
    accepted: Sequence[Lever],
    comparisons: Sequence[str],
    claim: Claim | None,
    headline: str,
    device: str,
    engine: EngineIdentity | None,
    overlay: Path | None = None,
    points: Sequence[OperatingPoint] = (),
) -> Manifest:
    """Write the bundle of a run.

    ``comparisons`` are those whose evidence is included; ``accepted`` may be empty. ``overlay``: folder of the replaced
    operators, as the validation served them. ``points``: configurations for the loads of a ladder.
    """
    target = folder.root / "bundle"
    if (target / "manifest.json").is_file():
        return Manifest.model_validate_json((target / "manifest.json").read_bytes())
    partial = folder.root / ".bundle.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    config = base
    for lever in accepted:
        config = config.with_lever(lever)
    _copy_evidence(folder.root, partial / "evidence", comparisons)
    standin = device == "cpu" and (engine is None or engine.kernels is None)
    if standin:
        shutil.copytree(STANDIN, partial / "standin", ignore=shutil.ignore_patterns("__pycache__"))
    if overlay is not None:
        shutil.copytree(overlay, partial / "overlay", ignore=shutil.ignore_patterns("__pycache__"))
    script = launch_script(config, model, headline, standin=standin, overlay=overlay is not None, points=points)
    write_once(partial / "launch.sh", script.encode())
    (partial / "launch.sh").chmod(0o755)
    verdicts = [
        VerdictLine(audit=path.parent.name, verdict=_word(path), sha256=sha256_file(path))
        for path in sorted((partial / "evidence" / "audits").glob("*/verdict.json"))
    ]
    manifest = Manifest(
        run_id=run_id,
        proven=bool(accepted),
        headline=headline,
        model=model,
        config=config,
        accepted=list(accepted),
        claim=claim,
        engine=engine,
        verdicts=verdicts,
        points=tuple(points),
        files={
            path.relative_to(partial).as_posix(): sha256_file(path)
            for path in sorted(partial.rglob("*"))
            if path.is_file()
        },
    )
    write_once(partial / "manifest.json", json_bytes(manifest.model_dump(mode="json")))
    partial.rename(target)
    folder.ledger.enter_tree(target)
    return manifest


def _copy_evidence(root: Path, target: Path, comparisons: Sequence[str]) -> None:
    target.mkdir()
    for name in ("run.json", "preflight.json", "ledger.jsonl"):
        if (root / name).is_file():
            shutil.copy2(root / name, target / name)
    for folder in [*(f"comparisons/{name}" for name in comparisons), *WHOLE_FOLDERS]:
        if (root / folder).is_dir():
            shutil.copytree(root / folder, target / folder, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
    # Every confirmation of the run counts against those that won, so all plans and claims are included.
    for path in sorted((root / "comparisons").glob("*/*.json")):
        copy = target / path.relative_to(root)
        if path.name in ("plan.json", "claim.json") and not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy)


def _word(path: Path) -> str:
    return str(orjson.loads(path.read_bytes()).get("verdict"))
