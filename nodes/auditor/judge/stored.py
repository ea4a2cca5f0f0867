"""``judge.json`` beside a verdict: asked for once, kept, and read again when a run goes on.

Votes are drawn: asking again would give other bytes, and evidence is written once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import ValidationError

from bankable.nodes.auditor.judge.orders import Orders
from bankable.nodes.auditor.judge.process import judge_apart
from bankable.nodes.auditor.judge.record import JudgeRecord
from bankable.tools.errors import UserError
from bankable.tools.evidence.regular import open_regular
from bankable.tools.evidence.store import write_once

MAX_RECORD_BYTES = 16 << 20


def judged_once(
    file: Path,
    folder: Path,
    orders: Orders,
    environ: Mapping[str, str] | None = None,
    check: Callable[[], None] = lambda: None,
) -> JudgeRecord:
    """The record in ``file``; without one the sealed ``folder`` is judged and the record written.

    ``check`` may raise before that: a stop that was asked for reaches the judge's process too, and what it says then is
    no answer to keep.
    """
    if file.exists():
        return read_record(file)
    found = judge_apart(folder, orders, environ)
    check()
    write_once(file, found.to_bytes())
    return found


def read_record(file: Path) -> JudgeRecord:
    """A kept record. Raises ``UserError`` when it is none."""
    fix = "it is written by the run; have the evidence judged again"
    try:
        with open_regular(file) as stream:
            data = stream.read(MAX_RECORD_BYTES + 1)
        if len(data) > MAX_RECORD_BYTES:
            raise UserError("more than a judge says", str(file), fix)
        return JudgeRecord.model_validate_json(data)
    except OSError as problem:
        raise UserError("no record of the judge", str(file), problem.strerror or fix) from None
    except ValidationError:
        raise UserError("not a record of the judge", str(file), fix) from None
