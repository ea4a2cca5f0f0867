"""Load generators of other projects on real servers: their files are read right, and no run is called a win wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest

from bankable.nodes.auditor.importers.leg import ImportedLeg
from bankable.nodes.auditor.pair import audit_pair
from bankable.nodes.auditor.verdict import Severity, Verdict
from tests.clients.conftest import AGAIN, CAPPED, EARLY_TOKENS, LAUNCHES, WIDE, Recordings
from tests.clients.tools import CLIENTS, Load
from tests.nodes.auditor.builders import hits, write
from tests.nodes.auditor.importers.test_formats import not_shown, read

pytestmark = pytest.mark.clients
each = pytest.mark.parametrize("name", list(CLIENTS))
LOAD = Load()


def codes(verdict: Verdict, severity: Severity) -> set[str]:
    """Codes of findings, or the rule where a finding has none."""
    return {finding.code or finding.rule for finding in verdict.findings if finding.severity is severity}


def only(legs: tuple[ImportedLeg, ...]) -> ImportedLeg:
    assert len(legs) == 1
    return legs[0]


@each
def test_a_plain_run_is_read_as_what_the_server_did(name: str, recordings: Recordings, tmp_path: Path) -> None:
    client = CLIENTS[name]
    run = recordings.run(client, f"{WIDE}-0")
    leg = only(read(tmp_path, run.folder))
    assert leg.format == client.format
    (row,) = leg.rows
    assert (row.completed, row.failed or 0) == (LOAD.requests, 0)
    asked = LOAD.requests * LOAD.output_tokens
    assert asked <= run.tokens <= asked + client.trial_requests * LOAD.output_tokens
    assert row.output_tokens == asked
    assert {figure for figure, value in row.reported.items() if not value > 0} == set()
    verdict = audit_pair(run.folder, scope="baseline")
    assert codes(verdict, Severity.FAIL) == set()


@each
def test_failed_requests_are_seen(name: str, recordings: Recordings, tmp_path: Path) -> None:
    client = CLIENTS[name]
    run = recordings.run(client, "failing")
    assert run.refused > 0
    (row,) = only(read(tmp_path, run.folder)).rows
    assert row.failed == run.refused
    assert row.completed == LOAD.requests - run.refused
    verdict = audit_pair(recordings.side(client, WIDE), run.folder)
    assert "failed_requests" in codes(verdict, Severity.FAIL)


@each
def test_tokens_that_were_never_generated_are_not_believed(name: str, recordings: Recordings, tmp_path: Path) -> None:
    """Answers that end early, from a tool that may credit what it asked for."""
    client = CLIENTS[name]
    run = recordings.run(client, "early")
    assert run.tokens < LOAD.requests * EARLY_TOKENS
    (row,) = only(read(tmp_path, run.folder)).rows
    verdict = audit_pair(run.folder, scope="baseline")
    missing = any("token" in text for text in not_shown(verdict))
    doubted = missing or any("Q08" in finding.modes for finding in verdict.findings)
    believed = row.output_tokens is not None and row.output_tokens <= run.tokens
    assert believed or doubted, (row.output_tokens, run.tokens)


@each
def test_two_equal_servers_are_no_win(name: str, recordings: Recordings) -> None:
    client = CLIENTS[name]
    verdict = audit_pair(recordings.side(client, WIDE), recordings.side(client, AGAIN))
    assert f"on {LAUNCHES} and {LAUNCHES} launches" in verdict.headline
    assert ", real" not in verdict.headline
    assert codes(verdict, Severity.FAIL) <= {"undecided", "disproved", "slower"}


@each
def test_four_times_as_many_running_requests_are_a_win(name: str, recordings: Recordings, tmp_path: Path) -> None:
    client = CLIENTS[name]
    claim = tmp_path / "claim.json"
    write(claim, {"lever": {"flags": {"max_running_requests": 12}}})
    legs = [recordings.side(client, side) for side in (CAPPED, WIDE)]
    verdict = audit_pair(*legs, claim if client.states_server else None)
    assert f"on {LAUNCHES} and {LAUNCHES} launches, real" in verdict.headline
    assert codes(verdict, Severity.FAIL) == set()
    assert hits(verdict, "real_delta", Severity.FLAG) == []
