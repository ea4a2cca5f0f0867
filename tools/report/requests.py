"""What a run asked of language models: requests and tokens per role, and what an audit cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import ValidationError

from bankable.tools.llm.ledger import CALLS, CallLine, RoleTotals, text, totals
from bankable.tools.llm.outcome import Kind
from bankable.tools.report.model import ReportRequests, ReportRole
from bankable.tools.report.reading import ReportReader, clean, sequence

JUDGE = "judge"
MAX_AUDITS = 200


def read_requests(reader: ReportReader) -> ReportRequests:
    """Totals of the ledger of calls; empty when no model was asked."""
    found = totals(_lines(reader))
    return ReportRequests(roles=tuple(map(_role, found)), audit=_audit(reader, found))


def requests_text(reader: ReportReader) -> str:
    """The same as a few lines for people; empty when no model was asked."""
    found = totals(_lines(reader))
    audit = _audit(reader, found)
    return "\n".join([text(found), *([audit] if audit else [])]) if found else ""


def _lines(reader: ReportReader) -> Iterator[CallLine]:
    bad = 0
    for raw in reader.lines(reader.root / CALLS, needed=False):
        try:
            yield CallLine.model_validate({**raw, "outcome": Kind(str(raw.get("outcome")))})
        except (ValidationError, ValueError):
            bad += 1
    if bad:
        reader.gaps.append(f"{CALLS}: {bad} line(s) are none of a ledger of calls and were left out.")


def _role(found: RoleTotals) -> ReportRole:
    return ReportRole(
        role=clean(found.role, 60),
        requests=found.requests,
        answered=found.outcomes.get(Kind.ANSWERED, 0),
        other=clean(found.other),
        prompt_tokens=found.prompt_tokens,
        completion_tokens=found.completion_tokens,
        estimated=found.estimated,
        seconds=found.seconds,
        cost=_money(found.cost),
    )


def _audit(reader: ReportReader, found: Sequence[RoleTotals]) -> str:
    """What the judge of one audit took, on average over the audits that it was asked about."""
    judge = next((it for it in found if it.role == JUDGE), None)
    folders = reader.folders(reader.root / "audits", MAX_AUDITS)
    records = [raw for it in folders if (raw := reader.json(it / "judge.json", needed=False))]
    audits = sum(bool(sequence(raw.get("votes"))) for raw in records)
    if judge is None or not audits:
        return ""
    tokens = (judge.prompt_tokens + judge.completion_tokens) / audits
    cost = None if judge.cost is None else judge.cost / audits
    return f"An audit with the judge: {judge.requests / audits:.1f} requests, {tokens:.0f} tokens, cost {_money(cost)}."


def _money(cost: float | None) -> str:
    return "unknown (no price)" if cost is None else f"${cost:.4f}"
