"""A whole replayed run with a scripted judge, asked over real HTTP by the judge's own process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from bankable.graph.judging import with_judge
from bankable.graph.scripted.answers import Answer, ScriptedRoles, accuses
from bankable.graph.session import read_stored_config, session
from bankable.nodes.auditor.verdict import Verdict
from bankable.tools.errors import UserError
from bankable.tools.llm.ledger import CALLS, read_ledger
from bankable.tools.llm.outcome import Kind
from bankable.tools.llm.scripted_endpoint import ChatRequest, ScriptedEndpoint, completion, refusal
from tests.graph.conftest import BANKED, ROOT, Bankable, Done

TRAP = ROOT / "evals" / "recorded" / "cpu-trap.tar.xz"


def judged(
    bankable: Bankable, out: Path, judge: Answer, *words: object, recording: Path = BANKED
) -> tuple[Done, ScriptedRoles]:
    """A run whose judge answers so; the tuner has nothing to say."""
    cast = ScriptedRoles(judge=judge)
    with ScriptedEndpoint(cast) as endpoint:
        options = ("--llm", "openai:scripted", "--llm-base-url", endpoint.url)
        done = bankable("run", "--replay", recording, "--out", out, *options, *words)
    assert done.code == 0, done.err
    return done, cast


def read(path: Path) -> Any:
    return orjson.loads(path.read_bytes())


def without_recorder(verdict: Any) -> Any:
    """A verdict without what tells two equal runs apart: the recorder's key, and what it signed when."""
    evidence = [entry for entry in verdict["evidence"] if not entry["file"].startswith(("recorder/", "request.json"))]
    findings = [finding for finding in verdict["findings"] if finding["rule"] != "signed_as_written"]
    request = {name: value for name, value in verdict["request"].items() if name != "recorder"}
    return {**verdict, "request": request, "evidence": evidence, "findings": findings}


@pytest.fixture(scope="module")
def fair(bankable: Bankable, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done, ScriptedRoles]:
    """A run with a judge that holds nothing against anything."""
    out = tmp_path_factory.mktemp("fair") / "run"
    return out, *judged(bankable, out, ScriptedRoles().judge, "--llm-price", "scripted=1,2")


@pytest.mark.long
def test_a_fair_judge_changes_no_outcome_and_no_verdict_of_the_code(
    banked: Path, fair: tuple[Path, Done, ScriptedRoles], bankable: Bankable
) -> None:
    run, _, _ = fair
    assert (run / "outcome.json").read_bytes() == (banked / "outcome.json").read_bytes()
    for name in ("baseline-control-1", "profile-profile-1"):
        one, other = (without_recorder(read(folder / "audits" / name / "verdict.json")) for folder in (run, banked))
        assert one == other
    for folder in (run, run / "bundle"):
        assert bankable("verify", folder).code == 0


def test_every_audit_is_judged_by_three_votes_and_told(fair: tuple[Path, Done, ScriptedRoles]) -> None:
    run, done, cast = fair
    audits = sorted(path.parent.name for path in (run / "audits").glob("*/verdict.json"))
    records = {path.parent.name: read(path) for path in (run / "audits").glob("*/judge.json")}
    assert sorted(records) == audits
    assert all([vote["outcome"] for vote in record["votes"]] == ["answered"] * 3 for record in records.values())
    assert len(cast.asked["Opinion"]) == 3 * len(audits)
    lines = [line for line in read_ledger(run / CALLS) if line.role == "judge"]
    assert len(lines) == 3 * len(audits)
    assert "An audit with the judge: 3.0 requests, 360 tokens, cost $0.0004." in done.out
    assert "An audit with the judge: 3.0 requests, 360 tokens, cost $0.0004." in (run / "report.html").read_text()


