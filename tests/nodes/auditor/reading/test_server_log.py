"""A log is scanned by the shapes of its lines, and says what looking at every line says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bankable.nodes.auditor.reading import reader as reading
from bankable.nodes.auditor.reading import server_log
from bankable.nodes.auditor.reading.reader import Reader
from bankable.nodes.auditor.reading.server_log import LogFacts, scan_log

READY = "[2026-11-21 19:40:00] The server is fired up and ready to roll!"
DECODE = "[2026-11-21 19:41:01] Decode batch, #running-req: 20, token usage: 0.41, cuda graph: True, #queue-req: 0"
PREFILL = "[2026-11-21 19:41:00] Prefill batch, #new-seq: 4, token usage: 0.31, #running-req: 18, cuda graph: False"
TROUBLE = [
    "Scheduler hit an exception",
    "Traceback (most recent call last)",
    "CUDA error",
    "HIP error",
    "HSA_STATUS_ERROR",
    "Memory access fault by GPU",
    "illegal memory access",
    "Segmentation fault",
    "core dumped",
    "out of memory",
    "OutOfMemoryError",
    "Watchdog timeout",
    "SIGQUIT received",
    "terminate called",
    "Exception in ASGI application",
]
WORDS = [
    *TROUBLE,
    READY,
    DECODE,
    PREFILL,
    "The server is ready",
    "ready to roll",
    "freeze_gc failed",
    "Retract requests",
    "#retracted",
    "INFO:  Shutting down",
    "INFO:\u00a0Shutting down",
    "Shutting down",
    "SIGTERM received",
    "Gracefully exiting",
    "[2026-11-21 19:41:00] ",
    "[\u0662\u0660\u0662\u0666-11-21 ",
    "[2026-11-21 19:41:00 TP0] ERROR",
    "[2026-11-21 19:41:00] CRITICALLY",
    "ERROR:",
    "_ERROR:",
    "\u00e9ERROR:",
    "ER7ROR:",
    "CUDA 5error",
    " batch",
    "#running-req: ",
    "#new-seq: ",
    "token usage: ",
    "hip graph: True",
    "xpu graph: True",
    " graph: True",
    "cuda",
    "0",
    "7",
    "12",
    "0.5",
    "9" * 12,
    "9" * 13,
    ".",
    ",",
    " ",
    "\r",
    "\0",
    "\x85",
    "\u2028",
    "[",
    "]",
    "x" * 3990,
    "y" * 210,
    "\U0001f600" * 1000,
]
PIECES = st.sampled_from([word.encode() for word in WORDS]) | st.sampled_from([b"\xff", b"\xe2\x82", b"\xf0\x9f", b""])
LINES = st.lists(st.lists(PIECES, max_size=6).map(b"".join), max_size=12)


def oracle(data: bytes) -> LogFacts:
    """Every pattern on every line, in the words of the definition."""
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    ready, stopping, harmless = None, False, False
    batches, graphs, running, usage = 0, 0, [0], [0.0]
    retractions: list[int] = []
    faults: list[tuple[int, str]] = []
    for number, raw in enumerate(lines, start=1):
        text = raw[:16000].decode("utf-8", "replace")[:4000].rstrip("\r\n")
        if "freeze_gc failed" in text:
            harmless = True
        elif re.match(r"\[\d{4}-\d\d-\d\d ", text):
            harmless = False
        if ready is not None and re.search(r"INFO:\s+Shutting down|SIGTERM received|Gracefully exiting", text):
            stopping = True
        now = _after("#running-req: ", text) if " batch" in text else None
        if ready is None and ("fired up and ready to roll" in text or "The server is ready" in text):
            ready, faults = number, []
        elif now is not None:
            batches += 1
            graphs += any(f"{device} graph: True" in text for device in ("cuda", "cpu", "hip", "npu"))
            running.append(now + (_after("#new-seq: ", text) or 0))
            usage += map(float, re.findall(r"token usage: ([0-9]{1,12}(?:\.[0-9]{1,12})?)(?![0-9])", text))
        elif "Retract requests" in text or "#retracted" in text:
            retractions.append(number)
        elif not stopping and not harmless and (any(word in text for word in TROUBLE) or _says_error(text)):
            faults.append((number, text[:200]))
    return LogFacts(
        len(lines), ready, graphs, batches, max(running), max(usage), tuple(retractions[:1]), tuple(faults[:20])
    )


def _after(label: str, text: str) -> int | None:
    behind = text.partition(label)[2]
    found = re.match(r"[0-9]{1,12}(?![0-9])", behind)
    return None if found is None else int(found[0])


def _says_error(text: str) -> bool:
    return re.search(r"^\[[^\]]{10,40}\] ?(?:ERROR|CRITICAL)\b|\bERROR:", text) is not None


def scan(folder: Path, data: bytes) -> LogFacts:
    (folder / "server.log").write_bytes(data)
    return scan_log(Reader(folder).blocks("server.log"))


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LINES, st.booleans(), st.integers(1, 3), st.sampled_from([1, 13, 100, 1 << 19]), st.sampled_from([0, 1, 4096]))
@example([b"freeze_gc failed", b"Traceback (most recent call last)", b"[2026-11-21 x", b"CUDA error"], True, 1, 7, 1)
@example([b"y" * 3990 + b"CUDA error", b"y" * 3991 + b"CUDA error"], False, 1, 64, 4096)
@example([b"\xff" * 15_995 + b"ERROR:", b"\xff" * 3994 + b"ERROR:"], False, 1, 64, 4096)
@example([b"Decode batch, #running-req: x #running-req: 5", b"a batch, #running-req: 1234567890123"], True, 1, 64, 4096)
@example([b" batch #running-req: 5 #running-req: 6", b" batch #r1unning-req: 7 #r1unning-req: 9"], True, 1, 999, 4096)
@example([b" batch #running-req: 5 cpu graph: True cpu graph: True"], True, 2, 999, 4096)
@example([b"a bat1ch, #running-req: 5"], True, 1, 999, 4096)
@example(["\u00e9".encode() * 2500 + b"CUDA error"], True, 1, 64, 4096)
def test_a_scan_finds_what_every_line_says(
    tmp_path: Path, lines: list[bytes], ended: bool, times: int, block: int, shapes: int
) -> None:
    data = b"\n".join(lines * times) + (b"\n" if ended else b"")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "BLOCK", block)
        patch.setattr(server_log, "MAX_SHAPES", shapes)
        assert load_and_faults(scan(tmp_path, data)) == oracle(data)


def load_and_faults(facts: LogFacts) -> LogFacts:
    """The facts that the oracle knows, without those about single requests, times and arguments."""
    return LogFacts(
        facts.lines,
        facts.ready_line,
        facts.graphs,
        facts.batches,
        facts.peak_running,
        facts.peak_usage,
        facts.retractions,
        facts.faults,
    )


ARGUMENTS = "server_args={'model_path': '/m', " + ", ".join(f"'argument_{index}': None" for index in range(400)) + "}"
REQUESTS = (
    f"[2026-11-21 19:40:50] {ARGUMENTS}\n"
    "[2026-11-21 19:40:51] INFO:     Started server process [4242]\n"
    "[2026-11-21 19:40:54] The server is fired up and ready to roll!\n"
    "[2026-11-21 19:40:55] Prefill batch, #new-seq: 1, #new-token: 16, #cached-token: 3, #running-req: 0\n"
    '[2026-11-21 19:40:55] INFO:     127.0.0.1:50000 - "POST /generate HTTP/1.1" 200 OK\n'
    '[2026-11-21 19:40:56] INFO:     127.0.0.1:50001 - "POST /generate HTTP/1.1" 200 OK\n'
    '[2026-11-21 19:40:57] INFO:     127.0.0.1:50002 - "POST /generate HTTP/1.1" 400 Bad Request\n'
    '[2026-11-21 19:40:57] INFO:     127.0.0.1:50002 - "GET /server_info HTTP/1.1" 200 OK\n'
    "[2026-11-21 19:41:00] Decode batch, #running-req: 2, gen throughput (token/s): 141.80\n"
    "[2026-11-21 19:41:01] Decode batch, #running-req: 2, gen throughput (token/s): 99.00\n"
    "no time stamp\n"
)


@pytest.mark.parametrize("block", [13, 1 << 19])
def test_requests_tokens_times_and_process_are_read(tmp_path: Path, block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "BLOCK", block)
        facts = scan(tmp_path, REQUESTS.encode())
    assert facts.requests == {"POST /generate": 3, "GET /server_info": 1}
    assert (facts.refused, facts.prompt_tokens, facts.cached_tokens, facts.peak_rate) == (1, 19, 3, 141.8)
    assert facts.began is not None
    assert (facts.ended, facts.ready_at) == (facts.began + 11, facts.began + 4)
    assert (facts.pid, facts.ready_lines) == (4242, 1)
    assert "'argument_399': None" in facts.arguments


def test_a_log_in_the_words_of_a_server(tmp_path: Path) -> None:
    lines = [
        "[2026-11-21 19:39:00] ERROR: an optional part is not there",
        READY,
        *[PREFILL, DECODE] * 3,
        '[2026-11-21 19:42:00] INFO:     127.0.0.1:30001 - "POST /generate HTTP/1.1" 200 OK',
        "[2026-11-21 19:43:00] KV cache pool is full. Retract requests. #retracted_reqs: 1",
        *TROUBLE[:2],
        "[2026-11-21 19:59:00] INFO:     Shutting down",
        *TROUBLE,
    ]
    found = scan(tmp_path, "\n".join(lines).encode())
    assert (found.lines, found.ready_line, found.batches, found.graphs) == (len(lines), 2, 6, 3)
    assert (found.peak_running, found.peak_usage, found.retractions) == (22, 0.41, (10,))
    assert found.faults == ((11, TROUBLE[0]), (12, TROUBLE[1]))


def test_no_word_has_a_digit() -> None:
    """A shape is a line without its digits: it would lack a word that has one."""
    assert not any(re.search(rb"[0-9]", word) for word in (*server_log._WORDS, b" batch", b"#running-req: "))


def test_the_shape_cache_is_bounded() -> None:
    kinds: dict[bytes, server_log._Kind] = {}
    for index in range(10_000):
        server_log._classify(kinds, b"x" * (index % 600) + bytes([65 + index % 26, 65 + index // 26 % 26]))
    assert len(kinds) <= server_log.MAX_SHAPES
    assert max(map(len, kinds)) <= server_log.MAX_SHAPE_BYTES


def test_reading_stops_at_a_line_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_LINE_BYTES", 1000)
    (tmp_path / "server.log").write_bytes(DECODE.encode() + b"\n" + b"x" * 2000 + b"\n" + DECODE.encode())
    reader = Reader(tmp_path)
    found = scan_log(reader.blocks("server.log"))
    assert (found.lines, found.batches) == (1, 1)
    assert [(problem.line, problem.kind) for problem in reader.problems] == [(2, "too_large")]
    assert reader.digests == {}
