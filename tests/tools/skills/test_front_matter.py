"""The head of a skill, honest and hostile."""

from __future__ import annotations

import pytest

from bankable.tools.errors import UserError
from bankable.tools.skills.front_matter import FrontMatter, split

GOOD = """---
name: rms_norm
description: What RMSNorm is and how it rounds.
roles: [kernel_author, integrator]
operators: [rms_norm]
dtypes: [bfloat16]
---

# RMSNorm

Text with --- in it.
---
And a rule.
"""


def test_a_skill_is_its_head_and_its_text() -> None:
    head, body = split(GOOD, "a.md")
    assert head == FrontMatter(
        name="rms_norm",
        description="What RMSNorm is and how it rounds.",
        roles=("kernel_author", "integrator"),
        operators=("rms_norm",),
        dtypes=("bfloat16",),
    )
    assert body == "# RMSNorm\n\nText with --- in it.\n---\nAnd a rule.\n"


def _head(text: str) -> str:
    return f"---\n{text}\n---\n\nbody\n"


VALID = "name: a\ndescription: long enough to say\nroles: [judge]"

HOSTILE = {
    "no head": ("# RMSNorm\n", "no front matter"),
    "head that does not end": ("---\nname: a\n", "no front matter"),
    "no text": (f"---\n{VALID}\n---\n \n", "has no text"),
    "not YAML": (_head("name: [a"), "not plain YAML"),
    "a list": (_head("- a\n- b"), "not a mapping"),
    "nothing": (_head("# only a comment"), "not a mapping"),
    "a number as a key": (_head(f"{VALID}\n1: x"), "not a mapping"),
    "a tag that runs code": (_head(f"{VALID}\nx: !!python/object/apply:os.system ['true']"), "not plain YAML"),
    "aliases that grow": (_head("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]"), "not plain YAML"),
    "a merge": (_head(f"{VALID}\n<<: *x"), "not plain YAML"),
    "a key twice": (_head(f"{VALID}\nname: b"), "not plain YAML"),
    "a key twice, written otherwise": (_head(f'{VALID}\n"name": b'), "not plain YAML"),
    "a date that is none": (_head(f"{VALID}\nx: 2026-13-45"), "not plain YAML"),
    "nested beyond reason": (_head("a: " + "[" * 1500 + "]" * 1500), "not plain YAML"),
    "control characters": (_head(f"{VALID}\nx: \x07"), "not plain YAML"),
    "too long": (_head(f"{VALID}\nx: {'y' * 5000}"), "Cannot read the front matter: larger than"),
    "another field": (_head(f"{VALID}\nrun: rm -rf"), "'run': extra forbidden"),
    "no role": (_head("name: a\ndescription: long enough to say\nroles: []"), "'roles'"),
    "an unknown role": (_head(VALID.replace("judge", "root")), "'roles.0': literal error"),
    "an unknown operator": (_head(f"{VALID}\noperators: [softmax]"), "'operators.0'"),
    "an unknown device": (_head(f"{VALID}\ndevices: [tpu]"), "'devices.0'"),
    "an unknown dtype": (_head(f"{VALID}\ndtypes: [int4]"), "'dtypes.0'"),
    "a name that is a path": (_head(VALID.replace("name: a", "name: ../a")), "'name'"),
    "a name that is a number": (_head(VALID.replace("name: a", "name: 3")), "'name'"),
    "one role in place of a list": (_head(VALID.replace("[judge]", "judge")), "'roles'"),
    "no description": (_head("name: a\nroles: [judge]"), "'description': missing"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_front_matter_is_one_line(name: str) -> None:
    text, why = HOSTILE[name]
    with pytest.raises(UserError) as caught:
        split(text, "skills/a.md")
    said = str(caught.value)
    assert why in said
    assert "skills/a.md" in said
    assert "\n" not in said
    assert len(said) < 250


def test_what_is_valid_alone_is_valid() -> None:
    assert split(_head(VALID), "a.md")[0].roles == ("judge",)


@pytest.mark.parametrize(
    ("task", "fits"),
    [
        (("kernel_author", "rms_norm", "cpu", "bfloat16"), True),
        (("kernel_author", "rms_norm", None, "bfloat16"), True),
        (("config_tuner", "rms_norm", "cpu", "bfloat16"), False),
        (("kernel_author", "rotary", "cpu", "bfloat16"), False),
        (("kernel_author", None, "cpu", "bfloat16"), False),
        (("kernel_author", "rms_norm", "cpu", "float32"), False),
        (("kernel_author", "rms_norm", "cpu", None), False),
    ],
)
def test_who_a_skill_is_for(task: tuple[str, str | None, str | None, str | None], fits: bool) -> None:
    assert split(GOOD, "a.md")[0].fits(*task) is fits
