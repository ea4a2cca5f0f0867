"""The fuzzer's targets hold on its own corpus; the fuzzer itself runs with ``make fuzz``."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from bankable.evals.fuzz.__main__ import NAMES, main
from bankable.evals.fuzz.corpus import mutate_json, write_corpus
from bankable.evals.fuzz.targets import TARGETS, run_one


@pytest.mark.parametrize("name", NAMES)
def test_a_target_holds_on_its_corpus(tmp_path: Path, name: str) -> None:
    write_corpus(tmp_path, name)
    inputs = sorted((tmp_path / "corpus").iterdir())
    assert len(inputs) >= 4
    for path in inputs[:12]:
        run_one(name, path.read_bytes())


@pytest.mark.parametrize("data", [b"", b"\n", b"{", b"\xff\xfe", b"[[[", b'{"a":1,"a":2}', b"\x00" * 40])
@pytest.mark.parametrize("name", NAMES)
def test_a_target_holds_on_rubbish(name: str, data: bytes) -> None:
    run_one(name, data)


def test_the_corpus_comes_from_its_seed(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        write_corpus(tmp_path / name, "rounds")
    one, other = (sorted(path.read_bytes() for path in (tmp_path / name / "corpus").iterdir()) for name in "ab")
    assert one == other


def test_mutations_keep_the_text_readable() -> None:
    rng = random.Random(3)
    texts = {mutate_json(b'{"a":1,"b":[2,3]}\n{"c":{"d":4}}\n', rng, "rounds") for _ in range(50)}
    assert len(texts) > 20


def test_the_names_are_those_of_the_targets(capsys: pytest.CaptureFixture[str]) -> None:
    assert set(NAMES) == set(TARGETS)
    with pytest.raises(SystemExit) as stopped:
        main(["no-such-target"])
    assert stopped.value.code == 2
    assert "choose from" in capsys.readouterr().err
