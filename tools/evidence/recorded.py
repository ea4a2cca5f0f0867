"""Copies evidence of a recorded run into the run that replays it."""

from __future__ import annotations

from pathlib import Path

from bankable.tools.errors import UserError
from bankable.tools.evidence.folder import RunFolder, read_run
from bankable.tools.evidence.store import sha256_file, write_once

MAX_BYTES = 64 << 20
TEXT = (".json", ".jsonl")


def take_over(recording: Path, run: RunFolder, folder: str, leave: str = "") -> bool:
    """Copy ``folder`` of a recorded run, apart from entries whose name begins with ``leave``; say whether it is there.

    Records name their run by its nonce, or they count as stale: the recorded nonce becomes this run's, and with it the
    digests that records give of each other. Raises ``UserError`` for a file that is larger than evidence is.
    """
    source = recording / folder
    if not source.is_dir():
        return False
    old, new = (read_run(root).run_id for root in (recording, run.root))
    renamed = {old: new, **_digests(source.parent, run.root / folder)}
    for path in sorted(source.rglob("*")):
        relative = path.relative_to(source)
        if not path.is_file() or path.is_symlink() or (leave and relative.parts[0].startswith(leave)):
            continue
        if path.stat().st_size > MAX_BYTES:
            raise UserError(
                "Cannot take over recorded evidence: the file is too large", str(path), "record the run again"
            )
        content = path.read_bytes()
        target = run.root / folder / relative
        if path.suffix in TEXT:
            for before, after in renamed.items():
                content = content.replace(before.encode(), after.encode())
        write_once(target, content)
        run.ledger.enter(target)
    return True


def _digests(recorded: Path, target: Path) -> dict[str, str]:
    """Digests of the records beside the folder, as recorded and as they were taken over before."""
    pairs = ((path, target.parent / path.name) for path in sorted(recorded.glob("*.json")))
    return {sha256_file(path): sha256_file(taken) for path, taken in pairs if taken.is_file()}
