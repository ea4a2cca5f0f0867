"""The interface of a rule, and its possible outcomes."""

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

ALL: frozenset[Scope] = frozenset({"baseline", "profile", "patch", "harness", "bundle", "frontier"})
COMPARISONS: frozenset[Scope] = frozenset({"baseline", "patch", "bundle"})
GAINS: frozenset[Scope] = frozenset({"patch", "bundle"})
HARNESS: frozenset[Scope] = frozenset({"harness"})
FRONTIER: frozenset[Scope] = frozenset({"frontier"})
_MODES = re.compile(r"\s*\((?:[A-Z]\d\d ?)+\)")
"""Ids of modes in a docstring; the index has a column for them."""


@dataclass(frozen=True)
class Found:
    """A finding before the engine adds the rule's name."""

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

    The weight depends on the origin of the evidence. A run of this project writes every record, so a missing one asks
    to measure again. Another tool's files may never have had it: the record is "not shown", which caps the verdict at
    FLAG and leaves the action to other findings.
    """

    what: str
    """The record that would decide."""
    evidence: tuple[Evidence, ...] = ()
    severity: Severity = Severity.FAIL
    """Weight in a run of this project, and wherever ``excuses`` is set."""
    code: str = "unverifiable"
    fix: str = ""
    """How to obtain the record, for users of another tool's files."""
    excuses: bool = False
    """Whether only this record could excuse an observed problem: then it weighs the same in any evidence."""
    own_runs_only: bool = False
    """Whether no other tool writes this record: for its files a note says that it was not checked."""


@dataclass(frozen=True)
class NotApplicable:
    """There is nothing of this kind to judge, and why."""

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
    """Evidence without which it cannot run; see ``needs.py``."""
    check: Check
    gate: bool = False
    """Whether it is part of the derivation of the number: when it raises, nothing is derived or signed off."""
    missing: Severity = Severity.FAIL
    """Severity of missing evidence."""
    gives: tuple[Severity, ...] = (Severity.FAIL, Severity.FLAG)
    """Severities of its findings, strongest first; those for missing evidence and degraded rules come in addition."""

    last: bool = False
    """Whether it runs after all others, when every file has been opened."""

    @property
    def summary(self) -> str:
        """First sentence of its module: what it proves."""
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
    """A finding: the measurement is invalid or unsafe, or raw records contradict the claim."""
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
    """A finding: the gain may be real, but its headline or its conditions need a correction."""
    return Found(Severity.FLAG, expected, observed, advice, evidence, action, modes, code)


def info(expected: str, observed: str, *evidence: Evidence, modes: tuple[str, ...] = (), code: str = "") -> Found:
    """A remark: checked and in order; recorded because readers ask for it."""
    return Found(Severity.INFO, expected, observed, "nothing to do", evidence, Action.PASS, modes, code)


def at(file: str, line: int | None = None) -> Evidence:
    """The place of some evidence."""
    return Evidence(file=file, line=line)
