"""Scores one judgment against its key, and all judgments of one fixture together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bankable.evals.fixtures.keys import Key
from bankable.evals.runner.record import JudgeCalls, JudgedFinding, Judgment
from bankable.nodes.auditor.rules import RULES
from bankable.nodes.auditor.verdict import Severity
from bankable.tools.errors import UserError

HEAVY = (Severity.FAIL, Severity.FLAG)
WEIGHTS = ("PASS", "FLAG", "FAIL")
MISSING = ("unverifiable", "degraded", "nothing_compared")
"""Codes of findings that weigh what the rule's ``missing`` says, or nothing that its index entry announces."""


@dataclass(frozen=True)
class Scored:
    """An auditor's result, and the key."""

    judgment: Judgment
    key: Key

    @property
    def word(self) -> str:
        """Of the verdict."""
        return self.judgment.word.value

    @property
    def heavy(self) -> list[JudgedFinding]:
        """Every finding but INFO."""
        return [finding for finding in self.judgment.findings if finding.severity in HEAVY]

    @property
    def found(self) -> list[JudgedFinding]:
        """Findings of the key's rule without INFO; for a judge alone, which names no rule, all of its findings."""
        return (
            self.heavy if self.judgment.alone else [finding for finding in self.heavy if finding.rule == self.key.rule]
        )

    @property
    def fraud(self) -> bool:
        """Whether the evidence is a fraud."""
        return self.key.kind == "fraud"

    @property
    def false_pass(self) -> bool:
        """Whether a fraud was signed off."""
        return self.fraud and self.word == "PASS"

    @property
    def false_alarm(self) -> bool:
        """Whether an honest fixture got a FAIL that its key does not allow, or a finding of its own rule."""
        if self.fraud:
            return False
        if self.judgment.alone:
            return self._too_heavy
        return self.word not in self.key.verdict or bool(self.found)

    @property
    def caught(self) -> bool:
        """Whether the rule that a fraud is meant for reported it."""
        return self.fraud and self.word != "PASS" and bool(self.found)

    @property
    def wrong(self) -> str:
        """The difference from the key, in one sentence; empty when there is none."""
        if self.judgment.alone:
            return self._wrong_alone
        key, findings, action = self.key, self.found, self.judgment.action.value
        named, codes = {mode for finding in findings for mode in finding.modes}, {finding.code for finding in findings}
        complaints = (
            (self.word not in key.verdict, f"{self.word} instead of {' or '.join(key.verdict)}: {self._accusers}"),
            (key.action not in (None, action), f"action {action} instead of {key.action}"),
            (key.scope not in (None, self.judgment.scope), f"scope {self.judgment.scope} instead of {key.scope}"),
            (
                bool(self.judgment.lever_class) and key.lever_class not in (None, self.judgment.lever_class),
                f"lever class {self.judgment.lever_class} instead of {key.lever_class}",
            ),
            (bool(self.judgment.degraded), f"degraded: {', '.join(self.judgment.degraded)}"),
            (self.fraud and not findings, f"{key.rule} found nothing"),
            (
                self.fraud and key.code is not None and key.code not in codes,
                f"{key.rule} said {sorted(codes)}, not {key.code}",
            ),
            (self.fraud and not named & set(key.modes), f"{key.rule} named {sorted(named)}, not {key.modes}"),
            (
                self.fraud
                and not self.judgment.asked
                and all(finding.severity.value != self.word for finding in findings),
                f"{self.word} is not what {key.rule} said: {self._accusers}",
            ),
            (
                not self.fraud and bool(findings),
                f"{key.rule} accused: {'; '.join(finding.observed for finding in findings)}",
            ),
            (bool(self._unannounced), self._unannounced),
        )
        return next((reason for holds, reason in complaints if holds), "")

    @property
    def _wrong_alone(self) -> str:
        """Of a judge without the rules: a key's rule, code and action are not its business, only whether it accuses."""
        allowed = " or ".join(self.key.verdict)
        complaints = (
            (bool(self.judgment.degraded), f"degraded: {', '.join(self.judgment.degraded)}"),
            (self.false_pass, f"PASS instead of {allowed}: nothing was accused"),
            (not self.fraud and self._too_heavy, f"{self.word} instead of {allowed}: {self._accusers}"),
        )
        return next((reason for holds, reason in complaints if holds), "")

    @property
    def _too_heavy(self) -> bool:
        return WEIGHTS.index(self.word) > max(map(WEIGHTS.index, self.key.verdict))

    @property
    def _accusers(self) -> str:
        return ", ".join(sorted({f"{finding.rule}/{finding.code}" for finding in self.heavy}))

    @property
    def _unannounced(self) -> str:
        """A finding with a severity that the rule's entry in the index does not list."""
        rules = {rule.id: rule for rule in RULES}
        for finding in self.heavy:
            rule = rules.get(finding.rule)
            if rule and not finding.code.startswith(MISSING) and finding.severity not in (*rule.gives, rule.missing):
                return f"{finding.rule} gave {finding.severity}, which its index entry hides"
        return ""


