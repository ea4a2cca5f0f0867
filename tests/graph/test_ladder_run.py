"""A whole run with a ladder, replayed: measured after the bundle, audited, withheld where loads are not as planned."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from bankable.graph.run import execute
from bankable.graph.session import read_recorded_config
from bankable.graph.verification import verify_folder
from bankable.nodes.reporter import RunOutcome
from bankable.tools.evidence.records import Plan, Workload
from tests.graph.conftest import BANKED

LOADS = tuple(Workload(num_prompts=24, input_len=128, output_len=32, concurrency=count) for count in (6, 12))


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunOutcome]:
    """The recording holds one load, so both loads of the ladder are answered by its rounds."""
    place = tmp_path_factory.mktemp("ladder")
    config = read_recorded_config(BANKED, {"loads": LOADS, "budget_minutes": 60.0})
    return place / "run", execute(config, place / "run")


def test_the_bundles_configuration_is_on_the_ladder_beside_the_reference(ran: tuple[Path, RunOutcome]) -> None:
    plan = Plan.model_validate_json((ran[0] / "comparisons" / "ladder" / "plan.json").read_bytes())
    assert plan.ladder is not None
    names = [entry.name for entry in plan.ladder.contenders]
    assert names[0] == "reference"
    assert len(names) > 1
    assert [load.name for load in plan.ladder.loads] == ["c6", "c12"]


def test_rounds_of_another_load_withhold_the_points_and_leave_the_bundle(ran: tuple[Path, RunOutcome]) -> None:
    run, outcome = ran
    verdict = orjson.loads((run / "audits" / "frontier-ladder-1" / "verdict.json").read_bytes())
    assert verdict["verdict"] == "FAIL"
    assert "other_load" in {finding["code"] for finding in verdict["findings"]}
    assert outcome.frontier.startswith("frontier withheld")
    assert outcome.verdict.startswith("verified gain")
    assert "points" not in orjson.loads((run / "bundle" / "manifest.json").read_bytes())
    assert "--point" not in (run / "bundle" / "launch.sh").read_text()
    assert "Frontier over loads" in (run / "report.html").read_text()


@pytest.mark.long
def test_the_frontiers_verdict_is_signed_and_derived_again(ran: tuple[Path, RunOutcome]) -> None:
    result = verify_folder(ran[0])
    assert result.problems == ()
    assert "frontier-ladder-1" in result.same
    assert "frontier-ladder-1" in {name for names in result.signed.values() for name in names}
