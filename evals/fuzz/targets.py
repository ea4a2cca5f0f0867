"""Targets of the fuzzer: every reader of evidence, and the properties that hold for any bytes.

A target raises nothing but ``UserError``. What a reader hands on is finite and has a canonical form; what it does not
hand on, it reports. A file held against itself shows no gain, so that no such audit may end in a PASS.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from bankable.nodes.auditor.harness.view import ReportedBenchmark
from bankable.nodes.auditor.pair import audit_pair
from bankable.nodes.auditor.reading.reader import Reader
from bankable.nodes.auditor.reading.reported import ReportedClaim
from bankable.nodes.auditor.reading.resolved import drop_volatile, find_differences
from bankable.nodes.auditor.reading.rows import read_rows
from bankable.nodes.auditor.reading.server_log import scan_log
from bankable.nodes.auditor.reading.tensor_file import find_format_error
from bankable.nodes.auditor.verdict import Verdict, Word
from bankable.tools.errors import UserError
from bankable.tools.evidence.canonical import canonical
from bankable.tools.evidence.harness import Measurement, OpRun, OracleManifest, Task
from bankable.tools.evidence.ledger import LedgerEntry
from bankable.tools.evidence.overlay import Marker
from bankable.tools.evidence.records import Answer, Engagement, Generation, HostSample, LegRecord, Plan
from bankable.tools.evidence.request import Request
from bankable.tools.profiling.records import Profile
from bankable.tools.profiling.route import Route

Target = Callable[[Path, bytes], None]
WHOLE: dict[str, type[BaseModel]] = {
    "leg.json": LegRecord,
    "plan.json": Plan,
    "claim.json": ReportedClaim,
    "request.json": Request,
    "profile.json": Profile,
    "route.json": Route,
    "task.json": Task,
    "measurement.json": Measurement,
    "oracle.json": OracleManifest,
    "benchmark_claim.json": ReportedBenchmark,
}
LINES: dict[str, type[BaseModel]] = {
    "outputs.jsonl": Generation,
    "accuracy.jsonl": Answer,
    "engagement.jsonl": Engagement,
    "host.jsonl": HostSample,
    "ledger.jsonl": LedgerEntry,
    "opbench_runs.jsonl": OpRun,
    "markers.jsonl": Marker,
}


FOREIGN = ("result.jsonl", "result.json", "profile_export_aiperf.csv")


def rounds(place: Path, data: bytes) -> None:
    """Timed rounds and the figures that are computed from them."""
    reader, rows = _reader(place, "bench_runs.jsonl", data), []
    for row in read_rows(reader, "bench_runs.jsonl"):
        rows.append(row)
        canonical({**row.raw, **row.server_info, "reported": dict(row.reported)})
    assert rows or reader.problems or not data.strip()


def records(place: Path, data: bytes) -> None:
    """Every typed record, whole files and lines; the first byte selects which."""
    kinds = sorted({**WHOLE, **LINES})
    name = kinds[data[0] % len(kinds)] if data else kinds[0]
    reader = _reader(place, name, data[1:])
    if name in WHOLE:
        document = reader.model(name, WHOLE[name])
        taken = [] if document is None else [document]
    else:
        taken = list(reader.records(name, LINES[name]))
    for record in taken:
        canonical(record.model_dump(mode="json"))
    assert taken or reader.problems or not data[1:].strip()


def arguments(place: Path, data: bytes) -> None:
    """A server's report."""
    flags = drop_volatile(_reader(place, "server_info.json", data).document("server_info.json") or {})
    canonical(flags)
    assert find_differences(flags, flags) == []


def log(place: Path, data: bytes) -> None:
    """A server's log."""
    scan = scan_log(_reader(place, "server.log", data).blocks("server.log"))
    assert 0 <= scan.peak_usage < float("inf")
    assert scan.batches <= scan.lines


def tensors(place: Path, data: bytes) -> None:
    """An oracle: only its header is looked at, and nothing in it is executed."""
    path = place / "inputs.safetensors"
    path.write_bytes(data)
    assert isinstance(find_format_error(path), str)


def verdicts(place: Path, data: bytes) -> None:
    """A verdict that a user submits for verification."""
    del place
    with suppress(ValidationError, ValueError):
        Verdict.model_validate_json(data).to_bytes()


def foreign(place: Path, data: bytes) -> None:
    """A benchmark file of any tool, compared with itself; the length selects format and name."""
    path, claim = place / FOREIGN[len(data) % len(FOREIGN)], place / "claim.json"
    path.write_bytes(data)
    claim.write_bytes(data)
    with suppress(UserError):
        verdict = audit_pair(path, path, claim if len(data) % 2 else None)
        verdict.to_bytes()
        assert verdict.verdict is not Word.PASS


TARGETS: dict[str, Target] = {
    "rounds": rounds,
    "records": records,
    "arguments": arguments,
    "log": log,
    "tensors": tensors,
    "verdicts": verdicts,
    "foreign": foreign,
}


def run_one(name: str, data: bytes) -> None:
    """Feed bytes to one target in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=_memory()) as place:
        TARGETS[name](Path(place), data)


def _reader(place: Path, name: str, data: bytes) -> Reader:
    (place / name).write_bytes(data)
    return Reader(place)


def _memory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def strange() -> tuple[Any, ...]:
    """Values that break code which does not expect them."""
    return (
        0,
        -1,
        1,
        2**53,
        2**63 - 1,
        2**64 - 1,
        -(2**63),
        0.5,
        -0.0,
        5e-324,
        1e308,
        -1e308,
        True,
        False,
        None,
        "nan",
        "inf",
        "9" * 5000,
        "",
        "\x00",
        "\x1b[2J",
        "\u202e",
        "x" * 3000,
        [],
        {},
        [[]],
        [{}],
        [None],
        {"": {}},
        [1e308, 1e308],
        {"a": [1, {"b": 2}]},
    )
