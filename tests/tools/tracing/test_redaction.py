"""What an anonymized trace may not hold, in whatever field it stands."""

from __future__ import annotations

from uuid import UUID

import pytest

from bankable.tools.tracing.redaction import Redactor
from bankable.tools.tracing.span import Span, SpanScore, now

SPAN = UUID("01a202bb-8238-73fb-bf71-083a909d3c0e")
ENV = {
    "HOME": "/home/joe doe",
    "BANKABLE_LLM_KEY": "k-42",
    "SOME_SETTING": "an unlisted setting",
    "THREADS": "2",
    "EMPTY": "",
}


@pytest.fixture
def redactor() -> Redactor:
    return Redactor(ENV, users=["joe"], hosts=["lab-7", "lab-7.example.org"])


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("the key is k-42.", "the key is [env]."),
        ("an unlisted setting, quoted", "[env], quoted"),
        ("2 of 2 blocks", "2 of 2 blocks"),
        ("sk-proj-abcdefghijklmnopqrstuvwx", "[SECRET_DETECTED]"),
        ("lsv2_pt_0123456789abcdef0123456789abcdef_0123456789", "[SECRET_DETECTED]"),
        ("Authorization: Bearer abcdefghijklmnop", "Authorization: Bearer [SECRET_DETECTED]"),
        ("see /var/lib/data/x.json:3", "see [path]:3"),
        ("(/srv/models/Llama-3)", "([path])"),
        ("path=/srv/models", "path=[path]"),
        ("in /home/joe doe/models/a", "in [path]/models/a"),
        ("file:///srv/a b", "[path] b"),
        (r"C:\Users\somebody\model", "[path]"),
        (r"\\server\share\model", "[path]"),
        ("~/models/a and ~somebody/b", "[path] and [path]"),
        ("patch-model__home_joe doe_x", "patch-model_[path]_x"),
        ("by joe on lab-7.example.org", "by [user] on [host]"),
        ("lab-7 joey", "[host] joey"),
        ("comparisons/control/claim.json:1", "comparisons/control/claim.json:1"),
        ("http://host/v1/chat", "http://host/v1/chat"),
        ("0.9 tok/s and/or 7.61 → 11.42 ms / token", "0.9 tok/s and/or 7.61 → 11.42 ms / token"),
        ("max_total_tokens=4096: +132.2% [+119.7%, +145.3%]", "max_total_tokens=4096: +132.2% [+119.7%, +145.3%]"),
    ],
)
def test_what_is_private_is_taken_out_and_nothing_else(redactor: Redactor, said: str, kept: str) -> None:
    assert redactor.text(said) == kept


def test_every_field_of_a_span_is_redacted_but_our_own_words(redactor: Redactor) -> None:
    leak = "joe of /srv/secrets/x at lab-7 with k-42"
    deep: object = leak
    for _ in range(40):
        deep = [deep]
    span = Span(
        id=SPAN,
        kind="audit",
        name=leak,
        began=now(),
        session="s",
        error=leak,
        tags=("scope:patch",),
        attributes={"scope": "patch", "rules": ("lever_class",), "model": leak, "decisions": (leak, leak)},
        inputs={"a": {"b": [leak, 1, None, True]}},
        outputs={"deep": deep, "set": {leak}},
        score=SpanScore("verdict.patch", 0.0, "FAIL", leak),
    )
    clean = redactor.span(span)
    for secret in ("joe", "/srv", "lab-7", "k-42"):
        assert secret not in repr(clean)
    gone = "[user] of [path] at [host] with [env]"
    assert (clean.name, clean.error, clean.inputs["a"]) == (gone, gone, {"b": [gone, 1, None, True]})
    assert clean.attributes == {
        "scope": "patch",
        "rules": ("lever_class",),
        "model": gone,
        "decisions": (gone, gone),
    }
    assert span.inputs == {"a": {"b": [leak, 1, None, True]}}


def test_a_user_called_as_our_words_takes_none_of_them_away() -> None:
    clean = Redactor({}, users=["patch", "FAIL"], hosts=["judge"]).span(
        Span(
            id=SPAN,
            kind="audit",
            name="audit",
            began=now(),
            session="s",
            tags=("scope:patch",),
            attributes={"scope": "patch", "verdict": "FAIL", "role": "judge"},
        )
    )
    assert clean.attributes == {"scope": "patch", "verdict": "FAIL", "role": "judge"}
    assert clean.tags == ("scope:patch",)
