"""Stores ``judge.json`` beside a verdict and reads it back when a run is resumed.

Votes are sampled: asking again would give other bytes, and evidence is written once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import ValidationError

from bankable.nodes.auditor.judge.orders import Orders
from bankable.nodes.auditor.judge.process import run_judge
from bankable.nodes.auditor.judge.record import JudgeRecord
from bankable.tools.errors import UserError
from bankable.tools.evidence.regular import open_regular
from bankable.tools.evidence.store import write_once

MAX_RECORD_BYTES = 16 << 20
"""Largest record that is read, bytes."""


def judge_once(
    file: Path,
    folder: Path,
    orders: Orders,
    environ: Mapping[str, str] | None = None,
    check: Callable[[], None] = lambda: None,
) -> JudgeRecord:
    """Read the record in ``file``; when there is none, judge the sealed ``folder`` and write the record.

    ``check`` is called before writing and may raise: a stop request also interrupts the judge's process, whose record
    is then not stored.
    """
    if file.exists():
        return read_record(file)
    record = run_judge(folder, orders, environ)
    check()
    write_once(file, record.to_bytes())
    return record


def read_record(file: Path) -> JudgeRecord:
    """Read a stored record. Raises ``UserError`` when it is missing or invalid."""
    fix = "delete it and resume the run to judge the evidence again"
    try:
        with open_regular(file) as stream:
            data = stream.read(MAX_RECORD_BYTES + 1)
        if len(data) > MAX_RECORD_BYTES:
            raise UserError("Cannot read the judge's record: file too large", str(file), fix)
        return JudgeRecord.model_validate_json(data)
    except OSError as problem:
        raise UserError(f"Cannot read the judge's record: {problem.strerror}", str(file), fix) from None
    except ValidationError:
        raise UserError("Cannot read the judge's record: invalid content", str(file), fix) from None
