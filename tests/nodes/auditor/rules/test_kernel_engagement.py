"""A replaced operator ran in every worker as declared, and only on the candidate."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bankable.evals.fixtures.build.benchmark import source
from bankable.nodes.auditor.verdict import Action, Severity, Word
from bankable.tools.evidence.records import Lever
from tests.nodes.auditor.builders import edit, edit_lines, hits, judge, legs
from tests.nodes.auditor.kernel_builders import (
    OPERATOR,
    PATCH,
    TUNED,
    kernel_run,
    legs_say,
    marker,
    markers_say,
    part,
    serve,
    servers_say,
)

RULE = "kernel_engagement"
Edit = Callable[[Path], object]


@pytest.fixture(scope="module")
def _kernel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return kernel_run(tmp_path_factory.mktemp("kernel") / "run")


@pytest.fixture
def kernel(_kernel: Path, tmp_path: Path) -> Path:
    """A patch whose candidates run a replaced operator, everything in order."""
    return Path(shutil.copytree(_kernel, tmp_path / "run"))


def _all(run: Path, name: str, change: Callable[[dict[str, object]], object]) -> None:
    for leg in legs(run, PATCH):
        edit(leg / name, change)


def _two_workers(run: Path, markers: int) -> None:
    servers_say(run, tp_size=2)
    for leg in legs(run, PATCH, "candidate"):
        more = [marker(OPERATOR, part(), f"tp{rank}") for rank in range(1, markers)]
        edit_lines(leg / "engagement.jsonl", lambda rows, more=more: rows.extend(more))


def _on_a_gpu(run: Path, captured: int, *, disabled: bool = False) -> None:
    _all(run, "leg.json", lambda entry: entry.update(device="cuda", device_set=["cuda:0"]))
    servers_say(run, device="cuda", disable_cuda_graph=disabled)
    markers_say(captured_calls=captured)(run)


def _tabled(run: Path, lookups: int | None, hit: int | None) -> None:
    edit(run / f"comparisons/{PATCH}/plan.json", lambda entry: entry["lever"]["overlays"][OPERATOR].update(table=True))
    markers_say(table_lookups=lookups, table_hits=hit)(run)


HONEST: dict[str, Edit] = {
    "as served": lambda run: None,
    "two workers, two markers": lambda run: _two_workers(run, 2),
    "in graphs where there are graphs": lambda run: _on_a_gpu(run, 1),
    "eager where graphs are off": lambda run: _on_a_gpu(run, 0, disabled=True),
    "nine look-ups of ten hit": lambda run: _tabled(run, 1000, 900),
    "equal bits, and a marker": markers_say(error_vs_live=0.0),
    "a parameter more than was tuned": markers_say(parameters={**TUNED, "num_stages": 3}),
    "parameters printed as text": markers_say(parameters={key: str(value) for key, value in TUNED.items()}),
    "one call": markers_say(eager_calls=1),
}


@pytest.mark.parametrize("change", HONEST.values(), ids=HONEST.keys())
def test_an_engaged_operator_passes(kernel: Path, change: Edit) -> None:
    change(kernel)
    verdict = judge(kernel, "patch", PATCH)
    assert not hits(verdict, RULE), hits(verdict, RULE)
    assert not hits(verdict, "engagement")
    assert (verdict.lever_class, verdict.degraded) == ("A", ())


def test_an_honest_kernel_patch_is_a_kernel_win(kernel: Path) -> None:
    verdict = judge(kernel, "patch", PATCH)
    assert (verdict.verdict, verdict.action) == (Word.PASS, Action.PASS), verdict.findings
    assert verdict.counts_as_kernel_win


def test_the_path_of_a_declared_overlay_may_differ(kernel: Path) -> None:
    """An overlay stands on the candidate's PYTHONPATH; any other variable is still a difference."""
    for leg in legs(kernel, PATCH, "candidate"):
        edit(leg / "leg.json", lambda entry: entry["env"].update(PYTHONPATH="overlay"))
    assert judge(kernel, "patch", PATCH).verdict is Word.PASS
    for leg in legs(kernel, PATCH, "candidate"):
        edit(leg / "leg.json", lambda item: item["env"].update(OMP_NUM_THREADS="2"))
    assert [hit.code for hit in hits(judge(kernel, "patch", PATCH), "same_launch")][:1] == ["different_launch"]


