"""The protocol of all workers: what is sent arrives as the same message, and nothing else is taken for one."""

from __future__ import annotations

import json
import os
import time
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankable.kernels.worker import messages
from bankable.kernels.worker.messages import (
    CompileRequest,
    FamilyToMeasure,
    ForkServerReady,
    JobEnded,
    JobRequest,
    KernelCompiled,
    KernelToCompile,
    LaunchFigures,
    LayerFound,
    LayerOver,
    LayerRequest,
    MeasureRequest,
    ShapeMeasured,
)
from bankable.kernels.worker.protocol import (
    LineReader,
    ProtocolError,
    WorkerGoneError,
    WorkerLateError,
    decode,
    encode,
    objects,
    send,
)

ENDED = JobEnded(1, 2, False, None, 0, 1 << 20, 0.5, 1.5)
FIGURES = LaunchFigures("k", 4, 0, registers=32, mix={"load": 3}, missing=("spills: unknown",))
SENT = [
    ForkServerReady("off", "on", "2.9", 1),
    JobRequest(1, "measure", "/f", 1.0, 2, 3, {"shapes": [{"key": "1x1", "dims": [1, 1]}]}),
    ENDED,
    LayerRequest("m:a", "/p", ("/a", "/b"), None),
    LayerRequest("m:a", "/p", (), {"family": "f"}),
    LayerFound(0.1, {"a": [1, None]}),
    LayerOver(),
    CompileRequest("f", "bfloat16", (KernelToCompile("1x2", (1, 2), "sm_90"),)),
    KernelCompiled("1x2", "sm_90", (FIGURES, FIGURES)),
    MeasureRequest((FamilyToMeasure("f", "float32", ((1, 2), (3, 4))),), 1, 2, 3, True, 4),
    ShapeMeasured("f", "1x2", "triton", choices={"warps": 4}, samples_s=(1e-6, 2e-6)),
]


@pytest.mark.parametrize("message", SENT, ids=lambda entry: type(entry).__name__)
def test_a_message_arrives_as_it_was_sent(message: object) -> None:
    assert decode(encode(message), LayerOver, type(message)) == message
    assert encode(message).count(b"\n") == 1


def test_every_message_says_what_its_fields_are() -> None:
    classes = [var for var in vars(messages).values() if is_dataclass(var)]
    assert len(classes) == 19
    assert all(
        entry.__doc__ and "(" not in entry.__doc__.splitlines()[0][: len(entry.__name__) + 1] for entry in classes
    )
    assert all(fields(item) or item is LayerOver for item in classes)


def _changed(**values: object) -> bytes:
    return json.dumps(json.loads(encode(ENDED)) | values).encode()


WRONG = {
    "torn": encode(ENDED)[:40],
    "no object": b"[1]",
    "no name": b'{"id": 1}',
    "another message": encode(LayerOver()),
    "text for a number": _changed(pid="2"),
    "a fraction for a whole number": _changed(pid=2.5),
    "a truth for a number": _changed(pid=True),
    "a number for a truth": _changed(timed_out=1),
    "nothing for a number": _changed(wall_s=None),
    "a field too many": _changed(verdict="PASS"),
    "a field too few": json.dumps({k: v for k, v in json.loads(encode(ENDED)).items() if k != "pid"}).encode(),
    "nested beyond reason": b'{"message": "JobEnded", "id": ' + b"[" * 100_000,
    "no text": b"\xff\xfe",
}


@pytest.mark.parametrize("name", WRONG)
def test_another_line_is_refused(name: str) -> None:
    with pytest.raises(ProtocolError):
        decode(WRONG[name], JobEnded)


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_decoder(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(line, JobEnded)


def test_lines_are_read_whole_however_they_come() -> None:
    source, target = os.pipe()
    reader = LineReader(source, 1 << 20)
    line = encode(ENDED)
    os.write(target, line + line[:10])
    assert decode(reader.line(time.monotonic() + 60), JobEnded) == ENDED
    with pytest.raises(WorkerLateError):
        reader.line(time.monotonic())
    os.write(target, line[10:])
    assert decode(reader.line(time.monotonic() + 60), JobEnded) == ENDED
    os.write(target, line[:10])
    os.close(target)
    with pytest.raises(WorkerGoneError):
        reader.line(time.monotonic() + 60)
    os.close(source)


def test_a_worker_may_send_so_much_for_each_request() -> None:
    source, target = os.pipe()
    reader = LineReader(source, 1000)
    for _ in range(3):
        reader.refill()
        os.write(target, b"x" * 900 + b"\n")
        assert len(reader.line(time.monotonic() + 60)) == 900
    os.write(target, b"x" * 900)
    with pytest.raises(WorkerGoneError):
        reader.line(time.monotonic() + 60)
    os.close(source)
    os.close(target)


def test_a_long_message_is_sent_whole(tmp_path: Path) -> None:
    message = LayerFound(1.0, {"text": "x" * (1 << 20)})
    target = os.open(tmp_path / "replies.jsonl", os.O_WRONLY | os.O_CREAT)
    send(target, message)
    send(target, LayerOver())
    os.close(target)
    first, second = (tmp_path / "replies.jsonl").read_bytes().splitlines()
    assert (decode(first, LayerFound), decode(second, LayerOver)) == (message, LayerOver())


def test_what_a_job_wrote_is_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "replies.jsonl"
    assert list(objects(path)) == []
    path.write_bytes(b'{"a": 1}\nno json\n[2]\n' + b"[" * 100_000 + b'\n{"b": 2}\n{"torn": ')
    assert list(objects(path)) == [{"a": 1}, {"b": 2}]
