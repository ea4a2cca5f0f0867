"""JSON Schema of the auditor's output and input, published for other programs."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from pydantic import BaseModel

from bankable.nodes.auditor.reading.reported import ReportedClaim
from bankable.nodes.auditor.verdict import Verdict
from bankable.tools.errors import UserError
from bankable.tools.evidence.records import BenchRun, LegRecord, Plan
from bankable.tools.evidence.request import Request

DIALECT = "https://json-schema.org/draft/2020-12/schema"
PUBLISHED: Mapping[str, type[BaseModel]] = {
    "verdict": Verdict,
    "claim": ReportedClaim,
    "request": Request,
    "plan": Plan,
    "leg": LegRecord,
    "round": BenchRun,
}


def json_schema(name: str) -> bytes:
    """Indented JSON with sorted keys. Raises ``UserError`` for a name that is not published."""
    model = PUBLISHED.get(name)
    if model is None:
        raise UserError(f"Cannot print schema {name!r}: no such schema", "", f"use one of {', '.join(PUBLISHED)}")
    # A verdict is written, everything else is read: fields with a default may be absent there.
    schema = {
        "$schema": DIALECT,
        **model.model_json_schema(mode="serialization" if model is Verdict else "validation"),
    }
    return orjson.dumps(schema, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
