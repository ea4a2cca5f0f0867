"""A run over fixtures: the auditor sees sealed evidence alone, and nothing is done twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bankable.evals.fixtures.keys import KEYS, read_keys
from bankable.evals.main import app
from bankable.evals.runner import run as running
from bankable.evals.runner.results import Cache, ResultFile, read_results
from bankable.evals.runner.run import FixtureTask, perform, run, select_fixtures
from bankable.nodes.auditor import process
from bankable.nodes.auditor.ruleset import ruleset_digest
from bankable.tools.errors import UserError

ROOT = Path(__file__).resolve().parents[3]
PAIR = ("plain-gain", "c03-cold-reference")


def _run(out: Path, cache: Path | None = None, repeats: int = 1, seed: int = 0) -> Any:
    return run(select_fixtures(PAIR), out, repeats=repeats, seed=seed, jobs=1, cache=cache, tell=lambda _: None)


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The real rules without a process of their own, and every folder that was judged."""
    real, seen = running.judge, list[Path]()

    def judge(*, isolated: bool) -> Any:
        del isolated

        def judged(folder: Path) -> Any:
            seen.append(folder)
            return real(isolated=False)(folder)

        return judged

    monkeypatch.setattr(running, "judge", judge)
    return seen


def test_the_auditor_is_given_the_sealed_folder_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[list[str], dict[str, Any]]] = []
    real = subprocess.run
    key = read_keys()["c03-cold-reference"]

    def spied(command: list[str], **options: Any) -> Any:
        folder = Path(command[-1])
        text = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
        assert b"cold-reference" not in text
        assert key.why.encode() not in text
        assert "cold" not in str(folder)
        assert [path.name for path in folder.parent.iterdir()] == [folder.name]
        calls.append((command, options))
        return real(command, **options)

    monkeypatch.setattr(process.subprocess, "run", spied)
    (found,) = perform(FixtureTask("c03-cold-reference", (0,)))
    ((command, options),) = calls
    assert command[:3] == [sys.executable, "-I", "-c"]
    assert (options["env"], options["cwd"]) == (process.ENVIRONMENT, "/")
    assert process.ENVIRONMENT.keys() == {"OPENBLAS_NUM_THREADS", "PYDANTIC_DISABLE_PLUGINS"}
    assert not any(str(KEYS) in part for part in command)
    assert found.word == "FAIL"
    assert found.ruleset == ruleset_digest()


def test_no_key_is_loaded_where_fixtures_are_judged() -> None:
    check = "import sys, bankable.evals.runner.run; sys.exit('bankable.evals.fixtures.keys' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=False).returncode == 0


def test_a_process_of_its_own_gives_the_same_verdict(tmp_path: Path) -> None:
    isolated, within = (perform(FixtureTask("plain-gain", (0,), isolated=entry))[0] for entry in (True, False))
    assert isolated.verdict == within.verdict
    assert isolated.evidence == within.evidence


def test_what_is_done_is_not_done_again(tmp_path: Path, in_process: list[Path]) -> None:
    first = _run(tmp_path)
    assert [entry.fixture for entry in first] == sorted(PAIR)
    lines = (tmp_path / "results.jsonl").read_bytes()
    assert _run(tmp_path) == first
    assert (tmp_path / "results.jsonl").read_bytes() == lines
    assert len(in_process) == 2
    assert [(item.fixture, item.repeat) for item in _run(tmp_path, repeats=2)] == [
        (n, k) for n in sorted(PAIR) for k in (0, 1)
    ]
    assert len(in_process) == 4
    assert not any(folder.exists() for folder in in_process)


def test_a_torn_line_is_judged_again(tmp_path: Path, in_process: list[Path]) -> None:
    first = _run(tmp_path)
    path = tmp_path / "results.jsonl"
    path.write_bytes(path.read_bytes()[:-40])
    again = _run(tmp_path)
    assert [entry.verdict for entry in again] == [item.verdict for item in first]
    assert len(in_process) == 3


def test_results_of_other_evidence_or_rules_are_not_mixed(
    tmp_path: Path, in_process: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _run(tmp_path)
    with pytest.raises(UserError, match="other seed"):
        _run(tmp_path, seed=1)
    monkeypatch.setattr(running, "ruleset_digest", lambda: "0" * 64)
    with pytest.raises(UserError, match="other rules"):
        _run(tmp_path)


def test_equal_evidence_and_rules_come_from_the_cache(tmp_path: Path, in_process: list[Path]) -> None:
    cache = tmp_path / "cache"
    first = _run(tmp_path / "a", cache)
    again = _run(tmp_path / "b", cache)
    assert len(in_process) == 2
    assert [entry.cached for entry in again] == [True, True]
    assert [item.model_copy(update={"cached": False}) for item in again] == list(first)
    _run(tmp_path / "c", cache, seed=1)
    assert len(in_process) == 4


def test_a_degraded_verdict_is_not_kept(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    (found,) = perform(FixtureTask("plain-gain", (0,), isolated=False))
    cache.put(found.model_copy(update={"degraded": ("clocks",)}))
    assert cache.get("rules", found.evidence, found.ruleset, 0) is None
    cache.put(found)
    assert cache.get("rules", found.evidence, found.ruleset, 0) is not None
    assert cache.get("rules", found.evidence, found.ruleset, 1) is None
    for path in tmp_path.rglob("*.json"):
        path.write_bytes(b"{")
    assert cache.get("rules", found.evidence, found.ruleset, 0) is None


def test_another_seed_makes_other_evidence() -> None:
    one, other = (perform(FixtureTask("plain-gain", (0,), seed, isolated=False))[0] for seed in (0, 7))
    assert one.evidence != other.evidence
    assert one.word == other.word == "PASS"


def test_mistakes(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Cannot find the fixture"):
        select_fixtures(["nothing-like-this"])
    with pytest.raises(UserError, match="Cannot read results"):
        read_results(tmp_path / "none")
    (tmp_path / "results.jsonl").write_text('{"fixture": 3}\n')
    with pytest.raises(UserError, match=r"results.jsonl:1"):
        read_results(tmp_path)
    with pytest.raises(UserError, match=r"results.jsonl:1"):
        ResultFile(tmp_path)


def test_the_page_and_the_text(tmp_path: Path, in_process: list[Path]) -> None:
    words = ["run", "--out", str(tmp_path), "--only", PAIR[0], "--only", PAIR[1], "--jobs", "1", "--no-cache"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "frauds signed off    0 of 1 = 0.0% (95 % interval 0.0% to 79.3%)" in done.output
    html = (tmp_path / "report.html").read_text()
    assert "default-src 'none'" in html
    assert "src=" not in html.replace("default-src", "")
    assert "://" not in html
    assert "<code>interleaving</code>" in html
    assert "0 of 1" in html
