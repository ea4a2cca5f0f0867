"""Why a start failed, from logs of real servers and from hostile ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankable.tools.serving import failure as failure_module
from bankable.tools.serving.failure import classify_round, classify_start, stall_failure

LOGS = Path(__file__).parent / "logs"


def write(folder: Path, content: bytes) -> Path:
    log = folder / "server.log"
    log.write_bytes(content)
    return log


@pytest.mark.parametrize(
    ("kind", "status", "shown"),
    [
        (
            "out_of_memory",
            -9,
            "ValueError: Loaded weights leave no GPU memory for the KV cache under --mem-fraction-static",
        ),
        ("bad_flag", 2, "sglang serve: error: argument --schedule-policy: invalid choice: 'sideways'"),
        ("port_taken", 3, "[Errno 98] error while attempting to bind on address ('127.0.0.1', 35991): address already"),
        ("died_early", -9, "SafetensorError: Error while deserializing header: incomplete metadata, file not fully"),
    ],
)
def test_logs_of_real_servers(kind: str, status: int, shown: str) -> None:
    """Ends of logs that sglang 0.5.23 wrote; it kills itself with signal 9 when its scheduler raises."""
    log = LOGS / f"{kind}.log"
    failure = classify_start(status, log)
    assert failure.kind == kind
    assert shown in failure.line
    assert failure.line_number is not None
    assert shown in log.read_text().splitlines()[failure.line_number - 1]


@pytest.mark.parametrize(
    "line",
    [
        "RuntimeError: Not enough memory. Please try to increase --mem-fraction-static.",
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79 GiB",
        "RuntimeError: [enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory",
        "torch.AcceleratorError: CUDA error: out of memory",
        "MemoryError",
        "OSError: [Errno 12] Cannot allocate memory",
        "terminate called after throwing an instance of 'std::bad_alloc'",
    ],
)
def test_memory_messages(tmp_path: Path, line: str) -> None:
    failure = classify_start(1, write(tmp_path, f"loading\n{line}\nTraceback\nRuntimeError: later\n".encode()))
    assert (failure.kind, failure.line, failure.line_number) == ("out_of_memory", line, 2)


def test_a_server_that_was_killed_ran_out_of_memory(tmp_path: Path) -> None:
    assert classify_start(-9, write(tmp_path, b"loading\n")).kind == "out_of_memory"


def test_a_missing_or_empty_log_is_an_answer_too(tmp_path: Path) -> None:
    assert classify_start(1, tmp_path / "none").kind == "died_early"
    assert "status 3" in classify_start(3, write(tmp_path, b"")).line
    assert stall_failure(tmp_path / "none", "no token").line == "no token; the log is empty"


def test_a_crash_in_a_round_names_the_exception_and_not_the_last_chatter(tmp_path: Path) -> None:
    log = write(tmp_path, b"ok\n[2026-11-21 20:00:00] ValueError: bad batch\nserver shutting down\n")
    failure = classify_round(1, log)
    assert (failure.kind, failure.line_number) == ("died_in_round", 2)
    silent = classify_round(-9, write(tmp_path, b"all is well\n"))
    assert silent.line == "server ended with status -9 during a round"


def test_a_huge_log_is_read_at_both_ends_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failure_module, "HEAD_BYTES", 10_000)
    monkeypatch.setattr(failure_module, "TAIL_BYTES", 20_000)
    filler = (b"x" * 99 + b"\n") * 1000
    log = write(tmp_path, b"start\n" + filler + b"RuntimeError: the end\n")
    failure = classify_start(1, log)
    assert (failure.line, failure.line_number) == ("RuntimeError: the end", None)
    hidden = write(tmp_path, b"a\n" * 10_000 + b"MemoryError\n" + filler + b"ValueError: shown\n")
    assert classify_start(1, hidden).line == "ValueError: shown"


def test_an_endless_line_and_control_characters_are_cut_and_cleaned(tmp_path: Path) -> None:
    failure = classify_start(1, write(tmp_path, b"ValueError: \x1b[31m\x00" + b"y" * 100_000))
    assert len(failure.line) <= 500
    assert failure.line.isprintable()


@given(content=st.binary(max_size=3000), status=st.integers(-15, 255))
def test_any_log_is_classified(tmp_path_factory: pytest.TempPathFactory, content: bytes, status: int) -> None:
    log = write(tmp_path_factory.mktemp("log"), content)
    for failure in (classify_start(status, log), classify_round(status, log), stall_failure(log, "why")):
        assert failure.line
        assert len(failure.line) <= 500
