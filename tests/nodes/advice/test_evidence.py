"""What a role may read of a run, and what it may not, however it asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from bankable.nodes.advice.evidence import MOST_LINES, WIDEST, ListEvidence, ReadEvidence, evidence_tools
from bankable.tools.errors import UserError
from bankable.tools.evidence.harness import ORACLE_FOLDER
from bankable.tools.llm.toolbox import Call, ToolFault, answer_one

OPEN = (
    "preflight.json",
    "search/trials.jsonl",
    "profile/profile.json",
    "profile-2/route.json",
    "comparisons/control/claim.json",
    "comparisons/patch-x/plan.json",
    "comparisons/patch-x/legs/b00-candidate/server.log",
    "audits/patch-patch-x-1/verdict.json",
)
CLOSED = (
    "run.json",
    "ledger.jsonl",
    "llm_calls.jsonl",
    "counsel.jsonl",
    "keys/k.pem",
    "checkpoints.sqlite",
    "audits/patch-patch-x-1/judge.json",
    "audits/harness-mul-1/verdict.json",
    "ops/mul/task.json",
    f"ops/mul/{ORACLE_FOLDER}/4x4.expected.safetensors",
    "ops/mul/bench-1/claim.json",
    "ops/mul/search.jsonl",
    "comparisons/patch-x/legs/b00-candidate/outputs.jsonl",
    "comparisons/patch-x/overlay/sitecustomize.py",
)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    for name in (*OPEN, *CLOSED):
        path = tmp_path / "run" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"line {number} of {name}\n" for number in range(1, 101)))
    (tmp_path / "secret").write_text("sk-secret")
    return tmp_path / "run"


def read(run: Path, file: str, first: int = 1, lines: int = 3) -> str:
    return evidence_tools(run)[1].answer(ReadEvidence(file=file, first_line=first, lines=lines))


def test_names_of_what_may_be_read_and_no_others(run: Path) -> None:
    listed = evidence_tools(run)[0]
    assert listed.answer(ListEvidence(containing="")).splitlines() == sorted(OPEN)
    assert listed.answer(ListEvidence(containing="claim")) == "comparisons/control/claim.json"
    assert listed.answer(ListEvidence(containing="oracle")) == "none"


@pytest.mark.parametrize("file", OPEN)
def test_lines_come_numbered_between_marks_that_no_file_knows(file: str, run: Path) -> None:
    head, begin, *body, end = read(run, file, 99, 5).splitlines()
    assert head == f"{file}, 100 lines"
    assert body == [f"   99| line 99 of {file}", f"  100| line 100 of {file}"]
    mark = begin.removeprefix("<<<").removesuffix(" data")
    assert end == f"{mark} end>>>"
    assert mark not in read(run, file)


@pytest.mark.parametrize(
    "file",
    [
        *CLOSED,
        "../secret",
        "comparisons/../../secret",
        "comparisons/../run.json",
        "/etc/passwd",
        "",
        "comparisons/x/../../../secret/plan.json",
        "preflight.json\n",
        "PREFLIGHT.JSON",
        "comparisons/none/plan.json",
    ],
)
def test_nothing_else_is_read(file: str, run: Path) -> None:
    with pytest.raises(UserError, match="Cannot read the evidence: no such file"):
        read(run, file)


def test_a_link_is_not_followed(run: Path) -> None:
    (run / "comparisons" / "linked").symlink_to(run.parent)
    (run / "comparisons" / "patch-x" / "claim.json").symlink_to(run.parent / "secret")
    for file in ("comparisons/patch-x/claim.json", "comparisons/linked/plan.json"):
        with pytest.raises(UserError, match="Cannot read the evidence: no such file"):
            read(run, file)


def test_wide_lines_and_control_characters_are_made_harmless(run: Path) -> None:
    (run / "preflight.json").write_text("\x1b[31mred" + "x" * 5000 + "\nsecond\n")
    first = read(run, "preflight.json").splitlines()[2]
    assert "\x1b" not in first
    assert len(first) <= WIDEST + 7


@pytest.mark.parametrize("lines", [0, -1, MOST_LINES + 1])
def test_more_lines_than_are_given_are_wrong_arguments(lines: int, run: Path) -> None:
    call = Call("read_evidence", {"file": "preflight.json", "first_line": 1, "lines": lines})
    assert answer_one(evidence_tools(run), call).fault is ToolFault.ARGUMENTS
