"""The page: opens offline, tells the truth, survives hostile text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bankable.tools.profiling.aggregate import aggregate
from bankable.tools.report import collect, render, summary
from tests.tools.report.runs import FINDING, NOTES, OUTCOME, TRACE, finished_run, leg, put, trial, verdict

EVIL = "</style></title><script>alert(1)</script><img src=x onerror=alert(2)>\" onload='x' {{ 7*7 }} & \u202egnp.exe"
VOID = {"meta", "br", "img", "link", "input", "hr"}


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def _parse(page: str) -> _Tags:
    tags = _Tags()
    tags.feed(page)
    tags.close()
    assert tags.open == [], "every element is closed"
    return tags


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return render(collect(finished_run(tmp_path_factory.mktemp("run") / "r")))


def test_the_page_is_one_file_without_script_or_request(page: str) -> None:
    tags = _parse(page)
    assert not {tag for tag, _ in tags.seen} & {"script", "link", "iframe", "object", "embed", "base", "form", "img"}
    names = {name for _, attributes in tags.seen for name in attributes}
    assert not names & {"src", "href", "srcset", "action", "data"}
    assert not any(name.startswith("on") for name in names)
    assert not re.search(r"url\(|@import|https?:", page)
    assert "default-src 'none'" in page
    assert len(page.encode()) < 400_000


def test_the_page_says_what_the_run_says(page: str) -> None:
    text = _parse(page).text
    for wanted in (
        "verified gain",
        "Streaming every eighth token",
        "+14.2 %",
        "+11.8 % … +16.6 %",
        "stream_interval=8",
        "median ITL 21.4 → 171.0 ms",
        "legs/b00-candidate/bench_runs.jsonl:2",
        "accuracy_paired did not finish",
        "missing: clocks of the device",
        "fused_add_rms_norm",
        "aten::mm",
        "out_of_memory",
        "python -m graph verify",
        "seeds 0, 1, 2, 3",
        "0.5.23",
        "not proven",
    ):
        assert wanted in text, wanted
    assert "The simple rule agrees" not in text
    assert "This run proved no gain" not in text


def test_headline_verdicts_and_plots_come_before_everything_else(page: str) -> None:
    text = _parse(page).text
    order = [
        text.index(part)
        for part in (
            "Streaming every eighth token",
            "Chain of verdicts",
            "latency_regression: median ITL 21.4",
            "Measurements",
            "Every timed round",
            "Decisions",
            "Findings of the auditor",
            "What was not judged",
            "Where the time goes",
        )
    ]
    assert order == sorted(order)


def test_the_comparison_that_decides_is_open_and_the_others_are_folded_away(page: str) -> None:
    measurements = page[page.index("<h2>Measurements") : page.index("<h2>Decisions")]
    assert re.findall(r"<h3>(.*?)</h3>", measurements) == ["bundle"]
    folded = re.findall(r'<details class="card"><summary><b>(.*?)</b>', measurements)
    assert folded == ["patch-stream_interval", "control"]


def test_findings_that_only_inform_are_folded_away(tmp_path: Path) -> None:
    informs = {**FINDING, "rule": "clocks", "severity": "INFO", "observed": "2600 MHz on both sides"}
    fails = {**FINDING, "rule": "same_launch", "severity": "FAIL", "observed": "another model"}
    verdict(tmp_path, "patch", "p", "FAIL", "eject", findings=[informs, FINDING, fails], notes=NOTES)
    report = collect(tmp_path)
    (view,) = report.verdicts
    assert [finding.rule for finding in view.deciding] == ["same_launch", "latency_regression"]
    assert [finding.rule for finding in view.informing] == ["clocks"]
    page = render(report)
    shown = re.sub(r"<details[ >].*?</details>", "", page, flags=re.DOTALL)
    for stays in (
        "<b>same_launch</b>",
        "<b>latency_regression</b>",
        "same_launch: another model <span",  # the chain of verdicts names the worst finding
        "and 1 more",
        "missing: clocks of the device",
    ):
        assert stays in shown
    for folded in ("2600 MHz on both sides", "No kernel was replaced."):
        assert folded in page
        assert folded not in shown


def test_every_drawing_is_well_formed_and_holds_every_round(page: str) -> None:
    drawings = [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL)]
    assert len(drawings) == 1 + 3 * 3
    rounds = [d for d in drawings if d.attrib["aria-label"].startswith("Every timed round of bundle")]
    dots = [c for c in rounds[0].iter("circle") if c.attrib["class"].startswith("dot ")]
    assert len(dots) == 7 * 2 * 4
    for drawing in drawings:
        width, height = (float(v) for v in drawing.attrib["viewBox"].split()[2:])
        for dot in drawing.iter("circle"):
            assert 0 <= float(dot.attrib["cx"]) <= width
            assert 0 <= float(dot.attrib["cy"]) <= height


def test_the_same_run_gives_the_same_bytes(page: str, tmp_path: Path) -> None:
    assert render(collect(finished_run(tmp_path / "r"))) == page


def test_without_proof_the_page_says_no_verified_gain(tmp_path: Path) -> None:
    nothing = {"verdict": "no verified gain", "headline": "no gain was proven within the budget", "delta": None}
    put(tmp_path / "outcome.json", {**nothing, "interval": None, "accepted": [], "decisions": []})
    report = collect(tmp_path)
    text = _parse(render(report)).text
    for wanted in ("no verified gain", "This run proved no gain", "No verdict was found", "No profile is on record"):
        assert wanted in text
    assert "nan" not in text.lower().split()
    assert "This run proved no gain" in summary(report)
    assert "nothing has been audited" in summary(report)


def test_an_unaudited_gain_is_not_called_verified(tmp_path: Path) -> None:
    put(tmp_path / "outcome.json", {**OUTCOME, "verdict": "measured gain, not audited"})
    text = _parse(render(collect(tmp_path))).text
    assert "measured gain, not audited" in text
    assert "no auditor has judged it" in text
    assert "not part of a verified result" in text


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    put(tmp_path / "run.json", {"run_id": EVIL, "config": {"model": EVIL, EVIL: EVIL}})
    decision = {"subject": EVIL, "decision": EVIL, "reason": EVIL}
    accepted = [{"name": EVIL, "flags": {EVIL: EVIL}}]
    put(
        tmp_path / "outcome.json",
        {"verdict": EVIL, "headline": EVIL, "accepted": accepted, "decisions": [decision]},
    )
    finding = dict.fromkeys(("rule", "severity", "expected", "observed", "action", "advice"), EVIL)
    note = {"rule": EVIL, "kind": EVIL, "text": EVIL}
    verdict(tmp_path, "patch", "p", EVIL, EVIL, findings=[{**finding, "evidence": [EVIL]}], notes=[note])
    folder = tmp_path / "comparisons" / "x&<script>"
    place = leg(folder, 0, "reference", [1.0, 2.0])
    (place / "leg.json").write_text((place / "leg.json").read_text().replace("bench-1", "<script>evil</script>"))
    put(folder / "plan.json", {"metric": "output_throughput", "kind": EVIL, "blocks": [{"order": [EVIL]}]})
    put(folder / "claim.json", {"headline": EVIL, "decision": EVIL, "lever": {"flags": {EVIL: EVIL}}})
    (tmp_path / "search").mkdir()
    put(tmp_path / "search" / "trials.jsonl", trial(1, {EVIL: EVIL}, 0.1))
    profile = aggregate([TRACE])
    evil_op = profile.ops[0].model_copy(update={"op": EVIL})
    put(tmp_path / "profile" / "profile.json", profile.model_copy(update={"ops": (evil_op,)}).model_dump(mode="json"))
    page = render(collect(tmp_path))
    tags = _parse(page)
    assert not {tag for tag, _ in tags.seen} & {"script", "img"}
    assert not {name for _, attributes in tags.seen for name in attributes} & {"onload", "onerror", "src"}
    assert "{{ 7*7 }}" in tags.text
    assert "\u202e" not in page
    assert "<script" not in page
    for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        ElementTree.fromstring(svg)


def test_markdown_of_hostile_text_is_inert(tmp_path: Path) -> None:
    put(tmp_path / "outcome.json", {"verdict": "x", "headline": "[a](b) `c` <b>\n# d"})
    assert "\\[a\\](b) \\`c\\` \\<b\\> \\# d" in summary(collect(tmp_path))
