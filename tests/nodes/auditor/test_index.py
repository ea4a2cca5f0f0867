"""The index lists every rule with what it needs and gives, and every mode that is open."""

from __future__ import annotations

import orjson
from typer.testing import CliRunner

from bankable.graph.cli import app
from bankable.nodes.auditor.index import build_index, render_markdown, render_text
from bankable.nodes.auditor.modes import MODES
from bankable.nodes.auditor.needs import NEEDS
from bankable.nodes.auditor.rule import GAINS, NotApplicable, Rule
from bankable.nodes.auditor.rules import RULES
from bankable.nodes.auditor.verdict import Severity

LESS = [rule for rule in RULES if rule.id != "amdahl_ceiling"]


def test_every_rule_says_what_it_proves_in_one_sentence() -> None:
    for entry in build_index().rules:
        assert 20 < len(entry.summary) < 130, entry
        assert "\n" not in entry.summary
        assert not entry.summary.endswith((".", ":")), entry.summary
        assert "(" not in entry.summary or ")" in entry.summary, entry.summary


def test_entries_hold_what_the_rules_hold() -> None:
    found = {entry.id: entry for entry in build_index().rules}
    assert list(found) == [rule.id for rule in RULES]
    real = found["real_delta"]
    assert (real.scopes, real.gate, real.missing) == (("bundle", "patch"), True, "FAIL")
    assert set(real.needs) <= NEEDS.keys()
    assert found["profile_route"].gives == ("FLAG",)


def test_a_mode_without_a_rule_is_listed_with_its_record() -> None:
    open_modes = {entry.id: entry.record for entry in build_index(LESS).open}
    (known,) = [mode for mode in MODES if mode.id == "D08"]
    assert open_modes["D08"] == known.record
    assert "D08" not in {item.id for item in build_index().open}
    assert f"open: D08 {known.title}; would be decided by {known.record}" in render_text(build_index(LESS))
    assert "| D08 | gain above what the operator could give | nothing yet; needs " in render_markdown(build_index(LESS))


def test_a_rule_without_a_docstring_shows_its_id() -> None:
    rule = Rule("bare", GAINS, ("D01",), (), lambda _: [NotApplicable("x")], gives=(Severity.FLAG,))
    assert build_index([rule]).rules[0].summary  # the test module's own first line stands in


def test_the_command_prints_text_json_and_markdown() -> None:
    plain = CliRunner().invoke(app, ["rules"])
    assert plain.exit_code == 0
    assert f"{len(RULES)} rules decide" in plain.stdout
    table = CliRunner().invoke(app, ["rules", "--markdown"]).stdout
    assert table.count("\n| `") == len(RULES)
    assert all(f"| {entry.id} | {entry.title} |" in table for entry in MODES)
    found = orjson.loads(CliRunner().invoke(app, ["rules", "--json"]).stdout)
    assert [item["id"] for item in found["rules"]] == [rule.id for rule in RULES]
