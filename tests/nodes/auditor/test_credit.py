"""A gain is decomposed over its levers from the legs in between, and classed by registry and source."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from bankable.evals.fixtures.build.bundle import BUNDLE, PARTS, bundle_run
from bankable.evals.fixtures.build.files import edit
from bankable.nodes.auditor import render
from bankable.nodes.auditor.credit import INTERACTION, class_of, lever_text
from bankable.nodes.auditor.verdict import Verdict
from bankable.tools.evidence.records import Lever, OverlayPart
from bankable.tools.levers.overlay import OverlayReading
from tests.nodes.auditor.builders import hits, judge

BOTH = [f"patch-{name}-1" for name in PARTS]
PART = OverlayPart(implementation="cpp-a", digest="a" * 64, source_digest="b" * 64)
READ = {word: OverlayReading(word, ()) for word in ("A", "B", "indeterminate")}


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundle_run(tmp_path_factory.mktemp("bundle") / "run", gains=(0.3, 0.1), whole=0.43)


def _verdict(run: Path) -> Verdict:
    return judge(run, "bundle", BUNDLE, components=BOTH)


def test_the_parts_of_a_bundle_are_its_patches_and_what_is_left(bundled: Path) -> None:
    verdict = _verdict(bundled)
    first, second, rest = verdict.lever_decomposition
    assert [first.lever, second.lever, rest.lever] == ["stream_interval=8", "schedule_policy=lpm", INTERACTION]
    assert [first.lever_class, second.lever_class, rest.lever_class] == ["B", "B", "indeterminate"]
    assert [first.basis, second.basis, rest.basis] == [*BOTH, BUNDLE]
    assert first.gain == pytest.approx(0.3, abs=0.06)
    assert second.gain == pytest.approx(0.1, abs=0.06)
    whole = next(metric.delta for metric in verdict.metrics if metric.name == "output_throughput")
    total = sum(math.log1p(entry.gain or 0.0) for entry in verdict.lever_decomposition)
    assert math.expm1(total) == pytest.approx(whole)
    assert rest.interval is not None
    assert rest.interval.lower < 0 < rest.interval.upper


def test_a_patch_is_its_own_only_part(bundled: Path) -> None:
    verdict = judge(bundled, "patch", PARTS[0])
    (part,) = verdict.lever_decomposition
    gain = next(metric for metric in verdict.metrics if metric.name == "output_throughput")
    assert (part.gain, part.interval, part.basis) == (gain.delta, gain.interval, PARTS[0])


def test_a_control_has_no_parts(bundled: Path) -> None:
    assert judge(bundled, "baseline").lever_decomposition == ()


@pytest.mark.parametrize("value", [None, "0.3", float("1e999"), -1.0, True, {"delta": 1}])
def test_a_part_without_a_usable_gain_is_unverifiable(bundled: Path, value: object) -> None:
    path = bundled / "audits" / BOTH[0] / "verdict.json"
    kept = path.read_bytes()
    try:
        edit(path, lambda verdict: [metric.update(delta=value) for metric in verdict["metrics"]])
        found = _verdict(bundled)
        assert found.degraded == ()
        assert "unverifiable" in {hit.code for hit in hits(found, "decomposition")}
        assert found.lever_decomposition[0].gain is None
    finally:
        path.write_bytes(kept)


def test_an_absurd_gain_of_a_part_does_not_crash_the_verdict(bundled: Path) -> None:
    kept = {name: (bundled / "audits" / name / "verdict.json").read_bytes() for name in BOTH}
    absurd = {"delta": 1e300, "interval": {"lower": 1e299, "upper": 1e301}}
    try:
        for name in BOTH:
            path = bundled / "audits" / name / "verdict.json"
            edit(path, lambda verdict: [metric.update(absurd) for metric in verdict["metrics"]])
        found = _verdict(bundled)
        assert found.degraded == ()
        assert found.verdict.value == "FAIL"
    finally:
        for name, data in kept.items():
            (bundled / "audits" / name / "verdict.json").write_bytes(data)


@pytest.mark.parametrize(
    ("lever", "overlay", "expected"),
    [
        (Lever(flags={"attention_backend": "triton"}), None, "A"),
        (Lever(flags={"stream_interval": 8}), None, "B"),
        (Lever(flags={"enable_turbo": True}), None, "indeterminate"),
        (Lever(flags={"enable_turbo": True, "stream_interval": 8}), None, "B"),
        (Lever(flags={"attention_backend": "triton", "enable_turbo": True}), None, "indeterminate"),
        (Lever(overlays={"rms_norm": PART}), READ["A"], "A"),
        (Lever(overlays={"rms_norm": PART}), READ["B"], "B"),
        (Lever(overlays={"rms_norm": PART}), None, "indeterminate"),
        (Lever(flags={"stream_interval": 8}, overlays={"rms_norm": PART}), READ["A"], "B"),
        (Lever(), None, "indeterminate"),
    ],
)
def test_the_class_of_a_lever(lever: Lever, overlay: OverlayReading | None, expected: str) -> None:
    assert class_of(lever, overlay) == expected


def test_a_lever_in_words() -> None:
    assert lever_text(Lever()) == "no declared change"
    both = Lever(flags={"page_size": 16}, overlays={"rms_norm": PART})
    assert lever_text(both) == "page_size=16, rms_norm=cpp-a"


def test_a_bundle_is_shown_part_by_part(bundled: Path) -> None:
    verdict = _verdict(bundled)
    first = verdict.lever_decomposition[0]
    assert first.interval is not None
    said = f"{first.gain:+.1%} [{first.interval.lower:+.1%}, {first.interval.upper:+.1%}]"
    assert f"  of which stream_interval=8 (class B): {said}" in render.render_text(verdict)
    shown = render.render_markdown(verdict)
    assert "Of which:" in shown
    assert f"{first.gain:+.1%}" in shown.partition("Of which:")[2]
    assert "of which" not in render.render_text(judge(bundled, "patch", PARTS[0]))
