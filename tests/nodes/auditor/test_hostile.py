"""Evidence is anybody's: bounded work, a clear finding, never a crash, never a PASS."""

from __future__ import annotations

import hashlib
import os
import random
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bankable.nodes.auditor.engine import evaluate
from bankable.nodes.auditor.reading import reader as reading
from bankable.nodes.auditor.reading.reader import Reader
from bankable.nodes.auditor.reading.rows import BenchRound, read_rows
from bankable.nodes.auditor.reading.server_log import scan_log
from bankable.nodes.auditor.replay import verify
from bankable.nodes.auditor.verdict import Word
from bankable.tools.errors import UserError
from bankable.tools.evidence import evidence_copier as sealing
from bankable.tools.evidence.records import HostSample, LegRecord
from bankable.tools.evidence.seal import seal
from tests.nodes.auditor.builders import Json, edit_lines, hits, judge, legs

RULE = "evidence_readable"
ROUND: Json = {
    "duration": 2.0,
    "completed": 2,
    "total_input_tokens": 8,
    "total_output_tokens": 6,
    "output_throughput": 3.0,
    "request_throughput": 1.0,
    "median_ttft_ms": 100.0,
    "median_tpot_ms": 10.0,
    "median_itl_ms": 10.0,
    "p99_ttft_ms": 100.0,
    "p99_tpot_ms": 10.0,
    "p99_itl_ms": 10.0,
    "input_lens": [4, 4],
    "output_lens": [3, 3],
    "ttfts": [0.1, 0.1],
    "itls": [[0.01, 0.01], [0.01, 0.01]],
    "errors": ["", ""],
    "generated_texts": ["a", "b"],
    "cached_tokens": [0, 0],
    "server_info": {"page_size": 1},
}
HUGE: tuple[Any, ...] = (1e308, -1e308, 5e-324, 2**63, 2**64 - 1, -(2**63), 1e19, 10**400, 0, -1, -0.0, True, None)
STRANGE: tuple[Any, ...] = (
    *HUGE,
    "nan",
    "inf",
    "-inf",
    "9" * 5000,
    "1e400",
    "",
    "\x00",
    "\x1b[2J",
    "\u202e",
    "x" * 10_000,
    [],
    {},
    [[]],
    [None],
    ["nan"],
    [1e308, 1e308],
    [[1e308, 1e308]],
    [-1],
    [True],
    {"a": {}},
    [{}],
    [[{}]],
    [[["x"]]],
    [2**63],
)


def _nested(depth: int) -> list[Any]:
    return [_nested(depth - 1)] if depth else []


def _read(tmp_path: Path, data: bytes, name: str = "bench_runs.jsonl") -> tuple[list[BenchRound], list[str]]:
    (tmp_path / name).write_bytes(data)
    reader = Reader(tmp_path)
    return list(read_rows(reader, name)), [problem.kind for problem in reader.problems]


def _line(**changes: Any) -> bytes:
    try:
        return orjson.dumps({**ROUND, **changes}) + b"\n"
    except TypeError:  # an integer that only a text can hold
        text = orjson.dumps({**ROUND, **dict.fromkeys(changes, "@")})
        return text.replace(b'"@"', str(next(iter(changes.values()))).encode()) + b"\n"


