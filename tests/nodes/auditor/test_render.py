"""Verdicts for people."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bankable.nodes.auditor.render import render_markdown, render_text
from tests.nodes.auditor.builders import edit, judge, legs


def test_a_pass_is_short(run: Path) -> None:
    shown = render_text(judge(run))
    assert shown.startswith("PASS  patch patch-stream_interval, attempt 1  →  pass\n")
    assert "output_throughput" in shown
    assert "FAIL" not in shown


def test_a_finding_shows_place_and_advice(run: Path) -> None:
    edit(legs(run)[0] / "leg.json", lambda record: record.update(host="other"))
    shown = render_text(judge(run))
    assert "FAIL same_launch [C16]" in shown
    assert "comparison/legs/b00-reference/leg.json" in shown or "b00-candidate/leg.json" in shown
    assert "to do:" in shown


def test_markdown_cannot_be_broken_out_of(run: Path) -> None:
    for leg in legs(run, side="candidate"):
        edit(leg / "leg.json", lambda record: record.update(host="a|b <img src=x> @all"))
    shown = render_markdown(judge(run))
    row = next(line for line in shown.splitlines() if "img" in line)
    assert "<img" not in row
    assert "a\\|b" in row
    assert "@all" not in row
    assert row.replace("\\|", "").count("|") == 7


def test_everything_shows_notes_and_infos(run: Path) -> None:
    assert len(render_text(judge(run), everything=True)) > len(render_text(judge(run)))


@pytest.mark.parametrize(
    ("evil", "must_not"),
    [
        ("[click](http://x.y/z)", r"(?<!\\)\[click(?<!\\)\]"),
        ("![pixel](http://x.y/p.png)", r"(?<!\\)!\[|(?<!\\)!(?<!\\)\["),
        ("see https://x.y and www.x.y", r"https://|www\.x"),
        ("`code` and ``", r"(?<!\\)`(?=code)"),
        ("**bold** _it_ ~~gone~~ $m$", r"(?<!\\)[*_~$]"),
        ("<details open>&lt;b&gt;", r"<details|&lt;b"),
        ("#1 and owner/repo#2", r"(?<!\\)#\d"),
        ("a\\|b", r"(?<!\\)\|b|(?<!\\)(\\\\)+\|b"),
        ("\u202eesrever\u202c \x1b[31mred", "[\u202e\u202c\x1b]"),
    ],
)
def test_text_from_evidence_stays_text(run: Path, evil: str, must_not: str) -> None:
    for leg in legs(run, side="candidate"):
        edit(leg / "leg.json", lambda record: record.update(host=evil))
    shown = render_markdown(judge(run))
    row = next(line for line in shown.splitlines() if "C16" in line)
    cell = next(part for part in row.split(" | ") if "host" in part.lower() or part)  # the row is one line
    assert cell
    observed = row.split("`same_launch`", 1)[1]
    assert re.search(must_not, observed) is None, observed


def test_a_terminal_gets_no_control_characters(run: Path) -> None:
    for leg in legs(run, side="candidate"):
        edit(leg / "leg.json", lambda record: record.update(host="\x1b[2J\x07evil"))
    shown = render_text(judge(run), everything=True)
    assert "evil" in shown
    assert "\x1b" not in shown
    assert "\x07" not in shown
