"""The search is bounded, goes on where it stopped, and finds what it is there to find."""

from __future__ import annotations

from pathlib import Path

import orjson

from bankable.kernels.search.search import Search
from bankable.kernels.task.folder import TaskFolder


def test_a_search_stops_at_its_budget_and_goes_on_from_there(norm_task: TaskFolder, compiler, python: Path):
    log = norm_task.path / "search.jsonl"
    first = Search(norm_task, compiler, python)
    best = first.run(budget=2)
    assert best is not None
    assert best.log_ratio is not None
    assert (first.fresh, len(log.read_bytes().splitlines())) == (2, 2)
    with log.open("ab") as target:
        target.write(b'{"implementation": "torn')
    again = Search(norm_task, compiler, python)
    assert again.best == best
    again.run(budget=3)
    assert (again.fresh, len(again.done)) == (1, 3)
    entries = [orjson.loads(line) for line in log.read_bytes().splitlines()]
    assert [entry["outcome"] for entry in entries] == ["measured"] * 3
    assert len({entry["implementation"] for entry in entries}) == 3


def test_what_a_search_says_of_a_kernel_that_does_not_compile(norm_task: TaskFolder, compiler, python, monkeypatch):
    monkeypatch.setattr("bankable.kernels.build.render.EXACT", "--no-such-flag")
    search = Search(norm_task, compiler, python)
    before = set(search.done)
    search.run(budget=len(before) + 1)
    (name,) = set(search.done) - before
    assert search.done[name].outcome == "compile_error"
    assert "no-such-flag" in search.done[name].why
