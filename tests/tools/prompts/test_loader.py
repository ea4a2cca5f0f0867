"""Every role's prompt is complete, and a placeholder that nobody fills in is noticed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bankable.nodes.auditor.judge.opinion import Accusation, Opinion, Quote
from bankable.tools.errors import UserError
from bankable.tools.prompts.loader import HOME, PLACEHOLDERS, SCHEMAS, SECTIONS, load_prompt
from bankable.tools.skills.front_matter import ROLES


@pytest.mark.parametrize("role", ROLES)
def test_every_role_has_a_complete_prompt(role: str) -> None:
    found = load_prompt(role)
    filled = found.fill(**{name: f"<{name}>" for name in PLACEHOLDERS[role]})
    assert "{{" not in filled
    assert all(f"<{name}>" in filled for name in PLACEHOLDERS[role])
    assert all(f"## {section}\n" in found.text for section in SECTIONS)


def test_no_file_is_without_a_role() -> None:
    assert {path.stem for path in HOME.glob("*.md")} == {*ROLES, "README"}
    assert SCHEMAS.keys() == PLACEHOLDERS.keys() == set(ROLES)


def test_the_judges_prompt_names_the_shape_that_is_bound() -> None:
    text = load_prompt("judge").text.split("## Output")[1]
    assert SCHEMAS["judge"] == Opinion.__name__
    fields = [*Opinion.model_fields, *Accusation.model_fields, *Quote.model_fields]
    assert [name for name in fields if f"`{name}`" not in text] == []


def test_what_is_filled_in_is_not_read_again() -> None:
    filled = load_prompt("judge").fill(scope="{{ skill }}", skill="secret")
    assert "The scope is **{{ skill }}**." in filled
    assert filled.count("secret") == 1


def test_values_are_those_that_the_prompt_has() -> None:
    with pytest.raises(ValueError, match="judge needs scope, skill"):
        load_prompt("judge").fill(scope="patch")
    with pytest.raises(ValueError, match="judge needs"):
        load_prompt("judge").fill(scope="patch", skill="x", verdict="PASS")


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("{{ skill }}", "{{ skills }}", "a placeholder that nobody fills in, or that is not used: skill, skills"),
        ("{{ skill }}", "", "not used: skill"),
        ("{{ skill }}", "{{ skill }} {{ more }}", "not used: more"),
        ("{{ skill }}", "{{ skill }} {{More}}", "malformed"),
        ("## Inputs", "## Things", "the sections are"),
        ("The verdict is authoritative.", "The verdict is a hint.", "its discipline says"),
        ("One `Opinion`", "One `Verdict`", "its output names Opinion"),
    ],
)
def test_a_prompt_that_is_not_complete_is_one_line(before: str, after: str, why: str, tmp_path: Path) -> None:
    text = (HOME / "judge.md").read_text()
    assert before in text
    (tmp_path / "judge.md").write_text(text.replace(before, after))
    with pytest.raises(UserError, match=why) as caught:
        load_prompt("judge", tmp_path)
    assert "\n" not in str(caught.value)


def test_roles_without_a_prompt(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no readable file"):
        load_prompt("judge", tmp_path)
    with pytest.raises(UserError, match="no role called"):
        load_prompt("../../etc/passwd")
    shutil.copy(HOME / "judge.md", tmp_path / "judge.md")
    assert load_prompt("judge", tmp_path).sha256 == load_prompt("judge").sha256