def test_an_honest_round_is_read(tmp_path: Path) -> None:
    rows, problems = _read(tmp_path, _line())
    assert (len(rows), problems) == (1, [])
    assert rows[0].raw["median_itl_ms"] == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\xef\xbb\xbf" + _line(), "malformed"),
        (_line().decode().encode("utf-16"), "malformed"),
        (_line(generated_texts=["é"]).decode().encode("latin-1"), "malformed"),
        (b"\x00" * 100 + b"\n", "malformed"),
        (_line().replace(b'"a"', b'"\\ud800"'), "malformed"),
        (_line().replace(b"2.0", b"NaN"), "malformed"),
        (_line().replace(b"2.0", b"Infinity"), "malformed"),
        (_line().replace(b"2.0", b"1e400"), "malformed"),
        (_line().replace(b"2.0", b"1" + b"0" * 5000), "malformed"),
        (_line(duration="nan"), "invalid"),
        (_line(duration="inf"), "invalid"),
        (_line(duration=1e300), "invalid"),
        (_line(duration=0.0), "impossible"),
        (_line(duration=-1.0), "impossible"),
        (_line(duration=5e-324), "impossible"),
        (_line(ttfts=[-0.1, 0.1]), "impossible"),
        (_line(ttfts=["0.1", 0.1]), "invalid"),
        (_line(itls=[[0.01, -0.01], [0.01, 0.01]]), "impossible"),
        (_line(itls=[[1e308, 1e308], [0.01, 0.01]]), "impossible"),
        (_line(itls=[[1e9, 0.01], [0.01, 0.01]]), "impossible"),
        (_line(itls=[["x", 0.01], [0.01, 0.01]]), "impossible"),
        (_line(itls=[[{"a": 1}, 0.01], [0.01, 0.01]]), "impossible"),
        (_line(itls=[[0.01, 0.01]]), "impossible"),
        (_line(itls=None), "invalid"),
        (_line(input_lens=None), "invalid"),
        (_line(input_lens=[4.5, 4]), "invalid"),
        (_line(output_lens=[-3, 3]), "impossible"),
        (_line(output_lens=[2**63, 3]), "impossible"),
        (_line(errors=[None, ""]), "invalid"),
        (_line(generated_texts=[1, 2]), "invalid"),
        (_line().replace(b'"completed"', b'"duration":1.0,"completed"'), "duplicate_key"),
        (_line().replace(b'"page_size":1', b'"page_size":1,"page_size" :2'), "duplicate_key"),
        (_line(server_info={"a": _nested(80)}), "too_deep"),
        (_line(ttfts=_nested(80)), "invalid"),
    ],
)
def test_a_round_that_cannot_be_is_a_problem(tmp_path: Path, data: bytes, kind: str) -> None:
    rows, problems = _read(tmp_path, data)
    assert set(problems) - {"torn"} == {kind}
    assert len(rows) == (kind == "duplicate_key")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(sorted(ROUND)),
    st.sampled_from(STRANGE),
    st.sampled_from([None, *sorted(ROUND)]),
    st.sampled_from(STRANGE),
)
def test_any_value_in_any_place_is_read_or_reported(
    tmp_path: Path, name: str, value: Any, other: str | None, second: Any
) -> None:
    changes = {name: value} if other is None or isinstance(second, int) else {name: value, other: second}
    if any(isinstance(change, int) and abs(change) > 2**64 for change in changes.values()):
        changes = {name: value}
    rows, problems = _read(tmp_path, _line(**changes))
    assert len(rows) + len(problems) >= 1
    for row in rows:
        assert all(0 <= figure < 1e18 for figure in row.raw.values())


@pytest.mark.parametrize("word", ["nan", "inf", "-Infinity", "9" * 5000])
def test_a_number_written_as_text_is_none(tmp_path: Path, word: str) -> None:
    """A comparison with "not a number" is false, so that it would pass every test that looks for too much."""
    sample = {"t": 1.0, "cpu_percent": word, "load_1m": 0.0, "mem_available_bytes": 1}
    (tmp_path / "host.jsonl").write_bytes(orjson.dumps(sample) + b"\n")
    reader = Reader(tmp_path)
    assert reader.records("host.jsonl", HostSample) == ()
    assert [problem.kind for problem in reader.problems] == ["invalid"]


def test_lines_and_files_without_end_are_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_LINE_BYTES", 1000)
    monkeypatch.setattr(reading, "BLOCK", 300)
    rows, problems = _read(tmp_path, _line() + b'{"a": "' + b"x" * 5000)
    assert (len(rows), problems) == (1, ["too_large"])
    monkeypatch.setattr(reading, "MAX_LINES", 3)
    assert _read(tmp_path, b"\n" * 10)[1] == ["too_large"]
    monkeypatch.setattr(reading, "MAX_FILE_BYTES", 10)
    assert _read(tmp_path, _line())[1] == ["too_large"]


