"""One evaluation of a kernel as a row of training data."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from bankable.tools.evidence.canonical import digest
from bankable.tools.evidence.records import Record

RowKind = Literal["operator", "kernelbench"]


class RowOrigin(Record):
    """Where a row comes from."""

    run: str
    """Nonce of the run, or sha256 of the file of results."""
    record: str
    """File below the run folder that holds the evaluation."""
    proposed_by: str
    """``search``, ``llm``, ``template``, or the file name of an answer."""
    rewarded_by: str
    """What the reward was taken from; says so where nothing was audited."""


class TrainingRow(Record):
    """One source and everything that its evaluation found."""

    kind: RowKind
    """``operator``: a kernel for an operator family; ``kernelbench``: an answer to a problem."""
    task: str
    """Name of the operator or the problem."""
    task_digest: str
    """sha256 of what has to be computed: reference, dtype and shapes."""
    setting: dict[str, Any]
    """Dtype, shapes, device, sizes: what a prompt has to say."""
    reference: str
    """Source that defines what is right."""
    prompt: tuple[dict[str, str], ...] = ()
    """Messages that the source was asked for with; empty where no model was asked, or none were recorded."""
    language: Literal["cpp", "python"]
    """Of the source."""
    source: str
    """The kernel or the answer."""
    source_digest: str
    """sha256 of it."""
    build_log: str = ""
    """Messages of the compiler or the interpreter; empty where it was built without any."""
    checks: tuple[dict[str, Any], ...] = ()
    """Comparisons of outputs."""
    timings: tuple[dict[str, Any], ...] = ()
    """Samples."""
    diagnosis: dict[str, Any] | None = None
    """What holds it back; ``None`` where that was not diagnosed."""
    verdict: str
    """``PASS``, ``FLAG``, ``FAIL``, or why there is none."""
    reasons: tuple[str, ...] = ()
    """Rules that were broken, or why it failed."""
    parent: str | None = None
    """sha256 of the source that it was derived from; ``None`` where there is none."""
    gain: float | None = None
    """Measured speed-up less one, whether audited or not; ``None`` where nothing was measured."""
    reward: float = Field(ge=0)
    """Lower bound of the audited speed-up less one; 0 for what failed a check, is not faster, or was not audited."""
    evaluations: int = 1
    """Evaluations of this source for this task: the row is the one with the least reward of those that were judged."""
    licence: str
    """SPDX identifier of the source's licence; ``unknown`` where nobody said."""
    origin: RowOrigin
    """Where it comes from."""

    @property
    def key(self) -> tuple[str, str]:
        """Source and task: rows with the same key are one."""
        return self.source_digest, self.task_digest


def digest_text(text: str) -> str:
    """sha256 of a text."""
    return digest(text.encode())


def deduplicate(rows: list[TrainingRow]) -> list[TrainingRow]:
    """One row a source and task, in order: of several the least reward among those with a verdict of their own."""
    groups: dict[tuple[str, str], list[TrainingRow]] = {}
    for row in rows:
        groups.setdefault(row.key, []).append(row)
    return [
        min(group, key=lambda row: (row.verdict == NOT_AUDITED, row.reward)).model_copy(
            update={"evaluations": sum(row.evaluations for row in group)}
        )
        for group in groups.values()
    ]


NOT_AUDITED = "not audited"
"""Verdict of what was measured and right, and that no audit judged."""
