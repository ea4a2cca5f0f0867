"""A load ladder on the page: a plot without a script, a table, and hostile names as text."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from bankable.evals.fixtures.build.files import edit, read
from bankable.evals.fixtures.build.ladder import FASTER, LADDER, LadderRecipe, ladder_run
from bankable.tools.report import collect, render
from bankable.tools.report.frontier_plot import frontier_plot


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ladder_run(tmp_path_factory.mktemp("run") / "r", LadderRecipe())


def test_every_point_is_drawn_with_its_figures(run: Path) -> None:
    frontier = collect(run).frontier
    assert frontier is not None
    picture = ElementTree.fromstring(frontier_plot(frontier))
    titles = [title.text or "" for title in picture.iter("title")]
    assert len(titles) == len(frontier.points) == 9
    point = next(point for point in frontier.points if (point.contender, point.load) == (FASTER, "c4"))
    shown = next(title for title in titles if title.startswith(f"{FASTER} at c4"))
    assert f"{point.throughput:,.0f}".replace(",", "") in shown.replace(",", "")
    assert shown.endswith("on the frontier")
    assert sum("dominated by" in title for title in titles) == sum(
        bool(point.dominated_by) for point in frontier.points
    )


def test_the_ladder_is_no_comparison_of_two_sides(run: Path) -> None:
    assert [comparison.name for comparison in collect(run).comparisons] == ["control"]


def test_the_page_names_a_configuration_for_each_load(run: Path) -> None:
    page = render(collect(run))
    assert "Frontier over loads" in page
    assert "launch.sh --point LOAD" in page
    assert page.count('type="checkbox"') == 3
    assert "<script" not in page


def test_hostile_names_are_text(run: Path, tmp_path: Path) -> None:
    claim = run / "comparisons" / LADDER / "claim.json"
    stored = claim.read_bytes()
    try:
        edit(claim, lambda document: document["points"][0].update(contender="<script>alert(1)</script>"))
        assert "<script" not in render(collect(run))
        edit(claim, lambda document: document.update(points="nothing"))
        report = collect(run)
        assert report.frontier is None
        assert any("load ladder" in gap for gap in report.gaps)
    finally:
        claim.write_bytes(stored)
    assert read(claim)["points"]
