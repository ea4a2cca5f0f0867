"""Checks a bundle's manifest against its files, and its stated gain against the verdicts beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import orjson

from bankable.graph.statements import MAX_MANIFEST_BYTES
from bankable.nodes.auditor.verdict import Verdict
from bankable.tools.evidence.difference import first_difference
from bankable.tools.evidence.layout import OVERLAY_FOLDER
from bankable.tools.evidence.records import Claim, FrontierClaim, Plan, Record
from bankable.tools.evidence.store import sha256_file
from bankable.tools.measurement.ladder_plan import LADDER
from bankable.tools.overlay.folder import overlay_digest

Found = TypeVar("Found", bound=Record)
_NAMES = ("manifest", "evidence")


def check_files(bundle: Path, beside: set[str], digest_of: Callable[[Path], str] = sha256_file) -> list[str]:
    """Files that differ from the manifest, and unlisted files. Names in ``beside`` are allowed in addition.

    ``digest_of`` gives the sha256 of a file.
    """
    try:
        wanted = {name: digest for name, digest in _manifest(bundle)["files"].items() if isinstance(digest, str)}
    except (ValueError, KeyError, TypeError, AttributeError):
        return ["manifest.json: cannot be read"]
    root = bundle.resolve()
    checked = (_check_file(root, name, digest, digest_of) for name, digest in sorted(wanted.items()))
    problems = [problem for problem in checked if problem]
    present = {path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()}
    strays = sorted(present - set(wanted) - {"manifest.json"} - beside)
    return problems + [f"{name}: not in the manifest" for name in strays]


def check_words(bundle: Path) -> list[str]:
    """Statements on verdicts, claim and configuration that differ from the files they come from."""
    try:
        manifest = _manifest(bundle)
    except ValueError:
        return []  # reported by the check of the files
    differences = [*_differences(manifest, bundle / "evidence"), *_points(manifest, bundle / "evidence")]
    return [f"manifest.json: {difference}" for difference in differences] + _overlay(manifest, bundle)


def _manifest(bundle: Path) -> dict[str, Any]:
    """Raises ``ValueError`` when it cannot be used."""
    path = bundle / "manifest.json"
    if path.stat().st_size > MAX_MANIFEST_BYTES:
        raise ValueError("too large")
    document = orjson.loads(path.read_bytes())
    if not isinstance(document, dict):
        raise ValueError("no object")
    return document


def _check_file(root: Path, name: str, digest: str, digest_of: Callable[[Path], str]) -> str | None:
    try:
        path = (root / name).resolve()
        if not path.is_relative_to(root):
            return f"{name}: points outside the bundle"
        if not path.is_file():
            return f"{name}: gone"
        return None if digest_of(path) == digest else f"{name}: changed"
    except (OSError, ValueError, RuntimeError):  # an invalid file name, or a loop of symbolic links
        return f"{name[:200]}: cannot be read"


def _differences(manifest: dict[str, Any], evidence: Path) -> Iterator[str]:
    verdicts = {path.parent.name: path for path in sorted((evidence / "audits").glob("*/verdict.json"))}
    judged = {name: verdict for name, path in verdicts.items() if (verdict := _read(path, Verdict)) is not None}
    listed = [
        {"audit": name, "sha256": sha256_file(verdicts[name]), "verdict": verdict.verdict.value}
        for name, verdict in judged.items()
    ]
    where = first_difference(manifest.get("verdicts"), listed, _NAMES) if len(judged) == len(verdicts) else None
    if where is not None:
        yield f"verdicts.{where}"
    if not manifest.get("proven"):
        return
    last = max(
        (entry for entry in judged.values() if entry.scope == "bundle"), key=lambda item: item.attempt, default=None
    )
    if last is None or last.verdict.value == "FAIL":
        yield "proven: stated, but no bundle verdict supports it"
        return
    folder = evidence / "comparisons" / (last.request.comparison or "")
    claim, plan = _read(folder / "claim.json", Claim), _read(folder / "plan.json", Plan)
    if claim is not None:
        yield from _differs("claim", manifest, claim)
    if plan is not None:
        yield from _differs("config", manifest, plan.reference.with_lever(plan.lever))


def _points(manifest: dict[str, Any], evidence: Path) -> Iterator[str]:
    """Whether the operating points are those of the ladder's claim, which an audit did not withhold."""
    points = manifest.get("points")
    if not points:
        return
    audits = sorted((evidence / "audits").glob("frontier-*/verdict.json"))
    verdicts = [verdict for path in audits if (verdict := _read(path, Verdict)) is not None]
    if any(verdict.verdict.value == "FAIL" for verdict in verdicts):
        yield "points: stated, but the frontier's verdict withholds them"
        return
    claim = _read(evidence / "comparisons" / LADDER / "claim.json", FrontierClaim)
    stated = claim.model_dump(mode="json")["operating_points"] if claim is not None else None
    where = first_difference(points, stated, _NAMES)
    if where is not None:
        yield f"points.{where}"


def _overlay(manifest: dict[str, Any], bundle: Path) -> list[str]:
    """Whether the bundle's overlay is the one that the validation measured."""
    claim = manifest.get("claim")
    name = str(claim.get("comparison", "")) if manifest.get("proven") and isinstance(claim, dict) else ""
    validated = bundle / "evidence" / "comparisons" / Path(name).name / OVERLAY_FOLDER
    served = bundle / OVERLAY_FOLDER
    there = (bool(name) and validated.is_dir(), served.is_dir())
    if there == (False, False) or (all(there) and overlay_digest(served) == overlay_digest(validated)):
        return []
    return ["overlay: differs from the validated one"]


def _differs(name: str, manifest: dict[str, Any], wanted: Record) -> Iterator[str]:
    try:
        recorded = type(wanted).model_validate(manifest.get(name))  # so that fields of later versions are no difference
    except ValueError:
        yield f"{name}: cannot be read"
        return
    where = first_difference(recorded.model_dump(mode="json"), wanted.model_dump(mode="json"), _NAMES)
    if where is not None:
        yield f"{name}.{where}"


def _read(path: Path, kind: type[Found]) -> Found | None:
    """A record of the evidence; ``None`` where it cannot be read, which the check of the files reports."""
    try:
        return kind.model_validate_json(path.read_bytes()) if path.stat().st_size <= MAX_MANIFEST_BYTES else None
    except (OSError, ValueError):
        return None
