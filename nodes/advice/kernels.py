"""Kernel proposals of a model: parameter choices of the operator's own template only.

Free source is not accepted: it would run as native code inside the process that measures it, and the limits around that
process prevent accidents, not attacks. A choice of template parameters can only be slow.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import orjson

from bankable.kernels.operators.family import Family
from bankable.kernels.search.search import Evaluation, Search
from bankable.nodes.advice.configuration import MOST, DroppedProposal, count_reasons, plain
from bankable.tools.evidence.records import Record
from bankable.tools.evidence.store import AppendLog, whole_lines
from bankable.tools.llm.outcome import Kind

LOG = "proposals.jsonl"


class Choice(Record):
    """A parameter of the template and its value."""

    name: str
    """Name of the parameter."""
    value: int
    """Its value."""


class ProposedKernel(Record):
    """One kernel to try: parameters that are not named keep their defaults."""

    choices: tuple[Choice, ...]
    """Parameters that differ from their defaults."""
    idea: str
    """Why it may be faster."""


class KernelProposal(Record):
    """Kernels that may be faster, at most three, best first; none when nothing is left to try."""

    proposals: tuple[ProposedKernel, ...]
    """Kernels, best first."""


class ProposalRecord(Record):
    """A line of ``proposals.jsonl`` in the folder of a task: one request to the model and its result."""

    after: int
    """Number of kernels that the search had evaluated."""
    outcome: Kind
    """Status of the request to the model."""
    detail: str = ""
    """Reason, where the model gave no answer."""
    admitted: tuple[dict[str, int], ...] = ()
    """Choices that the search tries."""
    ideas: tuple[str, ...] = ()
    """One for each that was admitted."""
    dropped: tuple[DroppedProposal, ...] = ()
    """Proposals that the search does not try, and why."""

    def describe(self) -> str:
        """The result in one line."""
        if self.outcome is not Kind.ANSWERED:
            return f"{self.outcome}: {plain(self.detail)}; the search goes on"
        dropped = f"; {len(self.dropped)} dropped: {count_reasons(self.dropped)}" if self.dropped else ""
        return f"{len(self.admitted)} kernels to try{dropped}"


class KernelProposals:
    """Log of proposals for one task."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOG
        self.lines = whole_lines(self._path, ProposalRecord)

    def at(self, after: int) -> ProposalRecord | None:
        """The logged request that was made after this number of evaluated kernels."""
        return next((line for line in self.lines if line.after == after), None)

    @property
    def admitted(self) -> int:
        """Number of the model's kernels that the search tries."""
        return sum(len(line.admitted) for line in self.lines)

    def add(self, line: ProposalRecord) -> None:
        """Log a request before any of its proposals is used."""
        AppendLog(self._path).append(line.model_dump(mode="json"))
        self.lines.append(line)


def suggest_to_search(answer: KernelProposal, search: Search, family: Family, room: int) -> ProposalRecord:
    """Queue the valid proposals for the search, ``room`` kernels at most; returns the log line."""
    admitted: list[dict[str, int]] = []
    ideas: list[str] = []
    dropped = [
        DroppedProposal(what=_describe_choices(proposed), why=f"more than {MOST} proposals")
        for proposed in answer.proposals[MOST:]
    ]
    for proposed in answer.proposals[:MOST]:
        choices = {**family.defaults(), **{choice.name: choice.value for choice in proposed.choices}}
        if len(admitted) >= room:
            dropped.append(DroppedProposal(what=_describe_choices(proposed), why="over the model's part of the budget"))
        elif choices.keys() != family.defaults().keys():
            dropped.append(DroppedProposal(what=_describe_choices(proposed), why="not a parameter of the template"))
        elif not search.suggest(choices):
            dropped.append(
                DroppedProposal(what=_describe_choices(proposed), why="not one of its values, or tried already")
            )
        else:
            admitted.append(choices)
            ideas.append(plain(proposed.idea))
    return ProposalRecord(
        after=len(search.done),
        outcome=Kind.ANSWERED,
        admitted=tuple(admitted),
        ideas=tuple(ideas),
        dropped=tuple(dropped),
    )


def describe_evaluations(entries: Sequence[Evaluation]) -> str:
    """Candidates so far, for a prompt. Compiler output is left out."""
    lines = [
        f"- {orjson.dumps(evaluation.choices).decode()}: {evaluation.outcome}"
        + (f", log(live / candidate) {evaluation.log_ratio:+.4f}" if evaluation.log_ratio is not None else "")
        for evaluation in entries
    ]
    return "\n".join(lines) or "none yet"


def _describe_choices(proposed: ProposedKernel) -> str:
    return plain(", ".join(f"{choice.name}={choice.value}" for choice in proposed.choices[:8]) or "the defaults", 120)
