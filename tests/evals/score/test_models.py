"""Several judges: what is the same, and what is not."""

from __future__ import annotations

from typing import Any

from bankable.evals.runner.record import JudgeCalls, Judgment
from bankable.evals.score.models import over_models, text
from bankable.evals.score.summary import by_auditor, summarize
from bankable.nodes.auditor.verdict import Word
from tests.evals.builders import judged, key, said

KEYS = {"f": key("fraud"), "h": key("honest")}


def by_judge(fixture: str, word: str, model: str, repeat: int = 0, gate: str | None = "g", **values: Any) -> Judgment:
    """A verdict of both, or of the judge alone without ``gate``; all words are the judge's."""
    asked = JudgeCalls(
        model=model,
        skill="s" * 64,
        votes=3,
        word=Word(word),
        concerns=() if word == "PASS" else ("coherence",),
        requests=3,
        prompt_tokens=300,
        completion_tokens=60,
        estimated=False,
        cost=0.5,
        seconds=1.0,
    )
    findings = () if word == "PASS" else (said(word, rule="judge", modes=()),)
    label = f"{'both' if gate else 'judge'} {model} 3 0123456789ab"
    found: dict[str, Any] = {"asked": asked, "gate": gate, "auditor": label, "findings": findings, **values}
    return judged(fixture, word, repeat, **found)


def test_one_model_is_compared_with_nobody() -> None:
    assert over_models([summarize([by_judge("h", "PASS", "a")], KEYS)]) is None


def test_models_that_differ_beside_rules_that_do_not() -> None:
    judgments = [by_judge("h", "PASS", "a"), by_judge("h", "FLAG", "b")]
    judgments += [judged("f", "FAIL", auditor=f"both {name} 3 0", gate="x") for name in "ab"]
    judgments = [judgment.model_copy(update={"auditor": judgment.auditor[:6]}) for judgment in judgments]
    found = over_models([summarize(entry, KEYS) for entry in by_auditor(judgments).values()])
    assert found is not None
    assert (found.gates and found.gates.hits, found.judgments.hits, found.judgments.of) == (2, 0, 1)
    assert (found.verdicts.hits, found.verdicts.of) == (1, 2)
    assert found.differ == (("h", ("PASS", "FLAG")),)
    assert "differs  h: PASS · FLAG" in text(found)


def test_rules_that_say_something_else_beside_another_model_are_seen() -> None:
    pair = [summarize([by_judge("h", "PASS", name, gate=gate)], KEYS) for name, gate in (("a", "x"), ("b", "y"))]
    found = over_models(pair)
    assert found is not None
    assert found.gates is not None
    assert (found.gates.hits, found.gates.of) == (0, 1)
    assert found.judgments.hits == 1


def test_a_judge_alone_is_held_to_accusing_and_to_nothing_else() -> None:
    names = {"f": "FLAG", "f2": "PASS", "h": "PASS", "h2": "FLAG"}
    keys = {
        name: key("fraud" if name[0] == "f" else "honest", action="redo" if name == "f" else None) for name in names
    }
    found = summarize([by_judge(name, word, "a", gate=None) for name, word in names.items()], keys)
    assert dict(found.wrong) == {
        "f2": "PASS instead of FAIL: nothing was accused",
        "h2": "FLAG instead of PASS: judge/",
    }
    assert (found.false_pass.hits, found.false_alarm.hits) == (1, 1)
    assert [(rule.caught, rule.accused) for rule in found.rules] == [(1, 1)]
    assert found.stability is None


def test_repeats_of_rules_and_of_judgments_are_told_apart() -> None:
    judgments = [by_judge("h", word, "a", repeat) for repeat, word in enumerate(("PASS", "FLAG", "PASS"))]
    found = summarize(judgments, KEYS)
    assert found.stability is not None
    assert (found.stability.hits, found.stability.of) == (1, 1)
    assert found.same_judgments is not None
    assert (found.same_judgments.hits, found.same_judgments.of) == (0, 1)
    assert found.spent is not None
    assert (found.spent.judgments, found.spent.requests, found.spent.cost) == (3, 9, 1.5)
    assert (found.alarmed_verdicts and found.alarmed_verdicts.hits, found.describe_verdict("h")) == (
        1,
        "PASS FLAG PASS",
    )
