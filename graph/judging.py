"""The judge's part of an audit: asked over the same sealed folder, kept beside the verdict, and never in its way."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from graph.llm import Llm
from nodes.auditor.judge.merge import merge
from nodes.auditor.judge.process import judge_apart
from nodes.auditor.judge.record import NAME, JudgeRecord
from nodes.auditor.verdict import Verdict, Word
from tools.errors import UserError
from tools.evidence.store import write_once
from tools.measurement.lab import Lab
from tools.measurement.progress import Event


def with_judge(lab: Lab, llm: Llm, sealed: Path, verdict: Verdict, folder: Path) -> Verdict:
    """What the code's verdict and the judge say together; a FAIL is final, and nobody is asked about it.

    ``folder`` holds the verdict; a ``judge.json`` that is there already is used. Raises ``UserError`` when that one
    cannot be read or is about other evidence.
    """
    if verdict.verdict is Word.FAIL:
        return verdict
    path = folder / NAME
    record = _stored(path) if path.is_file() else judge_apart(sealed, llm.orders(lab.folder.root))
    lab.check()  # a stop that was asked for reaches the judge's process too: that is no answer to keep
    write_once(path, record.to_bytes())
    lab.folder.ledger.enter(path)
    merged = merge(verdict, record)
    lab.tell(Event("note", f"judge of {verdict.scope} {verdict.subject}: {_told(record)}"))
    return merged


def _told(record: JudgeRecord) -> str:
    if record.degraded:
        return f"degraded, nothing is lowered: {record.degraded}"
    dropped = f", {record.invented} invented quotes dropped" if record.invented else ""
    return f"{record.word} by {len(record.votes)} votes{dropped}"


def _stored(path: Path) -> JudgeRecord:
    try:
        return JudgeRecord.model_validate_json(path.read_bytes())
    except ValidationError:
        raise UserError("not a record of the judge", str(path), "it is damaged; start a new run") from None
