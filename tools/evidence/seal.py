"""A read-only copy of exactly the raw records that one audit may see.

Only files with known names are copied, so nothing that a producer wrote beside its claim can reach the auditor.
The request says what is judged. Files are not hashed on the way: the auditor hashes what it reads.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from bankable.tools.errors import UserError
from bankable.tools.evidence.canonical import canonical, digest, file_digest
from bankable.tools.evidence.evidence_copier import FOLDER_NAME, EvidenceCopier, read_small_json
from bankable.tools.evidence.harness import ORACLE_FOLDER
from bankable.tools.evidence.layout import CHAIN_FILE, key_file
from bankable.tools.evidence.regular import regular_files
from bankable.tools.evidence.request import Request, Scope
from bankable.tools.evidence.trials import LedgerCut, cut_ledger, first_lines

PARENTS = {"profile": "", "harness": "ops"}
"""Folder of the run that holds the subject, where that is not ``comparisons``."""


@dataclass(frozen=True)
class Seal:
    """A sealed folder and what is asked about it."""

    folder: Path
    request: Request

    @cached_property
    def digests(self) -> dict[str, str]:
        """sha256 of every file, by its path relative to the folder; computed when first asked for."""
        return {name: file_digest(path) for name, path in regular_files(self.folder)}

    @property
    def digest(self) -> str:
        """sha256 over all paths and digests."""
        return digest(canonical(self.digests))

    def discard(self) -> None:
        """Delete the copy. The run folder is untouched."""
        for folder, _, _ in os.walk(self.folder):
            os.chmod(folder, 0o700)  # a read-only folder does not let go of its files
        shutil.rmtree(self.folder)


def seal(
    run_dir: Path,
    scope: Scope,
    subject: str,
    attempt: int,
    dest: Path,
    *,
    comparison: str | None = None,
    control: str = "control",
    components: Sequence[str] | None = None,
    run_id: str | None = None,
    ledger: int | None = None,
    profile: str | None = None,
    recorder: int | Literal["all"] | None = "all",
) -> Seal:
    """Copy what scope ``scope`` needs of ``run_dir`` into the new folder ``dest``, read-only.

    ``comparison`` defaults to ``subject`` or ``scope-subject``, with ``-k`` for the k-th attempt where that exists.
    In scope harness it is the operator's folder under ``ops/``, and ``attempt`` its benchmark; a patch or bundle that
    replaces operators takes the records of their operator benchmarks along.
    ``components`` are audit folder names; by default the latest audit of every patch, where it was accepted. ``run_id``
    is read from ``run.json`` when it is not given. ``ledger`` cuts the ledger at a line, ``profile`` names the profile
    folder; by default all lines that are there, and the latest profile that they name. ``recorder`` cuts the recorder's
    chain at a line; ``None`` leaves it out. Missing evidence is left out: to say so is the auditor's task.
    Raises ``UserError`` on links out of the run, special files and oversized evidence.
    """
    root = run_dir.resolve()
    if not root.is_dir():
        raise UserError(
            "Cannot seal the evidence: no such run folder", str(run_dir), "give the folder that holds run.json"
        )
    parent = PARENTS.get(scope, "comparisons")
    names = (subject, f"{scope}-{subject}", *((control,) if scope == "baseline" else ()))
    chosen = _first_folder(root / parent, names, attempt) if comparison is None else comparison
    accepted = tuple(components) if components is not None else tuple(_accepted_patches(root))
    gain = scope in ("patch", "bundle", "frontier")
    cut = cut_ledger(root, ledger) if gain else None
    chain = _chain_lines(root, recorder)
    request = Request(
        scope=scope,
        subject=subject,
        attempt=attempt,
        run_id=run_id or _run_id(root),
        comparison=chosen,
        control=control if gain else None,
        components=accepted if scope == "bundle" else (),
        ledger=len(cut.lines) if cut is not None else None,
        profile=(profile or _latest_profile(root, cut)) if gain else None,
        recorder=len(chain) if chain is not None else None,
    )
    for name in (chosen, control, subject, *request.components, *filter(None, [request.profile])):
        if not FOLDER_NAME.match(name):
            raise UserError(
                f"Cannot seal the evidence: {name!r} is not a folder name",
                str(run_dir),
                "use letters, digits, dot, dash, underscore",
            )
    dest.mkdir(parents=True, exist_ok=False)
    copier = EvidenceCopier(root, dest)
    with copier.beside:
        copier.write("request.json", canonical(request.model_dump(mode="json")))
        if scope == "profile":
            copier.tree(root / chosen, "profile")
        elif scope == "harness":
            copier.operator(root / "ops" / chosen, "operator", attempt)
            copier.oracle(root / "ops" / chosen / ORACLE_FOLDER, f"operator/{ORACLE_FOLDER}")
        else:
            copier.comparison(root / "comparisons" / chosen, "comparison")
            for name, bench in _operators(root / "comparisons" / chosen / "plan.json"):
                copier.operator(root / "ops" / name, f"operators/{name}", bench)
                copier.file(
                    root / "audits" / f"harness-{name}-{bench}" / "verdict.json", f"operators/{name}/verdict.json"
                )
        if request.control is not None:
            copier.comparison(root / "comparisons" / request.control, "control")
        for name in request.components:
            copier.component(root, name)
        if cut is not None:
            copier.trials(root, cut)
        if request.profile is not None:
            copier.file(root / request.profile / "profile.json", "profile/profile.json")
        if chain:
            copier.recorder(root, chain)
    copier.lock()
    return Seal(dest, request)


def _chain_lines(root: Path, most: int | Literal["all"] | None) -> tuple[bytes, ...] | None:
    """First lines of the recorder's chain; none where the ledger names a recorder and its chain is gone.

    ``None`` for a run without a recorder.
    """
    if most is None:
        return None
    path, limit = root / CHAIN_FILE, None if most == "all" else most
    if not path.resolve().is_relative_to(root.resolve()):
        raise UserError(
            "Cannot seal the evidence: it links out of the run folder", str(path), "replace the link by the file"
        )
    if path.is_file() and not path.is_symlink():
        return first_lines(path, limit)
    cut = cut_ledger(root)
    return () if cut is not None and cut.has(key_file(1)) else None


def _operators(plan: Path) -> list[tuple[str, int]]:
    """Operators that a plan replaces, each with the attempt of its benchmark; none for a plan without any."""
    try:
        parts = read_small_json(plan)["lever"]["overlays"].items()
        operators = [(str(name), int(part["bench"])) for name, part in parts]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return []
    return sorted(entry for entry in operators if FOLDER_NAME.match(entry[0]))


def _latest_profile(root: Path, cut: LedgerCut | None) -> str | None:
    names = [path.parent.name for path in sorted(root.glob("profile*/profile.json"))]
    entered = [name for name in names if cut is None or cut.has(f"{name}/profile.json")]
    return max(entered, key=lambda name: (len(name), name), default=None)


def _first_folder(parent: Path, names: Sequence[str], attempt: int) -> str:
    """The k-th attempt's own folder, else the plain one; the first name when there is neither."""
    numbered = [f"{name}-{attempt}" for name in names] if attempt > 1 else []
    return next((name for name in (*numbered, *names) if (parent / name).is_dir()), names[0])


def _run_id(root: Path) -> str:
    try:
        content = read_small_json(root / "run.json")
        config = content.get("config", {})
        return str(content["run_id"] if "run_id" in content else config["run_id"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as cause:
        raise UserError(
            "Cannot seal the evidence: run.json is missing or has no run_id", str(root), "give the folder of a run"
        ) from cause


def _accepted_patches(root: Path) -> Iterator[str]:
    latest: dict[str, tuple[int, str]] = {}
    for path in sorted((root / "audits").glob("patch-*-*/verdict.json")):
        try:
            verdict = read_small_json(path)
            subject, attempt, word = str(verdict["subject"]), int(verdict["attempt"]), str(verdict["verdict"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if attempt >= latest.get(subject, (0, ""))[0]:
            latest[subject] = (attempt, path.parent.name if word in ("PASS", "FLAG") else "")
    yield from sorted(name for _, name in latest.values() if name)
