"""Each sealed file is hashed once: by the seal where it was asked for digests, else by the auditor as it reads."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bankable.evals.fixtures.judge import seal_run
from bankable.nodes.auditor.engine import evaluate
from bankable.nodes.auditor.reading import digests, reader
from bankable.tools.evidence import seal as sealing
from bankable.tools.evidence.canonical import file_digest
from bankable.tools.evidence.hashing import Hashing
from tests.nodes.auditor.builders import standard_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return standard_run(tmp_path_factory.mktemp("digests") / "run")


def test_sealing_and_auditing_hash_each_file_at_most_once(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole: Counter[str] = Counter()

    def counted(path: Path) -> str:
        whole[path.name if path.parent == tmp_path / "sealed" else str(path.relative_to(tmp_path / "sealed"))] += 1
        return file_digest(path)

    for module in (digests, reader, sealing):
        monkeypatch.setattr(module, "file_digest", counted)
    sealed = seal_run(run, "patch", "", 1, tmp_path / "sealed")
    verdict = evaluate(sealed.folder)
    assert set(whole.values()) <= {1}
    assert "comparison/plan.json" not in whole, "what is parsed is hashed as it is read"
    monkeypatch.undo()
    assert {entry.file: entry.sha256 for entry in verdict.evidence} == sealed.digests
    sealed.discard()


def test_what_the_seal_hashed_is_not_hashed_again(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = seal_run(run, "patch", "", 1, tmp_path / "sealed")
    again = evaluate(sealed.folder).to_bytes()
    known = sealed.digests

    def refuse(*_: object) -> str:
        raise AssertionError("hashed again")

    monkeypatch.setattr(digests, "file_digest", refuse)
    monkeypatch.setattr(reader, "file_digest", refuse)
    monkeypatch.setattr(reader, "digest", refuse)
    monkeypatch.setattr(Hashing, "update", refuse)
    assert evaluate(sealed.folder, hashed=known).to_bytes() == again
    sealed.discard()
