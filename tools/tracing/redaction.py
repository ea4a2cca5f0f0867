"""Redacts a trace: keys, paths, names of users and hosts, and values of environment variables are removed."""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from langsmith.anonymizer import DEFAULT_SECRET_RULES, StringNodeRule, create_anonymizer

from bankable.tools.tracing.span import FIXED, Span

SHORTEST_VALUE = 8
"""Characters of a variable's value from which on it is looked for: ``2`` and ``true`` are everywhere."""
SHORTEST_SECRET = 4
"""The same for a variable that is called a key, token, secret or password."""
DEPTH = 24
_SECRET = re.compile(r"key|token|secret|passw|credential|auth|cookie|dsn", re.IGNORECASE)
_PATHS: tuple[tuple[str, str], ...] = (
    (r"file://[^\s'\"<>]+", "[path]"),
    (r"(?<![\w/.\]~-])/(?:[^\s/'\"<>|:;,()\[\]{}]+/)+[^\s/'\"<>|:;,()\[\]{}]*", "[path]"),
    (r"(?<![\w/])~[\w.-]*/[^\s'\"<>|:;,()\[\]{}]+", "[path]"),
    (r"(?<!\w)[A-Za-z]:\\[^\s'\"<>|;,()\[\]{}]+", "[path]"),
    (r"\\\\[\w.$-]+\\[^\s'\"<>|;,()\[\]{}]+", "[path]"),
)


class Redactor:
    """Takes out of text and spans what has no business elsewhere. Made once; later variables are not seen."""

    def __init__(
        self,
        environ: Mapping[str, str] | None = None,
        users: Iterable[str] | None = None,
        hosts: Iterable[str] | None = None,
    ) -> None:
        env = os.environ if environ is None else environ
        rules: list[StringNodeRule] = []
        for words, mark, whole in (
            (_places(env), "[path]", False),
            (_values(env), "[env]", False),
            (_users(env) if users is None else users, "[user]", True),
            (_hosts(env) if hosts is None else hosts, "[host]", True),
        ):
            pattern = _any_of(words, whole=whole)
            if pattern is not None:
                rules.append({"pattern": pattern, "replace": mark})
        rules += DEFAULT_SECRET_RULES
        rules += [{"pattern": re.compile(pattern), "replace": mark} for pattern, mark in _PATHS]
        self.anonymizer: Callable[[Any], Any] = create_anonymizer(rules, max_depth=DEPTH)

    def text(self, text: str) -> str:
        """The text without what is private."""
        return str(self.anonymizer({"text": text})["text"])

    def span(self, span: Span) -> Span:
        """The span, its free text redacted. Attributes of our own vocabulary stay as they are."""
        attributes = {name: value if name in FIXED else self._value(value) for name, value in span.attributes.items()}
        score = replace(span.score, comment=self.text(span.score.comment)) if span.score is not None else None
        return replace(
            span,
            name=self.text(span.name),
            attributes=attributes,
            inputs=self._value(span.inputs),
            outputs=self._value(span.outputs),
            error=self.text(span.error),
            score=score,
        )

    def _value(self, value: Any) -> Any:
        """A copy: the anonymizer writes into what it is given. Deeper than it looks, nothing is passed on."""
        redacted = self.anonymizer(_plain(value, DEPTH - 2))
        return tuple(redacted) if isinstance(value, tuple) else redacted


def _plain(value: Any, depth: int) -> Any:
    """Mappings and sequences as dicts and lists; keys are text of ours; anything else as its text."""
    if depth == 0:
        return "…"
    if isinstance(value, Mapping):
        return {str(name): _plain(item, depth - 1) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, depth - 1) for item in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _values(env: Mapping[str, str]) -> list[str]:
    return [
        value.strip()
        for name, value in env.items()
        if len(value.strip()) >= (SHORTEST_SECRET if _SECRET.search(name) else SHORTEST_VALUE)
    ]


def _places(env: Mapping[str, str]) -> list[str]:
    """The user's folders, also as they look inside a name that is made of a path."""
    places = {str(Path.cwd()), *(value for name in ("HOME", "USERPROFILE", "PWD") if (value := env.get(name)))}
    places = {word.rstrip("/") for word in places if len(word.rstrip("/")) > 1}
    return [*places, *(word.replace("/", "_") for word in places if word.count("/") > 1)]


def _users(env: Mapping[str, str]) -> list[str]:
    users = {env[name] for name in ("USER", "LOGNAME", "USERNAME", "SUDO_USER") if env.get(name)}
    with contextlib.suppress(OSError, KeyError):  # no user with this id exists here
        users.add(getpass.getuser())
    return [word for word in users if len(word) > 1]


def _hosts(env: Mapping[str, str]) -> list[str]:
    hosts = {socket.gethostname(), *(env[name] for name in ("HOSTNAME", "HOST", "COMPUTERNAME") if env.get(name))}
    hosts |= {word.split(".")[0] for word in hosts}
    return [word for word in hosts if len(word) > 1 and word != "localhost"]


def _any_of(words: Iterable[str], *, whole: bool) -> re.Pattern[str] | None:
    """Longest first, so that no part of a word remains. ``whole``: not inside a longer word."""
    longest_first = sorted(set(words), key=lambda word: (-len(word), word))
    if not longest_first:
        return None
    either = "|".join(map(re.escape, longest_first))
    return re.compile(f"(?<![A-Za-z0-9])(?:{either})(?![A-Za-z0-9])" if whole else either)
