"""A record is asked for once."""

from __future__ import annotations

from pathlib import Path

import pytest

from bankable.nodes.auditor.judge.merge import merge
from bankable.nodes.auditor.judge.orders import Orders
from bankable.nodes.auditor.judge.stored import judge_once, read_record
from bankable.nodes.auditor.verdict import Finding, Severity, Word
from bankable.tools.errors import UserError
from bankable.tools.evidence.seal import Seal, seal
from bankable.tools.llm.scripted_endpoint import ScriptedEndpoint, refusal, says
from tests.nodes.auditor.builders import edit, enter_all
from tests.nodes.auditor.builders import judge as rules
from tests.nodes.auditor.judge.ballots import PASS, SUBJECT, judged, settings


def test_a_run_that_goes_on_does_not_ask_again(sealed: Seal, tmp_path: Path) -> None:
    file = tmp_path / "audits" / "patch-x-1" / "judge.json"
    with ScriptedEndpoint(says(PASS)) as served:
        orders = Orders(settings=settings(served))
        first = judge_once(file, sealed.folder, orders, environ={})
        assert len(served.requests) == 3
        written = file.read_bytes()
        assert judge_once(file, sealed.folder, orders, environ={}) == first
        assert len(served.requests) == 3
    assert file.read_bytes() == written == first.to_bytes()


def test_a_judge_that_did_not_answer_is_kept_too(sealed: Seal, tmp_path: Path) -> None:
    file = tmp_path / "judge.json"
    with ScriptedEndpoint(refusal()) as served:
        judge_once(file, sealed.folder, Orders(settings=settings(served)), environ={})
    assert read_record(file).degraded == "0 of 3 votes were answered (refused)"


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"schema_version": 1}'])
def test_what_is_no_record_is_one_line(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "judge.json"
    file.write_bytes(content)
    with pytest.raises(UserError, match="Cannot read the judge's record: invalid content"):
        read_record(file)


def test_files_that_are_not_there_or_not_files(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Cannot read the judge's record"):
        read_record(tmp_path / "judge.json")
    (tmp_path / "link.json").symlink_to("/dev/zero")
    with pytest.raises(UserError, match="Cannot read the judge's record"):
        read_record(tmp_path / "link.json")


def test_an_edited_record_raises_nothing(patch_run: Path, tmp_path: Path) -> None:
    """Whoever edits it can take the judge's own findings away, and no more than that."""
    leg = patch_run / f"comparisons/{SUBJECT}/legs/b01-candidate/leg.json"
    edit(leg, lambda entry: entry.update(host="elsewhere"))  # a fraud that code decides
    enter_all(patch_run)
    sealed = seal(patch_run, "patch", SUBJECT, 1, tmp_path / "sealed")
    found, _ = judged(sealed.folder, says(PASS))
    sealed.discard()
    flattery = Finding(
        rule="real_delta", severity=Severity.INFO, expected="e", observed="all is well", action="pass", advice="bank it"
    )
    file = tmp_path / "judge.json"
    file.write_bytes(found.model_copy(update={"findings": (flattery,)}).to_bytes())
    verdict = rules(patch_run, "patch", SUBJECT)
    merged = merge(verdict, read_record(file))
    assert (verdict.verdict, merged.verdict, merged.action) == (Word.FAIL, Word.FAIL, verdict.action)
