"""The auditor's speed and the sameness of its bytes are measured on real audits of honest evidence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from bankable.evals.bench.audit import MB, AuditSpeed, Memory, Repeat, Shares, measure, per_round
from bankable.evals.bench.audit_evidence import SUBJECT, Size, big_run
from bankable.evals.bench.repeat import repeat
from bankable.evals.fixtures.build.run import standard_run
from bankable.nodes.auditor.engine import evaluate
from bankable.nodes.auditor.verdict import Word
from bankable.tools.errors import UserError
from bankable.tools.evidence.seal import seal

SMALL = Size(requests=40, output_len=16)


def test_big_evidence_is_honest_whatever_its_size(tmp_path: Path) -> None:
    run = big_run(tmp_path / "run", SMALL)
    rows = (run / f"comparisons/{SUBJECT}/legs/b00-candidate/bench_runs.jsonl").read_bytes().splitlines()
    first = orjson.loads(rows[0])
    assert (len(rows), len(first["itls"]), len(first["itls"][0])) == (3, 40, 15)
    sealed = seal(run, "patch", SUBJECT, 1, tmp_path / "sealed")
    verdict = evaluate(sealed.folder)
    sealed.discard()
    assert (verdict.verdict, verdict.degraded) == (Word.PASS, ())


def test_the_same_seed_gives_the_same_evidence(tmp_path: Path) -> None:
    runs = [big_run(tmp_path / name, SMALL) for name in "ab"]
    texts = [(run / "comparisons/control/legs/b03-reference/bench_runs.jsonl").read_bytes() for run in runs]
    assert texts[0] == texts[1]


def test_speed_and_memory_are_of_the_whole_audit(tmp_path: Path) -> None:
    speed = measure("small", SMALL, 2, keep=tmp_path)
    assert speed.total > speed.json > 24 * 3 * 40 * 15 * 10
    assert all(
        0 < entry.parse < entry.audit and entry.ratio == entry.parse / (entry.seal + entry.audit)
        for entry in speed.repeats
    )
    assert min(speed.together, speed.alone, speed.bare) > 10 * MB
    assert "goal" in speed.table()
    assert list(tmp_path.iterdir()) == []


def test_files_in_memory_count_as_memory() -> None:
    code = "import os; os.write(os.memfd_create('x'), bytes(1)); os.truncate(3, 64 << 20); print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-I", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        memory = Memory()
        memory.look(process.pid)
        process.stdin.close()
    assert memory.alone < 64 * MB < memory.together


def test_a_missed_goal_says_so() -> None:
    shares = Shares(0.1, 0.1, 0.1, 0.1)
    fast = AuditSpeed("x", 100, 100, 50, 2, 149, 100, 40, (Repeat(1.0, 0.5, 1.5),), shares).table()
    slow = AuditSpeed("x", 100, 100, 50, 2, 150, 100, 40, (Repeat(1.0, 0.5, 1.6),), shares).table()
    assert (fast.count("met"), fast.count("MISSED")) == (2, 0)
    assert (slow.count("met"), slow.count("MISSED")) == (0, 2)


def test_a_million_requests_are_spread_over_the_rounds() -> None:
    assert per_round(1_000_000) * 72 == pytest.approx(1_000_000, rel=1e-3)


def test_verdict_bytes_depend_on_the_evidence_alone(tmp_path: Path) -> None:
    """The full count, with other interpreters too: ``python -m evals bench repeat``."""
    found = repeat(standard_run(tmp_path / "run"), "patch", SUBJECT, tmp_path, 3)
    assert found.same, found.table()
    assert sorted(counts.total() for counts in found.verdicts.values()) == [2, 3]


def test_an_interpreter_without_the_libraries_is_said_so(tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no pydantic >&2\nexit 3\n")
    broken.chmod(0o755)
    with pytest.raises(UserError, match=r"^Cannot audit in another process: no pydantic "):
        repeat(standard_run(tmp_path / "run"), "patch", SUBJECT, tmp_path, 2, [broken])
