"""Files are copied, hashed and parsed once each, by as many processes as pays; the verdict does not depend on it."""

from __future__ import annotations

import hashlib
import json
import sys
import threading
import tracemalloc
from pathlib import Path
from typing import Any

import orjson
import pytest

from bankable.evals.bench.duel import write_large
from bankable.evals.fixtures.build import tool_results as samples
from bankable.nodes.auditor.importers import documents as documents_module
from bankable.nodes.auditor.importers import load
from bankable.nodes.auditor.importers.documents import documents, peek
from bankable.nodes.auditor.pair import audit_pair
from bankable.nodes.auditor.reading.gaps import Gaps
from bankable.nodes.auditor.reading.reader import Reader
from bankable.nodes.auditor.reading.texts import Texts


@pytest.fixture
def legs(tmp_path: Path) -> tuple[Path, Path]:
    for side, rate in (("a", 400.0), ("b", 500.0)):
        for launch in range(2):
            samples.dump(tmp_path / side / f"{launch}.json", samples.vllm(rate + launch, launch), pretty=True)
    return tmp_path / "a", tmp_path / "b"


@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux only")
def test_several_processes_read_what_one_reads(legs: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    alone = audit_pair(*legs).to_bytes()
    forked: list[int] = []

    def fork_map(work: Any, count: int, jobs: int) -> list[Any]:
        forked.append(count)
        return real(work, count, 2)

    real = load.fork_map
    monkeypatch.setattr(load, "WORTH_BYTES", 1)
    monkeypatch.setattr(load, "cores", lambda: 2)
    monkeypatch.setattr(load, "fork_map", fork_map)
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    assert audit_pair(*legs).to_bytes() == alone
    assert forked == [4]
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    assert audit_pair(*legs).to_bytes() == alone
    assert forked == [4], "a process with other threads is not copied"


def test_a_large_file_gives_the_same_verdict_as_a_small_one(
    legs: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = audit_pair(*legs).to_bytes()
    pieces: list[int] = []
    add_text = Gaps.add_text

    def count(gaps: Gaps, piece: bytes) -> int:
        pieces.append(add_text(gaps, piece))
        return pieces[-1]

    monkeypatch.setattr(documents_module, "LARGE", 1)
    monkeypatch.setattr(Gaps, "add_text", count)
    assert audit_pair(*legs).to_bytes() == alone
    assert sum(pieces) == 4 * samples.PROMPTS, "the gaps of each request are parsed once"


def test_the_evidence_has_the_digests_of_the_files(legs: tuple[Path, Path]) -> None:
    digests = {entry.file: entry.sha256 for entry in audit_pair(*legs).evidence}
    for side, leg in zip(("reference", "candidate"), legs, strict=True):
        for launch in range(2):
            content = (leg / f"{launch}.json").read_bytes()
            assert digests[f"{side}/{launch}/{launch}.json"] == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("shape", ["one line", "pretty", "in an array", "with a byte order mark", "after blank lines"])
def test_a_large_record_is_read_in_every_layout(shape: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = {**samples.vllm(400.0), "request_rate": float("inf"), "std_itl_ms": float("nan")}
    text = json.dumps(record, indent=2 if shape == "pretty" else None)
    wrap = {"in an array": "[{}]", "with a byte order mark": "\ufeff{}", "after blank lines": "\n\n{}\n"}
    (tmp_path / "file").write_text(wrap.get(shape, "{}").replace("{}", text, 1))
    monkeypatch.setattr(documents_module, "LARGE", 1)
    monkeypatch.setattr("bankable.nodes.auditor.reading.reader.LARGE", 1)
    reader = Reader(tmp_path)
    (document,) = documents(reader, "file")
    first = peek(reader, "file").first
    assert reader.problems == []
    assert first is not None
    assert list(first) == list(document.content) == list(record)
    assert (document.content["request_rate"], document.content["std_itl_ms"]) == ("inf", None)
    itls, texts = document.content["itls"], document.content["generated_texts"]
    assert (itls.to_lists() if isinstance(itls, Gaps) else itls) == orjson.loads(orjson.dumps(record["itls"]))
    assert (len(texts), texts.distinct if isinstance(texts, Texts) else len(set(texts))) == (samples.PROMPTS, 1)


def test_a_large_file_is_never_held_as_a_whole(tmp_path: Path) -> None:
    write_large(tmp_path / "a", 4000.0, 1, requests=700, tokens=400)
    size = (tmp_path / "a" / "result.json").stat().st_size
    tracemalloc.start()
    try:
        content = next(iter(documents(Reader(tmp_path / "a"), "result.json"))).content
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(content["itls"], Gaps)
    assert isinstance(content["generated_texts"], Texts)
    assert len(content["itls"]) == len(content["generated_texts"]) == 700
    assert peak < 0.8 * size
