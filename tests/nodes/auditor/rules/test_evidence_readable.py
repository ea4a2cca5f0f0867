"""Damaged files are findings, never crashes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bankable.nodes.auditor.verdict import Word
from tests.nodes.auditor.builders import edit_lines, hits, judge, legs

RULE = "evidence_readable"


def _damage(run: Path, data: bytes, name: str = "bench_runs.jsonl") -> list[str]:
    path = legs(run, side="candidate")[0] / name
    path.write_bytes(path.read_bytes() + data)
    verdict = judge(run)
    assert not verdict.degraded
    return [hit.code for hit in hits(verdict, RULE)]


def test_a_torn_last_line_is_a_remark(run: Path) -> None:
    assert _damage(run, b'{"t": 1.5, "cpu_per', "host.jsonl") == []
    assert any("torn last line" in note.text for note in judge(run).notes)


def test_blank_lines_are_nothing(run: Path) -> None:
    assert _damage(run, b"\n\n", "host.jsonl") == []


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"not json\n", "malformed"),
        (b"[1]\n", "malformed"),
        (b'{"duration": NaN}\n', "malformed"),
        (b'{"a": 1, "a": 2}\n', "duplicate_key"),
        (b'{"a":' * 80 + b"1" + b"}" * 80 + b"\n", "too_deep"),
        (b'{"duration": "soon"}\n', "invalid"),
        (b"\xff\xfe\n", "malformed"),
    ],
)
def test_damage_is_a_finding(run: Path, data: bytes, code: str) -> None:
    assert code in _damage(run, data)


def test_a_negative_duration_is_impossible(run: Path) -> None:
    edit_lines(legs(run)[0] / "bench_runs.jsonl", lambda rows: rows[0].update(duration=-1.0))
    assert "impossible" in {hit.code for hit in hits(judge(run), RULE)}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.binary(max_size=200),
    name=st.sampled_from(
        ["bench_runs.jsonl", "leg.json", "server_info.json", "outputs.jsonl", "server.log", "host.jsonl"]
    ),
)
def test_no_bytes_crash_the_auditor(run: Path, data: bytes, name: str) -> None:
    path = legs(run, side="candidate")[0] / name
    kept = path.read_bytes()
    path.write_bytes(data)
    try:
        verdict = judge(run)
    finally:
        path.write_bytes(kept)
    assert not verdict.degraded
    if name in ("bench_runs.jsonl", "leg.json"):
        assert verdict.verdict is Word.FAIL
