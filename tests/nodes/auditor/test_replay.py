"""Same evidence, same bytes; otherwise the first file that changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bankable.nodes.auditor import replay
from bankable.nodes.auditor.replay import verify
from bankable.nodes.auditor.ruleset import ruleset_digest
from bankable.tools.errors import UserError
from bankable.tools.evidence.request import Scope
from tests.nodes.auditor.builders import edit, judge, legs


@pytest.fixture
def audited(run: Path) -> Path:
    audits: list[tuple[Scope, str]] = [("baseline", "control"), ("patch", "patch-stream_interval")]
    for scope, subject in audits:
        folder = run / f"audits/{scope}-{subject}-1"
        folder.mkdir(parents=True)
        (folder / "verdict.json").write_bytes(judge(run, scope, subject).to_bytes())
    return run


def test_untouched_evidence_gives_the_same_bytes(audited: Path) -> None:
    report = verify(audited)
    assert report.ok
    assert [audit.status for audit in report.audits] == ["same", "same"]


def test_files_that_no_audit_saw_do_not_matter(audited: Path) -> None:
    (audited / "comparisons/control/notes.txt").write_text("hello")
    assert verify(audited).ok


def test_the_first_changed_file_is_named(audited: Path) -> None:
    edit(legs(audited)[2] / "leg.json", lambda record: record.update(host="elsewhere"))
    found = {audit.audit: (audit.status, audit.detail) for audit in verify(audited).audits}
    assert found["baseline-control-1"] == ("same", "")
    assert found["patch-patch-stream_interval-1"] == (
        "evidence_changed",
        "comparison/legs/b01-candidate/leg.json changed",
    )


def test_missing_evidence_is_named(audited: Path) -> None:
    (legs(audited, "control")[0] / "server.log").unlink()
    assert "server.log missing" in verify(audited).audits[0].detail


def test_an_edited_verdict_is_noticed(audited: Path) -> None:
    path = audited / "audits/patch-patch-stream_interval-1/verdict.json"
    path.write_bytes(path.read_bytes().replace(b'"counts_as_kernel_win":false', b'"counts_as_kernel_win":true'))
    assert [audit.status for audit in verify(audited).audits] == ["same", "verdict_changed"]


def test_other_rules_are_said_so(audited: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "ruleset_digest", lambda: "0" * 64)
    report = verify(audited)
    assert {audit.status for audit in report.audits} == {"other_rules"}
    (line,) = report.problems()
    assert line.startswith("2 verdicts: other_rules: evidence unchanged, written by a version with rules ")
    assert f"{ruleset_digest()[:12]}, this one has {'0' * 12};" in line


def test_rubbish_is_unreadable_not_fatal(audited: Path) -> None:
    (audited / "audits/baseline-control-1/verdict.json").write_text("{}")
    assert verify(audited).audits[0].status == "unreadable"


def test_a_folder_without_verdicts_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no verdicts"):
        verify(tmp_path)
