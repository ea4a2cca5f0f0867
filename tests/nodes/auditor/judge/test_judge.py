"""The judge over real HTTP: honest votes, invented quotes, and every way not to answer."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bankable.nodes.auditor.judge import process as apart
from bankable.nodes.auditor.judge.ask import extract_scope
from bankable.nodes.auditor.judge.merge import merge
from bankable.nodes.auditor.judge.orders import Orders
from bankable.nodes.auditor.judge.process import run_judge
from bankable.nodes.auditor.judge.record import JudgeRecord
from bankable.nodes.auditor.replay import verify
from bankable.nodes.auditor.ruleset import ruleset_digest
from bankable.nodes.auditor.verdict import Action, Severity, Word
from bankable.tools.errors import UserError
from bankable.tools.evidence.seal import Seal
from bankable.tools.llm.ledger import read_ledger
from bankable.tools.llm.scripted_endpoint import (
    ChatReply,
    ChatRequest,
    ScriptedEndpoint,
    completion,
    error,
    page,
    refusal,
    says,
    tool_call,
)
from bankable.tools.llm.settings import Budget
from bankable.tools.skills.loader import skill
from tests.nodes.auditor.builders import judge as rules
from tests.nodes.auditor.judge.ballots import OVERLAY, PASS, SUBJECT, accuse, judged, quoting, settings

ROOT = Path(__file__).resolve().parents[4]
INVENTED = {"file": OVERLAY, "line": 1, "text": "os.environ['CHEAT'] = '1'"}


def test_three_votes_that_show_it_withhold(sealed: Seal) -> None:
    found, asked = judged(sealed.folder, quoting("RMSNorm.forward_native"))
    assert len(asked) == 3
    (finding,) = found.findings
    assert (finding.severity, finding.action, finding.code) == (Severity.FAIL, Action.EJECT, "claim_mismatch")
    assert [(entry.file, entry.line) for entry in finding.evidence] == [(OVERLAY, 8)]
    assert (found.verdict, found.degraded, found.invented) == (Word.FAIL, "", 0)


def test_what_the_rules_pass_the_judge_can_withhold(patch_run: Path, sealed: Seal) -> None:
    found, _ = judged(sealed.folder, quoting('"headline"'))
    verdict = rules(patch_run, "patch", SUBJECT)
    merged = merge(verdict, found)
    assert (verdict.verdict, merged.verdict, merged.action) == (Word.PASS, Word.FAIL, Action.EJECT)
    assert merged.findings[-1].rule == "judge"
    assert merged.headline.endswith("(withheld)")


def test_votes_without_an_objection_lower_nothing(sealed: Seal) -> None:
    found, _ = judged(sealed.folder, says(PASS))
    assert (found.verdict, found.findings, found.degraded) == (Word.PASS, (), "")
    assert [(vote.outcome, vote.verdict) for vote in found.votes] == [("answered", "PASS")] * 3


def test_invented_quotes_are_dropped_and_counted(sealed: Seal) -> None:
    found, _ = judged(sealed.folder, says(accuse(INVENTED)))
    assert (found.verdict, found.findings, found.invented) == (Word.PASS, (), 3)
    assert [(vote.accusations, vote.supported, vote.invented) for vote in found.votes] == [(1, 0, 1)] * 3


def test_a_quote_of_a_file_that_was_not_shown_is_invented(sealed: Seal) -> None:
    name = "comparison/legs/b00-candidate/host.jsonl"
    line = (sealed.folder / name).read_text().splitlines()[0]
    found, _ = judged(sealed.folder, says(accuse({"file": name, "line": 1, "text": line})))
    assert (found.verdict, found.invented) == (Word.PASS, 3)


def test_a_vote_that_says_fail_and_shows_nothing_has_no_effect(sealed: Seal) -> None:
    found, _ = judged(sealed.folder, says({"verdict": "FAIL", "findings": []}))
    assert found.verdict is Word.PASS


def test_one_vote_of_three_is_not_enough_and_two_flag(sealed: Seal) -> None:
    for accusing, word in ((1, Word.PASS), (2, Word.FLAG)):
        turn, lock = [0], threading.Lock()

        def script(asked: ChatRequest, turn: list[int] = turn, accusing: int = accusing) -> ChatReply:
            with lock:  # noqa: B023  # the lock of this round
                turn[0] += 1
                return quoting("RMSNorm.forward_native")(asked) if turn[0] <= accusing else says(PASS)

        found, _ = judged(sealed.folder, script)
        assert found.verdict is word


SILENT = {
    "refusal": (refusal(), "refused"),
    "empty": (completion(""), "empty"),
    "over-long": (completion("{", finish="length"), "too_long"),
    "malformed": (completion('{"verdict": "PASS"'), "malformed"),
    "wrong enum": (says({"verdict": "GREAT", "findings": []}), "malformed"),
    "a page": (page(), "malformed"),
    "a megabyte": (says({**PASS, "findings": "x" * (1 << 20)}), "too_long"),
    "500": (error(500), "server_error"),
    "429": (error(429), "rate_limited"),
    "cut": (ChatReply(body=says(PASS).body, cut_after=9), "cut"),
    "unknown tool": (tool_call("sign_off"), "malformed"),
}


@pytest.mark.parametrize("name", SILENT)
def test_a_judge_without_an_answer_is_degraded_and_blocks_nothing(name: str, sealed: Seal, patch_run: Path) -> None:
    reply, kind = SILENT[name]
    found, _ = judged(sealed.folder, reply)
    assert found.degraded == f"0 of 3 votes were answered ({kind})"
    assert [vote.outcome for vote in found.votes] == [kind] * 3
    verdict = rules(patch_run, "patch", SUBJECT)
    merged = merge(verdict, found)
    assert (merged.verdict, merged.action) == (verdict.verdict, verdict.action)
    assert merged.degraded == ("judge",)


def test_a_drip_is_degraded_in_time(sealed: Seal) -> None:
    with ScriptedEndpoint(ChatReply(body=says(PASS).body, drip_s=0.1)) as served:
        short = settings(served).limits.model_copy(update={"attempt_s": 1.0})
        orders = Orders(settings=settings(served).model_copy(update={"limits": short}), votes=1)
        found = run_judge(sealed.folder, orders, environ={})
    assert found.degraded == "0 of 1 votes were answered (timed_out)"


def test_two_answers_of_three_are_enough_to_flag_and_not_to_withhold(sealed: Seal) -> None:
    turn, lock = [0], threading.Lock()

    def script(asked: ChatRequest) -> ChatReply:
        with lock:
            turn[0] += 1
            return refusal() if turn[0] == 1 else quoting("RMSNorm.forward_native")(asked)

    found, _ = judged(sealed.folder, script)
    assert (found.verdict, found.degraded) == (Word.FLAG, "")


def test_a_budget_that_is_spent_is_degraded(sealed: Seal, tmp_path: Path) -> None:
    with ScriptedEndpoint(says(PASS)) as served:
        poor = settings(served).model_copy(update={"role_budgets": {"judge": Budget(calls=1)}})
        ledger = tmp_path / "calls.jsonl"
        found = run_judge(sealed.folder, Orders(settings=poor, ledger=str(ledger)), environ={})
        assert len(served.requests) == 1
    assert found.degraded == "1 of 3 votes were answered (over_budget)"
    assert sorted(line.outcome for line in read_ledger(ledger)) == ["answered", "over_budget", "over_budget"]


def test_a_process_of_its_own_says_the_same(sealed: Seal) -> None:
    script = quoting("RMSNorm.forward_native")
    within, _ = judged(sealed.folder, script)
    with ScriptedEndpoint(script) as served:
        found = run_judge(sealed.folder, Orders(settings=settings(served)), environ={})
    assert found.to_bytes() == within.to_bytes()
    assert JudgeRecord.model_validate_json(found.to_bytes()) == found


@pytest.mark.parametrize(
    ("start", "why"),
    [
        ("import os; os.abort()", "exit status -6"),
        ("import sys; sys.exit('?' * 999)", "exit status 1"),
        ("import sys; print('said ' * 999, file=sys.stderr); sys.exit(2)", ("said " * 60).strip()),
        ("print('{}')", "malformed output"),
        ("import time; time.sleep(60)", "timed out"),
    ],
)
def test_a_process_that_fails_is_degraded(
    start: str, why: str, sealed: Seal, patch_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "START", start)
    with ScriptedEndpoint(says(PASS)) as served:
        limits = settings(served).limits.model_copy(update={"call_s": 0.5})
        orders = Orders(settings=settings(served).model_copy(update={"limits": limits}))
        found = run_judge(sealed.folder, orders, environ={}, start_s=1.0)
    assert found.degraded == f"the judge's process: {why}"
    verdict = rules(patch_run, "patch", SUBJECT)
    assert merge(verdict, found).verdict is verdict.verdict


def test_a_missing_key_is_the_users_to_set(sealed: Seal) -> None:
    from bankable.tools.llm.settings import EndpointSettings, endpoint

    with pytest.raises(UserError, match="Set OPENAI_API_KEY"):
        run_judge(sealed.folder, Orders(settings=EndpointSettings(endpoint=endpoint("openai:gpt-x"))), environ={})


def test_a_record_beside_the_verdict_does_not_disturb_its_replay(patch_run: Path, sealed: Seal) -> None:
    audit = patch_run / f"audits/patch-{SUBJECT}-1"
    audit.mkdir(parents=True)
    verdict = rules(patch_run, "patch", SUBJECT)
    (audit / "verdict.json").write_bytes(verdict.to_bytes())
    found, _ = judged(sealed.folder, quoting("RMSNorm.forward_native"))
    (audit / "judge.json").write_bytes(found.to_bytes())
    found_again = {entry.audit: entry.status for entry in verify(patch_run).audits}
    assert found_again == {audit.name: "same", "harness-rms_norm-1": "same"}


def test_the_prompt_has_this_scope_and_no_other(sealed: Seal) -> None:
    _, asked = judged(sealed.folder, says(PASS))
    system = asked[0].system
    assert "The scope is **patch**." in system
    assert "Does it replace exactly the operator that the plan names?" in system
    assert "The reference measured against itself." not in system
    assert "{{" not in system
    with pytest.raises(UserError, match="Cannot judge scope nowhere"):
        extract_scope(skill("patch_auditor").body, "nowhere")


def test_a_folder_without_a_request_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="request"):
        judged(tmp_path, says(PASS))
    done = subprocess.run(
        [sys.executable, "-m", "bankable.nodes.auditor.judge"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage" in done.stderr


def test_the_rules_start_without_what_the_judge_needs() -> None:
    code = (
        "import sys; import bankable.nodes.auditor.__main__, bankable.nodes.auditor.pair, bankable.graph.cli\n"
        "import bankable.nodes.auditor.replay\n"
        "print(*sorted({m.split('.')[0] for m in sys.modules}))\n"
        "print(*(m for m in sys.modules if m.startswith('bankable.tools.llm')))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    for heavy in ("langchain_core", "langchain_openai", "openai", "httpx2", "yaml", "langsmith", "bankable.tools.llm"):
        assert heavy not in done.stdout.split()


def test_the_judge_is_no_part_of_the_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    from bankable.nodes.auditor import ruleset

    before = ruleset_digest()
    copy = tmp_path / "copy"
    for name in ("nodes/auditor", "tools", "kernels/operators"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "shipped"))
    monkeypatch.setattr(ruleset, "_ROOT", copy)
    monkeypatch.setattr(ruleset, "_APART", copy / "nodes/auditor/judge")
    digest = ruleset.ruleset_digest.__wrapped__
    assert digest() == before
    (copy / "nodes/auditor/judge/votes.py").write_text("")
    assert digest() == before
    (copy / "nodes/auditor/rule.py").write_text("")
    assert digest() != before
