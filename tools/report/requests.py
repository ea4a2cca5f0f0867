"""The requests to language models in a run: counts and tokens per role, and the cost of audits."""

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
    roles = totals(_lines(reader))
    return ReportRequests(roles=tuple(map(_role, roles)), audit=_audit(reader, roles))


def requests_text(reader: ReportReader) -> str:
    """The same as a few lines for people; empty when no model was asked."""
    roles = totals(_lines(reader))
    audit = _audit(reader, roles)
    return "\n".join([text(roles), *([audit] if audit else [])]) if roles else ""


def _lines(reader: ReportReader) -> Iterator[CallLine]:
    bad = 0
    for raw in reader.lines(reader.root / CALLS, needed=False):
        try:
            yield CallLine.model_validate({**raw, "outcome": Kind(str(raw.get("outcome")))})
        except (ValidationError, ValueError):
            bad += 1
    if bad:
        reader.gaps.append(f"{CALLS}: {bad} line(s) are not ledger entries and were left out.")


def _role(role_totals: RoleTotals) -> ReportRole:
    return ReportRole(
        role=clean(role_totals.role, 60),
        requests=role_totals.requests,
        answered=role_totals.outcomes.get(Kind.ANSWERED, 0),
        other=clean(role_totals.other),
        prompt_tokens=role_totals.prompt_tokens,
        completion_tokens=role_totals.completion_tokens,
        estimated=role_totals.estimated,
        seconds=role_totals.seconds,
        cost=_money(role_totals.cost),
    )


def _audit(reader: ReportReader, roles: Sequence[RoleTotals]) -> str:
    """What the judge of one audit took, on average over the audits that it was asked about."""
    judge = next((role for role in roles if role.role == JUDGE), None)
    folders = reader.folders(reader.root / "audits", MAX_AUDITS)
    records = [raw for folder in folders if (raw := reader.json(folder / "judge.json", needed=False))]
    audits = sum(bool(sequence(raw.get("votes"))) for raw in records)
    if judge is None or not audits:
        return ""
    tokens = (judge.prompt_tokens + judge.completion_tokens) / audits
    cost = None if judge.cost is None else judge.cost / audits
    return f"An audit with the judge: {judge.requests / audits:.1f} requests, {tokens:.0f} tokens, cost {_money(cost)}."


def _money(cost: float | None) -> str:
    return "unknown (no price)" if cost is None else f"${cost:.4f}"