@pytest.mark.parametrize("block", [1, 7, 64, 1 << 20])
@pytest.mark.parametrize("data", [b"", b"\n", b"a\nb", b"a\nb\n", b"\n\nlong line here\nx", b"no end"])
def test_lines_are_the_same_in_blocks_of_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, block: int
) -> None:
    monkeypatch.setattr(reading, "BLOCK", block)
    (tmp_path / "server.log").write_bytes(data)
    reader = Reader(tmp_path)
    assert [text for _, text in reader.text("server.log")] == data.decode().splitlines()
    assert reader.digests["server.log"] == hashlib.sha256(data).hexdigest()


def test_a_file_that_changes_while_it_is_read_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "bench_runs.jsonl"
    path.write_bytes(_line())
    reader = Reader(tmp_path)
    for _ in read_rows(reader, path.name):
        path.write_bytes(_line() * 3)
    assert [problem.kind for problem in reader.problems] == ["changed"]
    assert path.name not in reader.digests


def _pipe(path: Path, _: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path, _: Path) -> None:
    os.chdir(path.parent)  # a socket's path has to be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path.name)


def _link(path: Path, secret: Path) -> None:
    path.symlink_to(secret)


def _device(path: Path, _: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("make", [_pipe, _socket, _link, _device, lambda path, _: path.mkdir()])
def test_what_is_no_file_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path, Path], None]
) -> None:
    monkeypatch.chdir(tmp_path)
    secret = tmp_path / "secret.json"
    secret.write_bytes(b"{}")
    folder = tmp_path / "leg"
    folder.mkdir()
    make(folder / "leg.json", secret)
    reader = Reader(folder)
    assert reader.model("leg.json", LegRecord) is None
    assert list(reader.text("leg.json")) == []
    assert {problem.kind for problem in reader.problems} == {"irregular"}