@dataclass(frozen=True)
class FixtureScore:
    """All repeats of one fixture. In every rate a fixture counts once, by its worst repeat."""

    fixture: str
    key: Key
    repeats: tuple[Scored, ...]

    @property
    def right(self) -> bool:
        """Whether every repeat agrees with the key."""
        return not self.wrong

    @property
    def wrong(self) -> str:
        """Description of the first wrong repeat."""
        return next((repeat.wrong for repeat in self.repeats if repeat.wrong), "")

    @property
    def false_pass(self) -> bool:
        """Whether a fraud was signed off at least once."""
        return any(repeat.false_pass for repeat in self.repeats)

    @property
    def false_alarm(self) -> bool:
        """Whether an honest fixture was accused at least once."""
        return any(repeat.false_alarm for repeat in self.repeats)

    @property
    def caught(self) -> bool:
        """Whether every repeat reported it, by the right rule."""
        return all(repeat.caught for repeat in self.repeats)

    @property
    def word(self) -> str:
        """The verdict of all repeats, or ``differs``."""
        words = {repeat.word for repeat in self.repeats}
        return words.pop() if len(words) == 1 else "differs"

    @property
    def stable(self) -> bool | None:
        """In all repeats the rules gave the same verdict, byte for byte; ``None`` where they were asked once or not."""
        gates = [repeat.judgment.gates for repeat in self.repeats if repeat.judgment.gates is not None]
        return len(set(gates)) == 1 if len(gates) > 1 else None

    @property
    def same_judgment(self) -> bool | None:
        """In all repeats the judge gave the same verdict for the same concerns; ``None`` where not asked twice."""
        calls = [(call.word, call.concerns, bool(call.degraded)) for call in self.asked]
        return len(set(calls)) == 1 if len(calls) > 1 else None

    @property
    def asked(self) -> list[JudgeCalls]:
        """The judge's results in the repeats in which it was asked."""
        return [repeat.judgment.asked for repeat in self.repeats if repeat.judgment.asked is not None]


def scores(judgments: Iterable[Judgment], keys: Mapping[str, Key]) -> tuple[FixtureScore, ...]:
    """One score per fixture, by id. Raises ``UserError`` on a fixture without a key."""
    grouped: dict[str, list[Judgment]] = {}
    for judgment in judgments:
        grouped.setdefault(judgment.fixture, []).append(judgment)
    unknown = sorted(grouped.keys() - keys.keys())
    if unknown:
        raise UserError(
            "Cannot score: results of fixtures without an answer key",
            ", ".join(unknown[:5]),
            "give results of this version",
        )
    return tuple(
        FixtureScore(
            name,
            keys[name],
            tuple(Scored(judgment, keys[name]) for judgment in sorted(group, key=lambda judgment: judgment.repeat)),
        )
        for name, group in sorted(grouped.items())
    )
