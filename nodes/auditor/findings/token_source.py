"""Compares credited output tokens with the pieces that the streams had.

A stream may carry several tokens a piece: an interval between outputs, drafts that were accepted, a client that is too
busy to read each piece alone. Files of other tools seldom say which. What explains the pieces is looked up in the
record; where nothing does, the source of the counts is not shown, and no gain in tokens per second is called real.
"""

from __future__ import annotations

import math

from bankable.nodes.auditor.reading.rows import BenchRound

COUNTS_DIFFER = 0.05
"""Relative difference of two counts of the same tokens that tokenizers and merged pieces explain."""
UNSEEN = 0.10
"""Share of credited tokens that special tokens, which have no text, explain."""
UNSTREAMED = 0.25
"""Share of credited tokens without a place in a stream that a busy server or client explains."""


def count_unstreamed(row: BenchRound) -> int:
    """Credited tokens beyond one per gap and one first piece per request, which holds an interval or a whole draft."""
    pieces = [row.server_info.get("stream_interval")]
    if row.server_info.get("speculative_algorithm"):
        pieces.append(row.server_info.get("speculative_num_draft_tokens"))
    piece = max([1, *(size for size in pieces if isinstance(size, int))])
    return sum(max(0, length - gaps - piece) for length, gaps in zip(row.output_lens, row.streamed, strict=True))


def explain_missing_source(row: BenchRound) -> str:
    """Say why the record does not show where its token counts come from; empty where it does.

    Requests that list their gaps are judged one by one, unless the record states a mean over all pieces; where only the
    number of pieces is known, by their total.
    """
    size, total = _find_piece(row), row.output_tokens or 0
    pieces = sum(row.streamed) + len(row.streamed) if row.listed else row.pieces
    finished = _count_finished(row) if row.listed else row.pieces
    if row.retokenized and finished and _agree_on_fewer(row.retokenized, finished, total):
        return f"{total} tokens are credited, {finished} pieces were streamed, the text holds {row.retokenized}"
    if row.retokenized is not None and row.retokenized >= (1.0 - UNSTREAMED) * total > 0:
        return ""  # the text that came back holds the tokens
    if pieces is None:
        return ""
    if row.listed and row.tokens_per_piece is None:
        lengths = zip(row.output_lens, row.streamed, strict=True)
        unseen = sum(max(0.0, length - size * (gaps + 1)) for length, gaps in lengths)
    else:
        unseen = total - size * pieces
    if unseen <= UNSTREAMED * max(1, total):
        return ""
    states = f"the record gives {size:g} a piece" if states_piece(row) else "nothing says how many a piece holds"
    return f"{total} tokens are credited, {pieces} pieces were streamed, and {states}"


def _count_finished(row: BenchRound) -> int:
    """Pieces of the requests that have output tokens: each gap stands between two."""
    return sum(gaps + 1 for length, gaps in zip(row.output_lens, row.streamed, strict=True) if length)


def _agree_on_fewer(retokenized: int, pieces: int, total: int) -> bool:
    """Whether the returned text and the stream, counted apart, give the same number, and it is not the credited one.

    sglang's benchmark credits the requested tokens over the OpenAI endpoint, whatever came back.
    """
    fewer = max(retokenized, pieces) < (1.0 - UNSEEN) * total
    return fewer and math.isclose(retokenized, pieces, rel_tol=COUNTS_DIFFER)


def states_piece(row: BenchRound) -> bool:
    """Whether the record says how many tokens a piece holds. Answers that were not streamed at all have one piece."""
    if row.listed and not any(row.streamed):
        return False
    interval = row.server_info.get("stream_interval")
    return row.tokens_per_piece is not None or (isinstance(interval, int) and not isinstance(interval, bool))


def _find_piece(row: BenchRound) -> float:
    """Largest number of tokens in a piece that the record explains."""
    info = row.server_info
    interval = info.get("stream_interval")
    drafts = info.get("speculative_num_draft_tokens") if info.get("speculative_algorithm") else None
    sizes = [float(size) for size in (interval, drafts) if isinstance(size, int) and not isinstance(size, bool)]
    return max([1.0, row.tokens_per_piece or 1.0, *sizes])