def test_a_folder_that_links_out_is_not_entered(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "sealed"
    (outside / "b00-reference").mkdir(parents=True)
    (outside / "b00-reference/leg.json").write_bytes(b"{}")
    (folder / "comparison").mkdir(parents=True)
    (folder / "comparison/legs").symlink_to(outside)
    reader = Reader(folder)
    assert reader.document("comparison/legs/b00-reference/leg.json") is None
    assert [problem.kind for problem in reader.problems] == ["irregular"]


def test_names_that_are_no_text_do_not_crash_the_verdict(run: Path, tmp_path: Path) -> None:
    sealed = seal(run, "patch", "patch-stream_interval", 1, tmp_path / "sealed")
    legs_folder = sealed.folder / "comparison/legs"
    legs_folder.chmod(0o700)
    os.mkdir(os.fsencode(legs_folder) + b"/b\xff-reference")
    (legs_folder / "b0\udcff.json").write_bytes(b"{}")
    verdict = evaluate(sealed.folder)
    assert verdict.degraded == ()
    assert any("\\xff" in entry.file for entry in verdict.evidence)
    assert "irregular" in {hit.code for hit in hits(verdict, RULE)}
    sealed.discard()


@pytest.mark.parametrize("name", ["bench_runs.jsonl", "server.log"])
def test_a_gigabyte_is_refused_before_it_is_copied(run: Path, tmp_path: Path, name: str) -> None:
    with (legs(run)[0] / name).open("ab") as file:
        file.truncate(1 << 30)
    with pytest.raises(UserError, match="larger than an audit reads"):
        seal(run, "patch", "patch-stream_interval", 1, tmp_path / "sealed")


def test_what_is_written_during_the_seal_is_noticed(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, real = legs(run)[0] / "server.log", sealing.stamp

    def grows(stream: Any) -> tuple[int, int]:
        found = real(stream)
        if Path(stream.name if isinstance(stream.name, str) else "") == path or found[0] == path.stat().st_size:
            with path.open("a") as file:
                file.write("more\n")
        return found

    monkeypatch.setattr(sealing, "stamp", grows)
    with pytest.raises(UserError, match="Cannot seal the evidence: it changes while it is read"):
        seal(run, "patch", "patch-stream_interval", 1, tmp_path / "sealed")


def test_a_hard_link_gives_no_way_into_the_seal(run: Path, tmp_path: Path) -> None:
    path = legs(run)[0] / "leg.json"
    outside = tmp_path / "outside.json"
    os.link(path, outside)
    sealed = seal(run, "patch", "patch-stream_interval", 1, tmp_path / "sealed")
    before = evaluate(sealed.folder).to_bytes()
    outside.write_bytes(b"{}")
    assert evaluate(sealed.folder).to_bytes() == before
    sealed.discard()


@pytest.mark.parametrize("field", ["comparison", "control"])
@pytest.mark.parametrize("name", ["../../../etc", "/etc", "a/../../b", "..", "", "x\x00y"])
def test_a_request_cannot_point_out_of_the_run(run: Path, field: str, name: str) -> None:
    folder = run / "audits/patch-patch-stream_interval-1"
    folder.mkdir(parents=True)
    verdict = orjson.loads(judge(run).to_bytes())
    verdict["request"][field] = name
    (folder / "verdict.json").write_bytes(orjson.dumps(verdict))
    assert verify(run).audits[0].status in ("unreadable", "evidence_changed")


def test_quotes_from_evidence_cannot_drive_a_terminal(run: Path) -> None:
    for leg in legs(run):
        edit_lines(leg / "bench_runs.jsonl", lambda rows: [row.update(backend="\x1b[2J\u202e" * 9) for row in rows[:1]])
    edit_lines(legs(run)[0] / "bench_runs.jsonl", lambda rows: rows[0].update(backend="sglang"))
    said = judge(run).to_bytes().decode()
    assert "\\\\u001b" in said
    assert "\x1b" not in said
    assert "\u202e" not in said


def test_a_log_of_absurd_counters_is_read() -> None:
    digits = "9" * 3000
    lines = [
        f"Decode batch, #running-req: {digits}, token usage: {digits}.{digits}",
        "Decode batch, #running-req: 4, token usage: 0.25",
        "Retract requests" * 3,
    ]
    found = scan_log([(1, [line.encode() for line in lines * 50])])
    assert (found.batches, found.peak_running, found.peak_usage, found.retractions) == (50, 4, 0.25, (3,))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["leg.json", "server_info.json", "bench_runs.jsonl", "outputs.jsonl", "host.jsonl"]),
    st.integers(0, 2**32),
)
def test_a_strange_value_anywhere_never_degrades_a_rule(run: Path, name: str, seed: int) -> None:
    rng = random.Random(seed)
    path = legs(run, side=rng.choice(["reference", "candidate"]))[0] / name
    kept = path.read_bytes()
    texts = kept.splitlines() if path.suffix == ".jsonl" else [kept]
    record = orjson.loads(texts[0])
    _change(record, rng)
    path.write_bytes(b"\n".join([orjson.dumps(record, option=orjson.OPT_NON_STR_KEYS), *texts[1:]]) + b"\n")
    try:
        verdict = judge(run)
    except UserError:
        return
    finally:
        path.write_bytes(kept)
    assert verdict.degraded == ()
    assert verdict.verdict in Word


def _change(value: Any, rng: random.Random) -> None:
    """Put something strange in one place."""
    places = list(value) if isinstance(value, dict) else list(range(len(value)))
    place = rng.choice(places)
    if isinstance(value[place], dict | list) and value[place] and rng.random() < 0.7:
        _change(value[place], rng)
    else:
        value[place] = rng.choice([entry for entry in STRANGE if not isinstance(entry, int) or abs(entry) < 2**63])
