"""The language-model judge's part of an audit: reads the same sealed folder, never blocks the audit."""

from __future__ import annotations

from pathlib import Path

from bankable.graph.llm import Llm
from bankable.nodes.auditor.judge.merge import merge
from bankable.nodes.auditor.judge.record import NAME, JudgeRecord
from bankable.nodes.auditor.judge.stored import judge_once
from bankable.nodes.auditor.verdict import Verdict, Word
from bankable.tools.measurement.progress import ProgressEvent
from bankable.tools.measurement.run_context import RunContext


def with_judge(context: RunContext, llm: Llm, sealed: Path, verdict: Verdict, folder: Path) -> Verdict:
    """Combine the verdict of the rules with the judge's findings; after a FAIL, which is final, the judge is not asked.

    ``folder`` holds the verdict; an existing ``judge.json`` in it is used. Raises ``UserError`` when that file cannot
    be read or is about other evidence.
    """
    if verdict.verdict is Word.FAIL:
        return verdict
    path = folder / NAME
    record = judge_once(path, sealed, llm.orders(context.folder.root), check=context.check)
    context.folder.ledger.enter(path)
    merged = merge(verdict, record)
    context.tell(ProgressEvent("note", f"judge of {verdict.scope} {verdict.subject}: {_describe(record)}"))
    return merged


def _describe(record: JudgeRecord) -> str:
    if record.degraded:
        return f"degraded, nothing is lowered: {record.degraded}"
    dropped = f", {record.invented} invented quotes dropped" if record.invented else ""
    return f"{record.verdict} by {len(record.votes)} votes{dropped}"
