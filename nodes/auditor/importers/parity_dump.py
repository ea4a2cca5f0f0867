"""Imports greedy answers that lie beside a result: a JSON array of prompt and output.

Format: AMD-AGI/GEAK, commit 0165d32aa3663a1a193a7101cf6cc9654c3b5325, ``e2e_workflow/parity_probe.py``: entries have
``prompt`` and ``output``. File names are the caller's, so such arrays are found by content. There are no token ids:
the bytes of the answer stand in for them.
"""

from __future__ import annotations

from bankable.nodes.auditor.importers.documents import documents
from bankable.nodes.auditor.reading.reader import Reader
from bankable.tools.evidence.records import Generation

MAX_BYTES = 16 << 20
MAX_ANSWERS = 5_000


def generations(reader: Reader, folder: str) -> tuple[tuple[Generation, ...], str]:
    """Answers of the first such file in a launch's folder, and its name; nothing and no name without one."""
    place = reader.folder / folder
    for path in sorted(place.glob("*.json")) if place.is_dir() else ():
        if path.stat().st_size <= MAX_BYTES and _starts_as_array(reader, f"{folder}/{path.name}"):
            generated = answers(reader, f"{folder}/{path.name}")
            if generated:
                return generated, f"{folder}/{path.name}"
    return (), ""


def answers(reader: Reader, name: str) -> tuple[Generation, ...]:
    """Answers of one file; nothing when it is something else."""
    generations_read: list[Generation] = []
    for document in documents(Reader(reader.folder), name):
        prompt, output = document.content.get("prompt"), document.content.get("output")
        if not isinstance(prompt, str) or not isinstance(output, str) or len(generations_read) >= MAX_ANSWERS:
            return ()
        generations_read.append(
            Generation(
                prompt_id=prompt[:200],
                repeat=0,
                prompt=prompt,
                token_ids=list(output.encode()),
                text=output,
                finish_reason="",
            )
        )
    return tuple(generations_read)


def _starts_as_array(reader: Reader, name: str) -> bool:
    with (reader.folder / name).open("rb") as stream:
        return stream.read(64).strip().startswith(b"[")
