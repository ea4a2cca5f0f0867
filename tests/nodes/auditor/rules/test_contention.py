"""Foreign load is a FAIL only when it is lopsided or severe."""

from __future__ import annotations

from pathlib import Path

from bankable.nodes.auditor.verdict import Severity, Word
from tests.nodes.auditor.builders import Json, edit_lines, hits, judge, legs

RULE = "contention"


def _load(run: Path, name: str, side: str, percent: float, steal: float = 0.0) -> None:
    for leg in legs(run, name, side):

        def busy(samples: list[Json]) -> None:
            for sample in samples:
                sample.update(tenants=[{"pid": 9, "name": "cc1", "cpu_percent": percent}], steal_percent=steal)

        edit_lines(leg / "host.jsonl", busy)


PATCH = "patch-stream_interval"


def test_a_quiet_machine_passes(run: Path) -> None:
    assert not hits(judge(run), RULE)


def test_a_little_foreign_load_passes(run: Path) -> None:
    _load(run, PATCH, "*", 15.0)
    assert not hits(judge(run), RULE)


def test_shared_load_is_only_flagged(run: Path) -> None:
    _load(run, PATCH, "*", 90.0)
    assert [hit.severity for hit in hits(judge(run), RULE)] == [Severity.FLAG]


def test_load_on_the_reference_only_fails(run: Path) -> None:
    _load(run, PATCH, "reference", 90.0)
    assert [hit.code for hit in hits(judge(run), RULE, Severity.FAIL)] == ["asymmetric_contention"]


def test_stolen_time_on_the_reference_only_fails(run: Path) -> None:
    _load(run, PATCH, "reference", 0.0, steal=25.0)
    assert [hit.code for hit in hits(judge(run), RULE, Severity.FAIL)] == ["asymmetric_contention"]


def test_a_process_storm_fails(run: Path) -> None:
    _load(run, PATCH, "*", 900.0)
    assert [hit.code for hit in hits(judge(run), RULE, Severity.FAIL)] == ["severe_contention"]


def test_a_noisy_control_is_flagged_at_worst(run: Path) -> None:
    _load(run, "control", "reference", 900.0, steal=50.0)
    assert [hit.severity for hit in hits(judge(run, "baseline"), RULE)] == [Severity.FLAG]


def test_no_telemetry_is_not_a_pass(run: Path) -> None:
    for leg in legs(run):
        (leg / "host.jsonl").unlink()
    verdict = judge(run)
    assert verdict.verdict is Word.FLAG
    assert [note.rule for note in verdict.notes if note.kind == "unverifiable"] == [RULE]
