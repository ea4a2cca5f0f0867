"""What tests of other people's files share: verdicts on a pair of them, and rounds that are streamed in pieces."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from bankable.evals.fixtures.build import tool_results as samples
from bankable.nodes.auditor.pair import audit_pair
from bankable.nodes.auditor.verdict import Severity, Verdict
from tests.nodes.auditor.importers.test_formats import INFO

Json = dict[str, Any]
N = samples.PROMPTS
POOL = {**INFO, "tp_size": 1, "max_total_num_tokens": 400_000, "max_running_requests": 256}


def codes(verdict: Verdict, severity: Severity) -> set[str]:
    return {finding.code for finding in verdict.findings if finding.severity is severity}


def remarks(verdict: Verdict) -> str:
    return "\n".join(note.text for note in verdict.notes if note.kind == "remark")


def chunked(record: Json, size: int) -> Json:
    """The same round, streamed in pieces of several tokens: one gap a piece."""
    itls = [[math.fsum(gaps[at : at + size]) for at in range(0, len(gaps) - size + 1, size)] for gaps in record["itls"]]
    rest = [sum(gaps) - sum(fewer) for gaps, fewer in zip(record["itls"], itls, strict=True)]
    itls = [[*fewer[:-1], fewer[-1] + more] for fewer, more in zip(itls, rest, strict=True)]
    flat = sorted(gap for gaps in itls for gap in gaps)
    figures = {
        "median_itl_ms": 1000 * samples.percentile(flat, 50),
        "p99_itl_ms": 1000 * samples.percentile(flat, 99),
    }
    return {**record, "itls": itls, **figures}


def pair(folder: Path, before: Json, after: Json) -> Verdict:
    return audit_pair(samples.dump(folder / "ref.json", before), samples.dump(folder / "cand.json", after))
