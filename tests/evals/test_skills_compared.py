"""A change of a skill, measured: the same twice is not decidable, one without a scope is worse."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bankable.evals.fixtures.keys import read_keys
from bankable.evals.main import app
from bankable.evals.runner.results import read_results
from bankable.nodes.auditor.verdict import Word
from bankable.tools.evidence.canonical import digest
from bankable.tools.llm.scripted_endpoint import ScriptedEndpoint
from bankable.tools.skills.loader import HOME
from tests.evals.reader import reads

SHIPPED = HOME / "patch_auditor" / "SKILL.md"
IN_PATCHES = (
    "a02-overlay-schedules",
    "a02-overlay-sets-environment",
    "a02-overlay-from-a-string",
    "a01-serving-lever-as-kernel",
    "a02-precision-as-kernel",
    "public-a01-speculative-decoding",
    "q10-model-as-the-lever",
    "q01-gibberish-reference",
    "q07-repeating",
    "public-q01-gibberish",
)
"""Frauds of scope patch that a reader can see."""
ELSEWHERE = ("q01-gibberish-baseline", "h11-unfused-reference")
HONEST = ("plain-gain", "q01-short-coherent-texts", "e01-operator-in-every-worker")


def _skill(folder: Path, change: str = "") -> Path:
    """A skill folder to try: the shipped text, changed."""
    folder.mkdir()
    (folder / "SKILL.md").write_text(change or SHIPPED.read_text() + "\nA word more.\n", encoding="utf-8")
    return folder


def _without(scope: str, *, heading: bool) -> str:
    """The shipped skill without what it says about a scope; with ``heading`` even without its name."""
    section = re.compile(rf"(## Scope: {scope}\n).*?(?=\n## Scope: |\Z)", re.DOTALL)
    text, count = section.subn("" if heading else r"\1", SHIPPED.read_text())
    assert count == 1
    return text


def _run(out: Path, served: ScriptedEndpoint, skill: Path | None, fixtures: tuple[str, ...]) -> str:
    words = [word for name in fixtures for word in ("--only", name)]
    words += [] if skill is None else ["--skill", str(skill)]
    options = ["--auditor", "judge", "--llm", "m", "--llm-base-url", served.url, "--jobs", "1", "--no-cache"]
    done = CliRunner().invoke(app, ["run", "--out", str(out), *options, *words])
    assert isinstance(done.exception, SystemExit | None), done.exception
    return done.output


def _compared(a: Path, b: Path) -> str:
    done = CliRunner().invoke(app, ["compare", str(a), str(b)])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.long
def test_the_same_twice_is_not_decidable_and_without_a_scope_it_is_worse(tmp_path: Path) -> None:
    fixtures = (*IN_PATCHES, *ELSEWHERE, *HONEST)
    whole = _skill(tmp_path / "whole")
    silent = _skill(tmp_path / "silent", _without("patch", heading=False))
    with ScriptedEndpoint(reads) as served:
        first = _run(tmp_path / "a", served, whole, fixtures)
        _run(tmp_path / "again", served, whole, fixtures)
        _run(tmp_path / "b", served, silent, fixtures)
        assert len(served.requests) == 3 * 3 * len(fixtures)
    assert "frauds signed off    0 of 12" in first
    assert "honest ones accused  0 of 3" in first
    same = _compared(tmp_path / "a", tmp_path / "again")
    assert same.startswith("not decidable with these 15 fixtures (McNemar's exact p = 1): no fixture flipped")
    worse = _compared(tmp_path / "a", tmp_path / "b")
    assert worse.startswith("B is worse: -66.7% of 15 fixtures as keyed, McNemar's exact p = 0.00195"), worse
    assert sorted(re.findall(r"^worse   ([\w-]+):", worse, re.MULTILINE)) == sorted(IN_PATCHES)
    assert _compared(tmp_path / "b", tmp_path / "a").startswith("B is better: +66.7% of 15 fixtures")


@pytest.mark.long
def test_a_skill_without_the_scope_at_all_judges_nothing_of_it(tmp_path: Path) -> None:
    fixtures = (IN_PATCHES[0], ELSEWHERE[0])
    gone = _skill(tmp_path / "gone", _without("patch", heading=True))
    with ScriptedEndpoint(reads) as served:
        said = _run(tmp_path / "a", served, gone, fixtures)
        assert len(served.requests) == 3
    found = {result.fixture: result for result in read_results(tmp_path / "a")}
    assert (found[IN_PATCHES[0]].word, found[IN_PATCHES[0]].degraded) == (Word.PASS, ("judge",))
    assert found[ELSEWHERE[0]].word is Word.FAIL
    assert f"WRONG  {IN_PATCHES[0]}: degraded: judge" in said


def test_what_another_skill_is_asked_differs_in_the_skill_alone(tmp_path: Path) -> None:
    """Nothing else depends on whether the skill is the judge's own."""
    with ScriptedEndpoint(reads) as served:
        _run(tmp_path / "own", served, None, IN_PATCHES[:1])
        _run(tmp_path / "other", served, _skill(tmp_path / "whole"), ELSEWHERE[:1] + IN_PATCHES[:1])
        own, other = served.requests[0], served.requests[-1]
    bodies = [dict(entry.body) for entry in (own, other)]
    systems = [body.pop("messages")[0]["content"] for body in bodies]
    assert bodies[0] == bodies[1]
    assert own.user == other.user
    assert systems[0] == systems[1]  # the word more stands at the end, in another scope's section


@pytest.mark.long
def test_the_skill_is_part_of_where_a_result_comes_from(tmp_path: Path) -> None:
    one, other = _skill(tmp_path / "one"), _skill(tmp_path / "other", SHIPPED.read_text() + "\nAnother word.\n")
    same = _skill(tmp_path / "same", SHIPPED.read_text())
    cache = ["--cache", str(tmp_path / "cache")]
    labels, skills = [], []
    with ScriptedEndpoint(reads) as served:
        for number, skill in enumerate((one, other, one)):
            out = tmp_path / f"out-{number}"
            words = ["--auditor", "judge", "--llm", "m", "--llm-base-url", served.url, "--only", ELSEWHERE[0]]
            done = CliRunner().invoke(
                app, ["run", "--out", str(out), *words, "--skill", str(skill), "--jobs", "1", *cache]
            )
            assert done.exit_code == 0, done.output
            (found,) = read_results(out)
            assert found.asked is not None
            labels.append(found.auditor)
            skills.append(found.asked.skill)
            assert found.cached is (number == 2)
        assert len(served.requests) == 6
        mixed = CliRunner().invoke(app, ["run", "--out", str(tmp_path / "out-0"), *words, "--skill", str(other)])
        assert "those in the file have other auditor" in str(mixed.exception)
    assert labels[0] == labels[2] != labels[1]
    assert skills[:2] == [digest((entry / "SKILL.md").read_bytes()) for entry in (one, other)]

    from bankable.evals.runner.auditor import Auditor
    from bankable.evals.runner.judged import set_up_judges

    (plain,) = set_up_judges(Auditor.JUDGE, ["m"], "http://127.0.0.1:9/v1", 3)
    (copied,) = set_up_judges(Auditor.JUDGE, ["m"], "http://127.0.0.1:9/v1", 3, skill_path=same)
    assert plain.label == copied.label
    assert copied.orders.skill is None


@pytest.mark.parametrize("name", [*IN_PATCHES, *ELSEWHERE, *HONEST])
def test_these_fixtures_are_what_they_are_taken_for(name: str) -> None:
    assert read_keys()[name].kind == ("honest" if name in HONEST else "fraud")