def test_a_judge_that_quotes_what_stands_there_withholds_the_gain(bankable: Bankable, tmp_path: Path) -> None:
    def strict(asked: ChatRequest) -> Any:
        return accuses(asked) if "patch" in asked.user.split("end>>>")[0] else ScriptedRoles().judge(asked)

    run = tmp_path / "run"
    judged(bankable, run, strict)
    outcome = read(run / "outcome.json")
    assert (outcome["verdict"], outcome["accepted"]) == ("no verified gain", [])
    assert {"ejected", "returned"} <= {decision["decision"] for decision in outcome["decisions"]}
    (folder,) = (run / "audits").glob("patch-*")
    assert read(folder / "verdict.json")["verdict"] == "FLAG"
    assert read(folder / "judge.json")["findings"][0]["severity"] == "FAIL"
    assert not (run / "bundle" / "manifest.json").read_bytes().count(b'"proven": true')
    assert bankable("verify", run).code == 0


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (lambda _: refusal(), Kind.REFUSED),
        (lambda _: completion('{"verdict": "FA'), Kind.MALFORMED),
    ],
    ids=["refusing", "malformed"],
)
@pytest.mark.long
def test_a_judge_that_does_not_judge_blocks_nothing(
    banked: Path, bankable: Bankable, tmp_path: Path, answer: Answer, kind: Kind
) -> None:
    run = tmp_path / "run"
    judged(bankable, run, answer, "--judge-votes", "1", "--llm-budget", "judge.calls=4")
    assert (run / "outcome.json").read_bytes() == (banked / "outcome.json").read_bytes()
    lines = [line for line in read_ledger(run / CALLS) if line.role == "judge"]
    assert [line.outcome for line in lines if line.attempt].count(kind) == 4
    assert all(read(path)["degraded"] for path in (run / "audits").glob("*/judge.json"))
    assert "judge did not finish" in (run / "report.html").read_text()


@pytest.mark.long
def test_an_invented_quote_weighs_nothing_and_is_counted(banked: Path, bankable: Bankable, tmp_path: Path) -> None:
    run = tmp_path / "run"
    judged(bankable, run, lambda asked: accuses(asked, invented=True))
    assert (run / "outcome.json").read_bytes() == (banked / "outcome.json").read_bytes()
    records = [read(path) for path in (run / "audits").glob("*/judge.json")]
    assert [sum(vote["invented"] for vote in record["votes"]) for record in records] == [3] * len(records)
    assert all(entry["findings"] == [] for entry in records)


@pytest.mark.long
def test_nobody_is_asked_about_a_fail(bankable: Bankable, tmp_path: Path) -> None:
    _, cast = judged(bankable, tmp_path / "run", ScriptedRoles().judge, recording=TRAP)
    verdicts = {path.parent: read(path)["verdict"] for path in (tmp_path / "run" / "audits").glob("*/verdict.json")}
    assert [folder.name for folder, word in verdicts.items() if word == "FAIL"]
    for folder, word in verdicts.items():
        assert (folder / "judge.json").exists() == (word != "FAIL")
    assert len(cast.asked["Opinion"]) == 3 * sum(word != "FAIL" for word in verdicts.values())


def test_a_judgement_that_is_there_is_used_and_not_asked_for_again(fair: tuple[Path, Done, ScriptedRoles]) -> None:
    run, _, cast = fair
    folder, before = run / "audits" / "baseline-control-1", len(cast.asked["Opinion"])
    stored = Verdict.model_validate_json((folder / "verdict.json").read_bytes())
    config = read_stored_config(run)
    assert config.llm is not None
    with session(config, run, resume=True) as context:
        found = with_judge(context, config.llm, run / "no sealed folder", stored, folder)
        assert (found.verdict, found.degraded) == (stored.verdict, stored.degraded)
        other = stored.model_copy(update={"evidence": stored.evidence[1:]})
        with pytest.raises(UserError, match="about other evidence"):
            with_judge(context, config.llm, run / "no sealed folder", other, folder)
    assert len(cast.asked["Opinion"]) == before
