"""``verify``: are all files as they were entered, and does every verdict come out again, byte for byte?"""

from __future__ import annotations

from pathlib import Path

import orjson

from nodes.auditor.replay import verify
from tools.errors import UserError
from tools.evidence.ledger import check_ledger
from tools.evidence.store import sha256_file


def verify_folder(folder: Path) -> tuple[list[str], list[str]]:
    """Problems, one sentence each, and the verdicts that came out the same. Takes a bundle or a run folder."""
    if (folder / "manifest.json").is_file():
        problems, evidence = _check_manifest(folder), folder / "evidence"
    elif (folder / "run.json").is_file():
        problems, evidence = check_ledger(folder), folder
    else:
        raise UserError(
            "neither a bundle nor a run folder", str(folder), "give the folder that holds manifest.json or run.json"
        )
    audits = verify(evidence).audits
    problems += [f"{it.audit}: {it.status}: {it.detail}" for it in audits if it.status != "same"]
    return problems, [it.audit for it in audits if it.status == "same"]


def _check_manifest(bundle: Path) -> list[str]:
    try:
        files = orjson.loads((bundle / "manifest.json").read_bytes())["files"]
        wanted = {str(name): str(digest) for name, digest in files.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return ["manifest.json: cannot be read"]
    root, problems = bundle.resolve(), []
    for name, digest in sorted(wanted.items()):
        path = bundle / name
        if not path.resolve().is_relative_to(root):
            problems.append(f"{name}: points outside the bundle")
        elif not path.is_file():
            problems.append(f"{name}: gone")
        elif sha256_file(path) != digest:
            problems.append(f"{name}: changed")
    present = {path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()}
    problems += [f"{name}: not in the manifest" for name in sorted(present - set(wanted) - {"manifest.json"})]
    return problems