FRAUDS: dict[str, tuple[Edit, str, str]] = {
    "never called": (markers_say(eager_calls=0, engaged=False), "not_engaged", "E01"),
    "no marker at all": (
        lambda run: [(leg / "engagement.jsonl").write_bytes(b"") for leg in legs(run, PATCH, "candidate")],
        "not_engaged",
        "E01",
    ),
    "one worker of two": (lambda run: _two_workers(run, 1), "not_engaged", "E01"),
    "another implementation": (
        markers_say(resolved="cpp-b", source_digest=source("cpp-b")["digest"]),
        "other_implementation",
        "E01",
    ),
    "128 became 32": (markers_say(parameters={**TUNED, "block_m": 32}), "other_parameters", "E02"),
    "parameters not printed": (markers_say(parameters={}), "other_parameters", "E02"),
    "no look-up hit": (lambda run: _tabled(run, 1000, 0), "table_misses", "E03"),
    "two overlays on the path": (markers_say(overlays=["overlay", "older"]), "dead_overlay", "E04"),
    "fell back in silence": (markers_say(eager_calls=0, engaged=False, error_vs_live=0.0), "silent_fallback", "E05"),
    "nothing captured": (lambda run: _on_a_gpu(run, 0), "not_captured", "E06"),
    "the reference resolves to it too": (
        legs_say("reference", modules={OPERATOR: part().source_digest}),
        "both_engaged",
        "E08",
    ),
    "one overlay on both legs": (legs_say("reference", overlay_digest=part().digest), "both_engaged", "E08"),
    "both resolve to the live file": (
        legs_say("candidate", modules={OPERATOR: source("live")["digest"]}),
        "both_engaged",
        "E08",
    ),
    "another overlay than declared": (legs_say("candidate", overlay_digest="e" * 64), "other_overlay", "E08"),
    "another module than declared": (legs_say("candidate", modules={OPERATOR: "f" * 64}), "other_module", "E08"),
}


@pytest.mark.parametrize(("change", "code", "mode"), FRAUDS.values(), ids=FRAUDS.keys())
def test_an_operator_that_did_not_run_fails(kernel: Path, change: Edit, code: str, mode: str) -> None:
    change(kernel)
    found = [hit for hit in hits(judge(kernel, "patch", PATCH), RULE, Severity.FAIL) if hit.code == code]
    assert [(entry.action, mode in entry.modes) for entry in found] == [(Action.EJECT, True)]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (legs_say("reference", modules={}), "no_module_digest"),
        (lambda run: _tabled(run, None, None), "table_unknown"),
        (
            lambda run: (
                _on_a_gpu(run, 1),
                _all(run, "server_info.json", lambda entry: entry.pop("disable_cuda_graph")),
            ),
            "unverifiable",
        ),
    ],
)
def test_a_missing_record_is_unverifiable(kernel: Path, change: Edit, code: str) -> None:
    change(kernel)
    verdict = judge(kernel, "patch", PATCH)
    assert [(hit.action, hit.code) for hit in hits(verdict, RULE, Severity.FAIL)] == [(Action.REMEASURE, code)]
    assert "unverifiable" in {note.kind for note in verdict.notes if note.rule == RULE}


def test_a_table_that_misses_a_fifth_is_flagged(kernel: Path) -> None:
    _tabled(kernel, 1000, 800)
    assert [hit.severity for hit in hits(judge(kernel, "patch", PATCH), RULE)] == [Severity.FLAG]


def test_settings_alone_are_not_asked(run: Path) -> None:
    notes = [note.kind for note in judge(run).notes if note.rule == RULE]
    assert notes == ["not_applicable"]


def test_a_composed_overlay_of_two_operators_passes(tmp_path: Path) -> None:
    lever = Lever(overlays={OPERATOR: part(), "silu_and_mul": part("cpp-s", "silu_and_mul")})
    run = kernel_run(tmp_path / "run", quoted=False, lever=lever)
    serve(run, PATCH, lever)
    assert not hits(judge(run, "patch", PATCH), RULE)


def test_one_of_two_operators_dropped_fails(tmp_path: Path) -> None:
    lever = Lever(overlays={OPERATOR: part(), "silu_and_mul": part("cpp-s", "silu_and_mul")})
    run = kernel_run(tmp_path / "run", quoted=False, lever=lever)
    for leg in legs(run, PATCH, "candidate"):
        edit_lines(leg / "engagement.jsonl", lambda rows: rows.pop())
    (found,) = hits(judge(run, "patch", PATCH), RULE)
    assert (found.code, "silu_and_mul" in found.expected) == ("not_engaged", True)
