"""One question at one point of a run: written down first, asked once, and never in the way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bankable.nodes.advice.ask import LOG, RoleQuestion, Usable, ask_role, read_questions
from bankable.nodes.advice.configuration import DroppedProposal
from bankable.tools.evidence.records import Record
from bankable.tools.llm.outcome import Kind
from bankable.tools.llm.scripted_endpoint import ChatReply, ScriptedEndpoint, completion, error, refusal, says
from bankable.tools.measurement.progress import ProgressEvent
from bankable.tools.measurement.run_context import RunContext


class PlainAnswer(Record):
    """What is asked for."""

    numbers: tuple[int, ...]


class Kept(Record):
    """What is used."""

    number: int


def take(answer: PlainAnswer) -> Usable[Kept]:
    dropped = tuple(DroppedProposal(what=str(number), why="not the first") for number in answer.numbers[1:])
    return Usable(Kept(number=answer.numbers[0]), dropped, f"number {answer.numbers[0]}")


def question(at: str = "start", role: str = "strategist") -> RoleQuestion[PlainAnswer, Kept]:
    words = {"skills": "s", "profile": "p", "history": "h"}
    if role == "integrator":
        words = {"skills": "s", "operator": "o", "winner": "w", "findings": "f"}
    return RoleQuestion(role, at, words, PlainAnswer, Kept, take)


GOOD = says({"numbers": [7, 8, 9]})


def test_an_answer_is_written_down_and_found_again_after_a_resume(opened: Any) -> None:
    with ScriptedEndpoint([GOOD, says({"numbers": [1]})]) as served:
        with opened(served) as context:
            assert ask_role(context, question()) == Kept(number=7)
        with opened(served) as context:
            assert ask_role(context, question()) == Kept(number=7)
            assert ask_role(context, question("later")) == Kept(number=1)
            (first, second) = read_questions(context.folder.root)
        assert len(served.requests) == 2
    assert (first.role, first.at, first.outcome, first.taken) == ("strategist", "start", Kind.ANSWERED, {"number": 7})
    assert [entry.what for entry in first.dropped] == ["8", "9"]
    assert second.at == "later"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (refusal(), Kind.REFUSED),
        (completion("as you like"), Kind.MALFORMED),
        (error(500), Kind.SERVER_ERROR),
        (says({"numbers": "seven"}), Kind.MALFORMED),
        (ChatReply(body=GOOD.body, cut_after=30), Kind.CUT),
    ],
)
def test_a_failure_leaves_the_policy_its_way_and_the_role_is_asked_again_later(
    reply: ChatReply, kind: Kind, opened: Any
) -> None:
    with ScriptedEndpoint(reply) as served, opened(served) as context:
        told: list[ProgressEvent] = []
        assert ask_role(replace(context, watch=told.append), question()) is None
        assert ask_role(context, question()) is None
        sent = len(served.requests)
        assert ask_role(context, question("later")) is None
        assert len(served.requests) > sent
        assert [line.outcome for line in read_questions(context.folder.root)] == [kind, kind]
    assert told[0].text.startswith(f"language model as strategist: {kind}: ")
    assert told[0].text.endswith("; the deterministic policy decides")


def test_what_would_hardly_end_otherwise_is_not_tried_for_the_same_role(opened: Any) -> None:
    with ScriptedEndpoint(error(401)) as served, opened(served) as context:
        assert ask_role(context, question()) is None
        assert ask_role(context, question("later")) is None
        assert len(served.requests) == 1
        assert [line.outcome for line in read_questions(context.folder.root)] == [Kind.DENIED]


def test_a_role_without_a_key_ends_no_run(opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BANKABLE_LLM_KEY_STRATEGIST", "not a key")
    with ScriptedEndpoint(GOOD) as served, opened(served) as context:
        assert ask_role(context, question()) is None
        assert ask_role(context, question("operators", "integrator")) == Kept(number=7)
        assert [line.outcome for line in read_questions(context.folder.root)] == [Kind.DENIED, Kind.ANSWERED]
        assert "not a key" not in (context.folder.root / LOG).read_text()


def test_without_a_model_nobody_is_asked_and_nothing_written(opened: Any) -> None:
    with ScriptedEndpoint(GOOD) as served, opened(served) as context:
        alone: RunContext = replace(context, advisor=None)
        assert ask_role(alone, question()) is None
        assert (served.requests, (context.folder.root / LOG).exists()) == ([], False)


def test_a_torn_or_foreign_line_counts_as_not_asked(opened: Any) -> None:
    with ScriptedEndpoint(GOOD) as served, opened(served) as context:
        path = context.folder.root / LOG
        path.write_bytes(b'{"role": "strategist", "at": "sta\n')
        assert ask_role(context, question()) == Kept(number=7)
        path.write_bytes(path.read_bytes().replace(b'"number":7', b'"number":"x"'))
        assert ask_role(context, question()) is None
        assert len(served.requests) == 1
