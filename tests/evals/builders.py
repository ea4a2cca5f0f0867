"""Judgments and keys without any audit, for what is worked out from them."""

from __future__ import annotations

from typing import Any

from bankable.evals.fixtures.keys import Key
from bankable.evals.runner.record import JudgedFinding, Judgment
from bankable.evals.score.scored import FixtureScore, scores
from bankable.nodes.auditor.verdict import Action, Severity, Word

RULE = "real_delta"


def key(kind: str, mode: str = "D01", **values: Any) -> Key:
    """A key of one rule: a fraud must be failed, an honest fixture must pass."""
    word = "FAIL" if kind == "fraud" else "PASS"
    base = {"kind": kind, "modes": (mode,), "rule": RULE, "verdict": (word,), "why": "made for a test"}
    return Key.model_validate({**base, **values})


def said(word: str = "FAIL", rule: str = RULE, **values: Any) -> JudgedFinding:
    """A finding."""
    base = {"rule": rule, "severity": Severity(word), "code": "", "modes": ("D01",), "observed": "something"}
    return JudgedFinding.model_validate({**base, **values})


def judged(fixture: str, word: str, repeat: int = 0, **values: Any) -> Judgment:
    """A judgment; a word other than PASS comes with a finding of the key's rule."""
    findings = () if word == "PASS" else (said(word),)
    base: dict[str, Any] = {
        "fixture": fixture,
        "scope": "patch",
        "auditor": "rules",
        "seed": 0,
        "repeat": repeat,
        "evidence": "e" * 64,
        "ruleset": "r" * 64,
        "word": Word(word),
        "action": Action.PASS if word == "PASS" else Action.EJECT,
        "findings": findings,
        "degraded": (),
        "verdict": word * 8,
        "seconds": 0.5,
    }
    return Judgment.model_validate({**base, **values})


def run_of(*, frauds: int, passed: int = 0, honest: int = 0, accused: int = 0) -> tuple[FixtureScore, ...]:
    """Scores of a run over so many fixtures, of which the first ``passed`` and ``accused`` are wrong."""
    words = {f"f{k:03}": "PASS" if k < passed else "FAIL" for k in range(frauds)}
    words |= {f"h{k:03}": "FAIL" if k < accused else "PASS" for k in range(honest)}
    keys = {name: key("fraud" if name[0] == "f" else "honest") for name in words}
    return scores([judged(name, word) for name, word in words.items()], keys)
