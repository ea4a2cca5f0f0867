"""Operating points of a bundle are those of the ladder's claim, and a frontier that an audit withholds has none."""

from __future__ import annotations

import shutil
from pathlib import Path

import orjson
import pytest

from bankable.evals.fixtures.build.files import edit
from bankable.evals.fixtures.build.ladder import FASTER, LADDER, LadderRecipe, ladder_run
from bankable.evals.fixtures.judge import judge
from bankable.graph.manifest import check_words
from bankable.tools.bundle import write_bundle
from bankable.tools.evidence.folder import RunFolder
from bankable.tools.evidence.records import FrontierClaim, ServerConfig


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ladder_run(tmp_path_factory.mktemp("honest") / "run", LadderRecipe())


@pytest.fixture
def run(honest: Path, tmp_path: Path) -> Path:
    """A run with an audited frontier."""
    run = Path(shutil.copytree(honest, tmp_path / "run"))
    verdict = run / "audits" / "frontier-ladder-1" / "verdict.json"
    verdict.parent.mkdir(parents=True)
    verdict.write_bytes(judge(run, "frontier").to_bytes())
    return run


def bundle(run: Path) -> Path:
    claim = FrontierClaim.model_validate_json((run / "comparisons" / LADDER / "claim.json").read_bytes())
    with RunFolder.open(run) as folder:
        write_bundle(
            folder,
            run_id="run-0001",
            model="/models/tiny",
            base=ServerConfig(),
            accepted=[],
            comparisons=["control", LADDER],
            claim=None,
            headline="no gain",
            device="cuda",
            engine=None,
            points=claim.operating_points,
        )
    return run / "bundle"


def test_each_load_of_the_claim_is_a_point_of_the_bundle(run: Path) -> None:
    made = bundle(run)
    manifest = orjson.loads((made / "manifest.json").read_bytes())
    assert [(point["load"], point["contender"]) for point in manifest["points"]] == [
        ("c1", FASTER),
        ("c2", FASTER),
        ("c4", FASTER),
    ]
    assert "--point" in (made / "launch.sh").read_text()
    assert check_words(made) == []


def test_a_point_that_the_claim_does_not_have_is_named(run: Path) -> None:
    made = bundle(run)
    edit(made / "manifest.json", lambda manifest: manifest["points"][1].update(contender="reference"))
    (problem,) = check_words(made)
    assert problem.startswith("manifest.json: points.1.contender")


def test_points_of_a_withheld_frontier_are_named(run: Path) -> None:
    edit(run / "comparisons" / LADDER / "claim.json", lambda claim: claim["points"][0].update(throughput=9.0))
    (run / "audits" / "frontier-ladder-1" / "verdict.json").write_bytes(judge(run, "frontier").to_bytes())
    assert check_words(bundle(run)) == ["manifest.json: points: stated, but the frontier's verdict withholds them"]
