"""Legs are read ahead, by one process or several, with the same result."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from bankable.nodes.auditor.engine import evaluate
from bankable.nodes.auditor.reading import prefetch as ahead
from bankable.nodes.auditor.reading.prefetch import prefetch_legs
from bankable.nodes.auditor.reading.sealed import SealedView
from bankable.nodes.auditor.reading.view import LegView
from bankable.tools.evidence.canonical import file_digest
from bankable.tools.evidence.seal import Seal, seal
from tests.nodes.auditor.builders import legs


@pytest.fixture
def sealed(run: Path, tmp_path: Path) -> Iterator[Seal]:
    for leg, damage in ((legs(run)[0], b"{"), (legs(run, "control")[2], b'{"a": 1, "a": 2}\n')):
        with (leg / "bench_runs.jsonl").open("ab") as file:
            file.write(damage)
    made = seal(run, "patch", "patch-stream_interval", 1, tmp_path / "sealed")
    yield made
    made.discard()


def test_several_processes_give_the_bytes_of_one(sealed: Seal, monkeypatch: pytest.MonkeyPatch) -> None:
    one = evaluate(sealed.folder).to_bytes()
    monkeypatch.setattr(ahead, "WORTH_BYTES", 0)
    assert evaluate(sealed.folder, jobs=3).to_bytes() == one


def test_a_process_that_dies_is_made_up_for(sealed: Seal, monkeypatch: pytest.MonkeyPatch) -> None:
    one, mine, real = evaluate(sealed.folder).to_bytes(), os.getpid(), ahead.read_leg

    def dies(root: Path, folder: str, hashed: Mapping[str, str]) -> ahead.LegRead:
        if os.getpid() != mine:
            os._exit(9)
        return real(root, folder, hashed)

    monkeypatch.setattr(ahead, "WORTH_BYTES", 0)
    monkeypatch.setattr(ahead, "read_leg", dies)
    assert evaluate(sealed.folder, jobs=2).to_bytes() == one


def test_rules_find_everything_read(sealed: Seal, monkeypatch: pytest.MonkeyPatch) -> None:
    view = SealedView(sealed.folder)
    prefetch_legs(view)
    monkeypatch.setattr(LegView, "_reader", property(lambda _: pytest.fail("read again")), raising=False)
    for leg in (*view.comparison.legs, *view.control.legs):
        assert leg.record is not None
        assert leg.host
    assert sorted(problem.kind for problem in view.problems) == ["duplicate_key", "invalid", "torn"]


def test_a_digest_is_that_of_the_bytes_that_were_read(sealed: Seal) -> None:
    view = SealedView(sealed.folder)
    prefetch_legs(view)
    assert view.reader.digests
    for name, digest in view.reader.digests.items():
        assert digest == file_digest(sealed.folder / name)
