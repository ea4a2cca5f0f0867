"""Decodes many trace events at once, into records of the fields that are used.

That is eight times as fast as making dictionaries of all fields. A block in which anything is unusual (a name that may
need repair, a field of another type, what strict JSON does not allow) is refused as a whole: its events are then
decoded one by one (``quoted.py``), so that what is read does not depend on how.
"""

from __future__ import annotations

from typing import Any

import msgspec

from bankable.tools.profiling.quoted import LINE, SUSPECT

ABSENT = msgspec.Raw(b"null")


class BlockArguments(msgspec.Struct, gc=False):
    """Arguments of an event, as far as they are used."""

    dims: msgspec.Raw = msgspec.field(name="Input Dims", default=ABSENT)
    types: msgspec.Raw = msgspec.field(name="Input type", default=ABSENT)
    external: Any = msgspec.field(name="External id", default=None)
    correlation: Any = None
    finished: Any = None


class BlockEvent(msgspec.Struct, gc=False):
    """One event, as far as it is used."""

    ph: Any = None
    cat: Any = None
    name: str | None = None
    pid: int | float | str | None = None
    tid: int | float | str | None = None
    ts: float | None = None
    dur: float | None = None
    args: BlockArguments | None = None


NO_ARGUMENTS = BlockArguments()
_DECODER = msgspec.json.Decoder(list[BlockEvent])


def decode_block(text: str, start: int) -> tuple[list[BlockEvent], int]:
    """All events from ``start`` to the last one that surely ends in ``text``, and the position after it.

    No event where one of them has to be looked at by itself. The position is then where the next block begins. A cut
    inside an event, between two of its arguments, is not valid JSON, so that it cannot be taken for an event's end.
    """
    end = text.rfind("},", start, max(start, len(text) - LINE)) + 1
    if end <= start:
        return [], len(text)
    if SUSPECT.search(text, start, end) is None:
        try:
            return _DECODER.decode(f"[{text[start:end]}]"), end
        except (msgspec.MsgspecError, UnicodeEncodeError):
            pass
    return [], end
