"""The report names whose idea each accepted change was, as soon as a language model took part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bankable.tools.report import collect, summary
from tests.tools.report.runs import OUTCOME, finished_run, put, put_lines

FIRST, SECOND = "cpp-0123456789ab", "cpp-ba9876543210"


def shown(run: Path, flags: dict[str, Any], trials: list[dict[str, Any]], **kernels: list[dict[str, Any]]) -> str:
    finished_run(run)
    put(run / "outcome.json", {**OUTCOME, "accepted": [{"name": "patch-x", "flags": flags}]})
    put_lines(run / "search" / "trials.jsonl", trials)
    for log, lines in kernels.items():
        put_lines(run / "ops" / "mul" / f"{log}.jsonl", lines)
    (accepted,) = collect(run).accepted
    assert (f"(proposed by: {accepted.source})" in summary(collect(run))) == bool(accepted.source)
    return accepted.source


def trial(source: str | None, **flags: Any) -> dict[str, Any]:
    return {"trial": "trial-000", "flags": flags, "score": 0.1} | ({"source": source} if source else {})


def evaluated(implementation: str, source: str | None) -> dict[str, Any]:
    return {"implementation": implementation} | ({"source": source} if source else {})


@pytest.mark.parametrize(
    ("flags", "trials", "source"),
    [
        ({"a": 1}, [trial("llm", a=1)], "llm"),
        ({"a": 1}, [trial("policy", a=1)], "policy"),
        ({"a": 1}, [trial("llm", a=2), trial("policy", a=1)], "policy"),
        ({"a": 1, "max_total_tokens": 9}, [trial("llm", a=1)], "llm"),  # repaired after a FAIL
        ({"a": 1}, [trial(None, a=1)], ""),
    ],
)
def test_of_a_setting(flags: dict[str, Any], trials: list[dict[str, Any]], source: str, tmp_path: Path) -> None:
    assert shown(tmp_path / "run", flags, trials) == source


@pytest.mark.parametrize(
    ("entered", "searched", "source"),
    [
        ([], [(FIRST, "search")], "policy"),
        ([], [(FIRST, "llm")], "llm"),
        ([(FIRST, "llm")], [(FIRST, "search")], "llm"),
        ([(SECOND, "llm")], [(FIRST, "search")], "policy"),
        ([], [(FIRST, None)], ""),
    ],
)
def test_of_a_kernel(
    entered: list[tuple[str, str]], searched: list[tuple[str, str | None]], source: str, tmp_path: Path
) -> None:
    logs = {"entered": [evaluated(*entry) for entry in entered], "search": [evaluated(*item) for item in searched]}
    assert shown(tmp_path / "run", {"mul": FIRST}, [], **logs) == source
