"""The skills that are there: complete, in the index, and in step with what code knows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from bankable.evals.fixtures.cases import FIXTURES
from bankable.evals.fixtures.keys import read_keys
from bankable.kernels.operators import FAMILIES
from bankable.tools.errors import UserError
from bankable.tools.evidence.canonical import digest
from bankable.tools.levers import ALL_KNOBS, knob
from bankable.tools.skills.loader import HOME, load_skills, read_skill, skill, skills_for

SCOPES = ("baseline", "profile", "patch", "harness", "bundle")


def _names(*task: str | None) -> list[str]:
    role, operator, device, dtype = task
    assert role is not None
    return [entry.head.name for entry in skills_for(role, operator=operator, device=device, dtype=dtype)]


def test_every_file_is_in_the_index_and_every_entry_is_there() -> None:
    found = load_skills()
    files = {path for path in HOME.rglob("*.md") if path.name != "README.md"}
    assert len(found) == len(files)
    assert len({entry.sha256 for entry in found}) == len(found)


def test_a_role_gets_what_fits_its_task() -> None:
    assert _names("judge", None, None, None) == ["patch_auditor"]
    assert _names("config_tuner", None, "cpu", None) == ["levers", "levers_cpu"]
    assert _names("config_tuner", None, "rocm", None) == ["levers", "levers_accelerator"]
    assert _names("kernel_author", "rms_norm", "cpu", "bfloat16") == ["overlay", "rms_norm"]
    assert _names("kernel_author", "rms_norm", "cpu", "float16") == ["overlay"]
    assert _names("op_benchmarker", "rotary", "cuda", "float32") == ["rotary"]
    assert _names("strategist", "decode_attention", "cuda", "bfloat16") == [
        "levers",
        "levers_accelerator",
        "decode_attention",
    ]


def test_only_the_judge_reads_the_auditors_skill() -> None:
    assert skill("patch_auditor").head.roles == ("judge",)


def test_every_family_has_a_playbook_that_names_its_patch_point_and_its_dtypes() -> None:
    for family in FAMILIES.values():
        found = skill(family.name)
        assert found.head.operators == (family.name,)
        assert set(found.head.dtypes) == set(family.allowed)
        if family.name != "fused_add_rms_norm":  # the same layer as RMSNorm
            assert f"`{family.attribute}`" in found.body
            assert f"`{family.module}`" in found.body


def test_every_setting_that_code_knows_is_in_a_playbook_for_its_devices() -> None:
    texts = {
        device: "".join(item.body for item in skills_for("config_tuner", device=device))
        for device in ("cpu", "cuda", "rocm")
    }
    for entry in ALL_KNOBS:
        for device in entry.devices:
            assert f"`{entry.name}`" in texts[device], (entry.name, device)


def test_no_playbook_names_a_setting_that_code_does_not_know() -> None:
    for name in ("levers", "levers_cpu", "levers_accelerator"):
        listed = re.findall(r"^- (`[^:]+):", skill(name).body, re.MULTILINE)
        settings = [item for entry in listed for item in re.findall(r"`([A-Za-z_]+)`", entry)]
        assert settings, name
        assert [setting for setting in settings if knob(setting) is None] == []


def test_classes_in_the_accelerators_playbook_are_those_of_the_registry() -> None:
    text = skill("levers_accelerator").body
    implementations, work = text.split("## Another amount")
    for part, lever_class in ((implementations, "A"), (work, "B")):
        entries = re.findall(r"^- ([^:]+):", part, re.MULTILINE)
        named = {name for entry in entries for name in re.findall(r"`(\w+)`", entry)}
        assert named
        assert {item: knob(item).lever_class for item in named} == dict.fromkeys(named, lever_class)


def test_the_auditors_skill_has_its_five_scopes_in_order() -> None:
    assert tuple(re.findall(r"^## Scope: (\w+)$", skill("patch_auditor").body, re.MULTILINE)) == SCOPES


def test_the_proof_stands_on_fixtures_of_the_right_kind() -> None:
    body, keys = " ".join(skill("patch_auditor").body.split()), read_keys()
    scopes = {fixture.id: fixture.scope for fixture in FIXTURES}
    listed = yaml.safe_load((HOME / "patch_auditor/proof/proof.yaml").read_text())["proof"]
    assert [item["scope"] for item in listed] == list(SCOPES)
    for entry in listed:
        assert entry["says"] in body, entry
        for side in ("fraud", "honest"):
            assert keys[entry[side]].kind == side
            assert scopes[entry[side]] == entry["scope"]


def _home(folder: Path, index: str, **files: str) -> Path:
    folder.mkdir()
    (folder / "index.yaml").write_text(index)
    for name, text in files.items():
        (folder / f"{name}.md").write_text(text)
    return folder


ONE = "---\nname: one\ndescription: long enough to say\nroles: [judge]\n---\nbody\n"


@pytest.mark.parametrize(
    ("index", "why"),
    [
        ("skills:\n  - {name: one, file: ../one.md}", "Cannot read the index of skills"),
        ("skills:\n  - {name: one, file: /etc/passwd}", "Cannot read the index of skills"),
        ("skills:\n  - {name: one, file: one.md}\n  - {name: one, file: one.md}", "a skill is named twice"),
        ("skills:\n  - {name: two, file: one.md}", "the index calls it two, its own head one"),
        ("skills:\n  - {name: gone, file: gone.md}", "file not found"),
        ("skills: 3", "Cannot read the index of skills"),
        ("skills:\n  - {name: one, file: one.md, run: x}", "extra forbidden"),
        ("- one", "not a mapping"),
        ("skills:\n  - {name: big, file: big.md}", "Cannot read the skill: larger than"),
        ("skills:\n  - {name: out, file: out.md}", "a link out of the folder"),
        ("skills:\n  - {name: link, file: link.md}", "a symbolic link"),
    ],
)
def test_an_index_or_a_skill_out_of_order_is_one_line(index: str, why: str, tmp_path: Path) -> None:
    home = _home(tmp_path / "skills", index, one=ONE, big=ONE + "x" * (1 << 16))
    (tmp_path / "outside.md").write_text(ONE)
    (home / "out.md").symlink_to(tmp_path / "outside.md")
    (home / "link.md").symlink_to(home / "one.md")
    with pytest.raises(UserError, match=re.escape(why)) as caught:
        load_skills(home)
    assert "\n" not in str(caught.value)


def test_an_unknown_skill_is_a_user_error() -> None:
    with pytest.raises(UserError, match="Cannot find skill 'nothing'"):
        skill("nothing")


def test_a_skill_of_no_index(tmp_path: Path) -> None:
    text = (HOME / "patch_auditor/SKILL.md").read_text()
    (tmp_path / "SKILL.md").write_text(text.replace("# Auditing a change", "# Auditing"))
    found = read_skill(tmp_path)
    assert found == read_skill(tmp_path / "SKILL.md")
    assert (found.head.name, found.sha256) == ("patch_auditor", digest((tmp_path / "SKILL.md").read_bytes()))
    assert found.body.startswith("# Auditing\n")
    for path in (tmp_path / "none", tmp_path / "none.md"):
        with pytest.raises(UserError, match="not found"):
            read_skill(path)
    (tmp_path / "SKILL.md").write_text("no head")
    with pytest.raises(UserError, match="no front matter"):
        read_skill(tmp_path)
