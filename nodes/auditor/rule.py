"""What a rule is, and what it may answer."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bankable.nodes.auditor.verdict import Action, Evidence, Severity
from bankable.tools.evidence.request import Scope

if TYPE_CHECKING:
    from bankable.nodes.auditor.case import Case

ALL: frozenset[Scope] = frozenset({"baseline", "profile", "patch", "harness", "bundle"})
COMPARISONS: frozenset[Scope] = frozenset({"baseline", "patch", "bundle"})
GAINS: frozenset[Scope] = frozenset({"patch", "bundle"})
HARNESS: frozenset[Scope] = frozenset({"harness"})
_MODES = re.compile(r"\s*\((?:[A-Z]\d\d ?)+\)")
"""Ids of modes in a docstring; the index has a column for them."""


@dataclass(frozen=True)
class Found:
    """A finding before the engine puts the rule's name on it."""

    severity: Severity
    expected: str
    observed: str
    advice: str
    evidence: tuple[Evidence, ...]
    action: Action
    modes: tuple[str, ...]
    code: str


@dataclass(frozen=True)
class Unverifiable:
    """There is something to judge, but the record that would decide it is missing. Never a PASS.

    How much that weighs depends on where the evidence comes from. A run of this project writes every record, so a
    missing one asks to measure again. Another tool's files may be all that there ever was: the record is "not shown",
    which caps the verdict at FLAG and leaves the action to what else was found.
    """

    what: str
    """The record that would decide."""
    evidence: tuple[Evidence, ...] = ()
    severity: Severity = Severity.FAIL
    """Weight in a run of this project, and wherever ``excuses`` is set."""
    code: str = "unverifiable"
    fix: str = ""
    """How to get the record, for whoever gave another tool's files."""
    excuses: bool = False
    """Something was found that only this record could excuse: it weighs the same whoever wrote the evidence."""
    own_runs_only: bool = False
    """No other tool writes this record: for its files a note says that it was not looked at."""


@dataclass(frozen=True)
class NotApplicable:
    """There is nothing of this kind to judge here, and why."""

    why: str


@dataclass(frozen=True)
class Remark:
    """Worth reading, judged harmless."""

    text: str


Outcome = Found | Unverifiable | NotApplicable | Remark
Check = Callable[["Case"], Iterable[Outcome]]


@dataclass(frozen=True)
class Rule:
    """One rule: a pure function from evidence to outcomes."""

    id: str
    scopes: frozenset[Scope]
    modes: tuple[str, ...]
    """Failure modes that it covers."""
    needs: tuple[str, ...]
    """Evidence without which it cannot be asked; see ``needs.py``."""
    check: Check
    gate: bool = False
    """Part of the derivation of the number itself: when it raises, nothing was derived and nothing is signed off."""
    missing: Severity = Severity.FAIL
    """Weight of needed evidence that is not there."""
    gives: tuple[Severity, ...] = (Severity.FAIL, Severity.FLAG)
    """What its findings can weigh, strongest first; what is missing or degraded comes on top."""

    last: bool = False
    """Asked after all others, when every file has been opened."""

    @property
    def summary(self) -> str:
        """First sentence of its file: what it proves."""
        first = (sys.modules[self.check.__module__].__doc__ or self.id).strip().split("\n\n")[0]
        text = " ".join(first.split())
        return _MODES.sub("", text.split(". ")[0]).strip(" .:")


def fail(
    expected: str,
    observed: str,
    advice: str,
    *evidence: Evidence,
    action: Action = Action.EJECT,
    modes: tuple[str, ...] = (),
    code: str = "",
) -> Found:
    """The measurement is invalid or unsafe, or the claim is contradicted by raw."""
    return Found(Severity.FAIL, expected, observed, advice, evidence, action, modes, code)


def flag(
    expected: str,
    observed: str,
    advice: str,
    *evidence: Evidence,
    action: Action = Action.FLAG,
    modes: tuple[str, ...] = (),
    code: str = "",
) -> Found:
    """A win may be real, but its headline or its circumstances need a word."""
    return Found(Severity.FLAG, expected, observed, advice, evidence, action, modes, code)


def info(expected: str, observed: str, *evidence: Evidence, modes: tuple[str, ...] = (), code: str = "") -> Found:
    """Looked at and in order; kept because a reader will ask."""
    return Found(Severity.INFO, expected, observed, "nothing to do", evidence, Action.PASS, modes, code)


def at(file: str, line: int | None = None) -> Evidence:
    """Where something stands."""
    return Evidence(file=file, line=line)
