"""What was signed when it was written is what is judged."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bankable.evals.fixtures.build.signed import Signing, chain_lines, sign_run, write_chain
from bankable.nodes.auditor.verdict import Finding, Severity, Verdict, Word
from tests.nodes.auditor.builders import edit, judge, legs, read, standard_run

RULE = "signed_as_written"
LEG_FILES = 24
"""Files of the first launches in the ledger's order: some launches are signed before a cut here, and some after it."""


@pytest.fixture(scope="module")
def signed_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sign_run(standard_run(tmp_path_factory.mktemp("signed") / "run"))


@pytest.fixture
def signed(signed_once: Path, tmp_path: Path) -> Path:
    """A signed run to spoil."""
    return Path(shutil.copytree(signed_once, tmp_path / "run"))


def said(verdict: Verdict) -> list[Finding]:
    return [finding for finding in verdict.findings if finding.rule == RULE]


def of(run: Path, scope: str = "patch") -> list[tuple[str, str]]:
    """Code and place of each finding of the rule."""
    verdict = judge(run, "baseline" if scope == "baseline" else "patch", enter=False)
    assert verdict.degraded == ()
    places = [finding.evidence[0] for finding in said(verdict)]
    codes = [finding.code for finding in said(verdict)]
    return [
        (code, place.file if place.line is None else f"{place.file}:{place.line}")
        for code, place in zip(codes, places, strict=True)
    ]


def test_evidence_without_a_recorder_says_so_and_passes(run: Path) -> None:
    verdict = judge(run)
    (only,) = said(verdict)
    assert (verdict.verdict, only.severity, only.code) == (Word.PASS, Severity.INFO, "unsigned")
    assert "recorder" not in verdict.request.model_dump()


def test_signed_evidence_passes_in_every_scope(signed: Path) -> None:
    assert of(signed) == [("signed", "recorder/chain.jsonl")]
    assert of(signed, "baseline") == [("signed", "recorder/chain.jsonl")]
    verdict = judge(signed, enter=False)
    assert verdict.verdict is Word.PASS
    assert verdict.request.recorder == len(chain_lines(signed))


def test_the_seeds_that_count_are_those_of_the_nonce(signed: Path) -> None:
    plan = read(signed / "comparisons/control/plan.json")
    (row, *_) = (leg for leg in legs(signed, "control"))
    assert plan["blocks"][0]["seeds"] == [0, 1, 2]
    assert b'"seed":0,' not in (row / "bench_runs.jsonl").read_bytes().split(b'"bankable"')[1]
    edit(signed / "comparisons/control/plan.json", lambda record: record.update(seed=7))
    assert ("file_edited", "control/plan.json") in of(signed)


def test_an_edited_file_is_located_where_it_lies_in_the_seal(signed: Path) -> None:
    edit(legs(signed)[3] / "leg.json", lambda record: record.update(pid=4711))
    assert of(signed) == [("file_edited", f"comparison/legs/{legs(signed)[3].name}/leg.json")]


def test_a_launch_from_before_the_second_recorder_is_a_flag(tmp_path: Path) -> None:
    run = sign_run(standard_run(tmp_path / "run"), Signing(killed_after=LEG_FILES, late_s=600.0))
    found = judge(run, "baseline", enter=False)
    assert {finding.code for finding in said(found)} >= {"signed_by_the_next"}
    assert found.verdict is Word.FLAG


def test_a_run_that_an_earlier_version_began_is_a_flag(tmp_path: Path) -> None:
    run = sign_run(standard_run(tmp_path / "run"), Signing(unsigned=LEG_FILES, draw=False))
    (finding,) = (entry for entry in said(judge(run, enter=False)) if entry.severity is Severity.FLAG)
    assert finding.code == "partly_unsigned"
    assert f"{LEG_FILES - 1} files are from before the first recorder" in finding.observed


def test_live_launches_of_a_replay_are_no_launches_of_it(tmp_path: Path) -> None:
    run = sign_run(standard_run(tmp_path / "run"), Signing(mode="replay"))
    assert {code for code, _ in of(run)} == {"mode_differs"}


@pytest.mark.parametrize(
    "line",
    [b"", b"{}", b"[]", b"\xff\xfe", b'{"kind":["file"]}', b'{"kind":"file","seq":1e400}', b"[" * 5000, b"0" * 9000],
    ids=["empty", "object", "list", "bytes", "kind", "number", "deep", "long"],
)
def test_a_strange_line_is_located_and_degrades_nothing(signed: Path, line: bytes) -> None:
    lines = chain_lines(signed)
    lines[9] = line + b"\n"
    write_chain(signed, lines)
    assert of(signed, "baseline")[0] == ("chain_line", "recorder/chain.jsonl:10")
