"""Parses the targets of a trace from the command line.

The environment gives addresses and keys, and enables nothing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bankable.tools.errors import UserError
from bankable.tools.llm.address import check_address, is_loopback

OPTION = "--trace"
LANGSMITH = "https://api.smith.langchain.com"
PROJECT = "bankable"
TRACES = "/v1/traces"
NAMES = ("langsmith", "otlp")


@dataclass(frozen=True)
class TraceTarget:
    """One place that traces are sent to."""

    kind: Literal["langsmith", "otlp"]
    url: str
    """Without a trailing slash; for OTLP the address of the traces themselves."""
    key: str = ""
    """Of LangSmith; empty for a server on this machine that asks for none. Never shown."""
    project: str = PROJECT
    workspace: str | None = None

    @property
    def local(self) -> bool:
        """On this machine."""
        return is_loopback(self.url)

    def __repr__(self) -> str:
        return f"TraceTarget({self.kind!r}, {self.url!r})"


def targets(requested: Sequence[str], environ: Mapping[str, str] | None = None) -> tuple[TraceTarget, ...]:
    """``langsmith``, ``langsmith=URL``, ``otlp=URL``, each once. Raises ``UserError`` on what cannot be."""
    env = os.environ if environ is None else environ
    by_name: dict[str, TraceTarget] = {}
    for text in requested:
        name, _, url = text.partition("=")
        if name not in NAMES or name in by_name:
            raise UserError(
                "Cannot trace: invalid or repeated target", OPTION, "give langsmith, langsmith=URL or otlp=URL"
            )
        by_name[name] = _langsmith(url.strip(), env) if name == "langsmith" else _otlp(url.strip())
    return tuple(by_name.values())


def _langsmith(url: str, env: Mapping[str, str]) -> TraceTarget:
    address = check_address(
        url or _read_variable(env, "ENDPOINT") or LANGSMITH, option=OPTION, example="langsmith=https://host"
    )
    key = _read_variable(env, "API_KEY")
    if not key and not is_loopback(address):
        raise UserError("Cannot trace to LangSmith: no key", OPTION, "set LANGSMITH_API_KEY in the environment")
    if not key.isascii() or not all(letter.isprintable() and letter != " " for letter in key):
        raise UserError(
            "Cannot trace to LangSmith: the key contains characters that are not printable ASCII",
            "LANGSMITH_API_KEY",
            "copy it again",
        )
    return TraceTarget(
        "langsmith",
        address,
        key,
        _read_variable(env, "PROJECT") or PROJECT,
        _read_variable(env, "WORKSPACE_ID") or None,
    )


def _otlp(url: str) -> TraceTarget:
    address = check_address(url, option=OPTION, example="otlp=http://127.0.0.1:4318")
    return TraceTarget("otlp", address if address.endswith(TRACES) else address + TRACES)


def _read_variable(env: Mapping[str, str], name: str) -> str:
    return (env.get(f"LANGSMITH_{name}") or env.get(f"LANGCHAIN_{name}") or "").strip().strip("\"'")
