"""Verdicts for people."""

from __future__ import annotations

from pathlib import Path

from nodes.auditor.render import markdown, text
from tests.nodes.auditor.builders import edit, judge, legs


def test_a_pass_is_short(run: Path) -> None:
    shown = text(judge(run))
    assert shown.startswith("PASS  patch patch-stream_interval, attempt 1  →  pass\n")
    assert "output_throughput" in shown
    assert "FAIL" not in shown


def test_a_finding_shows_place_and_advice(run: Path) -> None:
    edit(legs(run)[0] / "leg.json", lambda record: record.update(host="other"))
    shown = text(judge(run))
    assert "FAIL same_launch [C16]" in shown
    assert "comparison/legs/b00-reference/leg.json" in shown or "b00-candidate/leg.json" in shown
    assert "to do:" in shown


def test_markdown_cannot_be_broken_out_of(run: Path) -> None:
    for leg in legs(run, side="candidate"):
        edit(leg / "leg.json", lambda record: record.update(host="a|b <img src=x> @all"))
    shown = markdown(judge(run))
    row = next(line for line in shown.splitlines() if "img" in line)
    assert "<img" not in row
    assert "a\\|b" in row
    assert "@all" not in row
    assert row.replace("\\|", "").count("|") == 7


def test_everything_shows_notes_and_infos(run: Path) -> None:
    assert len(text(judge(run), everything=True)) > len(text(judge(run)))
