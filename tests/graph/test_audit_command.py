"""`audit` and `schema` as people and programs call them: exit codes, formats, and how little they import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bankable.evals.fixtures.build import tool_results as samples
from bankable.nodes.auditor.pair import audit_pair
from bankable.nodes.auditor.schema import PUBLISHED, json_schema
from bankable.nodes.auditor.verdict import Verdict
from bankable.tools.errors import UserError
from tests.graph.conftest import ROOT, Bankable
from tests.nodes.auditor import builders

HEAVY = ("numpy", "scipy", "torch", "sglang", "rich", "langgraph", "httpx", "jinja2", "optuna", "psutil")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two files with a gain, one without, and leg folders with everything."""
    folder = tmp_path_factory.mktemp("files")
    samples.dump(folder / "a.json", samples.vllm(400.0, 1))
    samples.dump(folder / "b.json", samples.vllm(500.0, 2))
    legs = builders.standard_run(folder / "run") / "comparisons/patch-stream_interval/legs"
    for name, side in (("ref", "reference"), ("cand", "candidate")):
        (folder / name).mkdir()
        for path in sorted(legs.glob(f"b0[023]-{side}")):
            path.rename(folder / name / path.name)
    builders.write(folder / "claim.json", {"lever": {"flags": {"stream_interval": 8}, "env": {}}})
    return folder


def test_exit_codes(bankable: Bankable, files: Path) -> None:
    done = bankable("audit", files / "ref", files / "cand", "--claim", files / "claim.json")
    assert (done.code, done.out.split()[0]) == (0, "PASS"), done.out
    assert bankable("audit", files / "a.json", files / "b.json").code == 10
    assert bankable("audit", files / "b.json", files / "a.json").code == 24, "one launch a side decides nothing"
    for words in (
        (files / "a.json",),
        (files / "a.json", "none.json"),
        (files / "a.json", files / "b.json", "--scope=x"),
    ):
        done = bankable("audit", *words)
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1), done


def test_three_ways_to_print_one_verdict(bankable: Bankable, files: Path) -> None:
    words = ("audit", files / "a.json", files / "b.json")
    verdict = audit_pair(files / "a.json", files / "b.json")
    assert bankable(*words, "--json").out.encode() == verdict.to_bytes()
    assert bankable(*words, "--markdown").out.startswith("### FLAG: pair `patch`")
    assert bankable(*words).out.startswith("FLAG  pair patch")
    assert bankable(*words, "--json", "--markdown").code == 2


def test_the_auditor_stays_light(files: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from bankable.graph.cli import app\n"
        "from bankable.nodes.auditor.pair import audit_pair\n"
        "audit_pair(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, files / "a.json", files / "b.json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_without_an_alarm_clock(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows has no SIGALRM: the budget is kept otherwise, and the bytes are the same."""
    import signal

    before = audit_pair(files / "a.json", files / "b.json").to_bytes()
    for name in ("SIGALRM", "ITIMER_REAL", "setitimer"):
        monkeypatch.delattr(signal, name)
    assert audit_pair(files / "a.json", files / "b.json").to_bytes() == before


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_schemas_are_published(name: str) -> None:
    found = json.loads(json_schema(name))
    assert found["$schema"].startswith("https://json-schema.org/")
    assert found["type"] == "object"


def test_the_verdicts_schema_names_what_a_verdict_has(bankable: Bankable, files: Path) -> None:
    found = json.loads(bankable("schema", "verdict").out)
    verdict = json.loads(audit_pair(files / "a.json", files / "b.json").to_bytes())
    assert set(verdict) == set(found["properties"]) == set(Verdict.model_fields)
    assert set(found["required"]) <= set(verdict)
    assert bankable("schema", "nothing").code == 2
    with pytest.raises(UserError, match="Use one of verdict"):
        json_schema("nothing")
