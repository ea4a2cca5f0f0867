"""The table of invariants is complete, printed, and holds for the recorded runs."""

from __future__ import annotations

import tarfile
from pathlib import Path

import orjson
from typer.testing import CliRunner

from bankable.evals.invariants import RECORDED, measure_runs
from bankable.evals.main import app as evals
from bankable.graph.cli import app
from bankable.nodes.auditor.invariants.listing import list_invariants, read_honest
from bankable.nodes.auditor.modes import MODES
from bankable.nodes.auditor.rules.invariants import FAMILIES, INVARIANTS
from bankable.tools.errors import UserError

SHOWN_BY_FIXTURES_ONLY = {
    "device_share",
    "device_not_negative",
    "cores_of_the_server",
    "factor_in_headline",
    "rate_in_headline",
    "latency_in_headline",
    "gain_beyond_clocks",
    "rejected_before",
}
"""Relations whose records no recorded run has: GPUs, numbered cores, clocks that differ, wrong attempts; headlines with
factors, rates or latencies."""


def test_ids_are_unique_and_modes_known() -> None:
    assert len(INVARIANTS) >= 40
    assert len({entry.id for entry in INVARIANTS}) == len(INVARIANTS)
    for family in FAMILIES:
        assert {entry.mode for entry in family.INVARIANTS} <= set(family.rule.modes), family.rule.id
    assert {entry.mode for entry in INVARIANTS} <= {mode.id for mode in MODES}
    assert all(entry.reason and entry.left and entry.right for entry in INVARIANTS)


def test_every_relation_was_compared_in_recorded_launches_and_holds_there() -> None:
    honest = read_honest()
    assert {entry.id for entry in INVARIANTS} - honest.keys() == SHOWN_BY_FIXTURES_ONLY
    assert honest.keys() <= {entry.id for entry in INVARIANTS}
    for entry in INVARIANTS:
        if entry.id in honest:
            assert honest[entry.id][0] <= entry.tolerance, entry.id


def test_the_committed_maxima_are_those_of_the_recordings() -> None:
    """Of one recording, which stays within the largest of all."""
    honest = read_honest()
    measured = measure_runs([RECORDED / "cpu-run.tar.xz"])
    assert measured.keys() <= honest.keys()
    for name, (largest, pairs) in measured.items():
        assert largest <= honest[name][0], name
        assert pairs <= honest[name][1], name
    assert measured["answered_requests"] == (0.0, 6)
    assert measured["median_e2e"][0] == honest["median_e2e"][0]


def test_runs_of_ones_own_are_measured_too(tmp_path: Path) -> None:
    archive = RECORDED / "cpu-search.tar.xz"
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    (run,) = (path.parent for path in tmp_path.glob("*/run.json"))
    done = CliRunner().invoke(evals, ["invariants", str(run)])
    assert done.exit_code == 0
    assert "BEYOND" not in done.stdout
    assert measure_runs([run]) == measure_runs([archive])
    for words, why in (([str(tmp_path / "none")], "Cannot read the run"), ([str(run), "--write"], "Cannot write")):
        refused = CliRunner().invoke(evals, ["invariants", *words])
        assert isinstance(refused.exception, UserError)
        assert why in str(refused.exception)


def test_the_command_prints_text_json_and_markdown() -> None:
    plain = CliRunner().invoke(app, ["rules", "--invariants"])
    assert plain.exit_code == 0
    assert f"{len(INVARIANTS)} relations between records" in plain.stdout
    assert "server.log: POST /generate lines = requests of rounds, warm-ups, probes and questions" in plain.stdout
    entries = orjson.loads(CliRunner().invoke(app, ["rules", "--invariants", "--json"]).stdout)
    assert [entry["id"] for entry in entries] == [entry.id for entry in list_invariants()]
    table = CliRunner().invoke(app, ["rules", "--invariants", "--markdown"]).stdout
    assert table.count("\n| `") == len(INVARIANTS)
