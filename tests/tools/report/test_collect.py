"""What a report reads off a run folder, whole or broken."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bankable.tools.errors import UserError
from bankable.tools.report import ReportModel, collect, render, summary
from bankable.tools.report.comparisons import MAX_POINTS, read_comparison
from bankable.tools.report.reading import clean
from tests.tools.report.runs import OUTCOME, comparison, finished_run, leg, put, put_lines, verdict


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished_run(tmp_path_factory.mktemp("run") / "r")


@pytest.fixture(scope="module")
def report(whole: Path) -> ReportModel:
    return collect(whole)


def test_a_whole_run_has_no_gaps(report: ReportModel) -> None:
    assert report.gaps == ()
    assert [c.gaps for c in report.comparisons] == [(), (), ()]


def test_the_outcome_is_taken_as_written(report: ReportModel) -> None:
    assert (report.proven, report.verdict, report.delta, report.interval) == (
        True,
        "verified gain",
        0.142,
        (0.118, 0.166),
    )
    assert report.floor == 0.01
    assert [(a.name, [(s.name, s.value) for s in a.settings]) for a in report.accepted] == [
        ("patch-stream_interval", [("stream_interval", "8")])
    ]


def test_decisions_carry_the_verdicts_on_their_subject(report: ReportModel) -> None:
    assert [(d.subject, d.decision, d.verdicts) for d in report.decisions] == [
        ("patch-stream_interval", "banked", ("FLAG",)),
        ("patch-chunked_prefill_size", "not proven", ()),
        ("bundle", "published", ("PASS",)),
    ]


def test_verdicts_come_in_the_order_of_the_machine(report: ReportModel) -> None:
    assert [(v.scope, v.verdict, v.action) for v in report.verdicts] == [
        ("baseline", "PASS", "pass"),
        ("patch", "FLAG", "downgrade_headline"),
        ("bundle", "PASS", "pass"),
    ]
    finding = report.verdicts[1].findings[0]
    assert (finding.rule, finding.severity) == ("latency_regression", "FLAG")
    assert finding.evidence == ("legs/b00-candidate/bench_runs.jsonl:2",)
    assert report.verdicts[2].metrics[0].interval == (0.118, 0.166)


def test_what_was_not_judged_is_listed_worst_first_without_remarks(report: ReportModel) -> None:
    assert [(n.kind, n.source) for n in report.not_judged] == [
        ("degraded", "patch · patch-stream_interval"),
        ("unverifiable", "patch · patch-stream_interval · gpu_clocks"),
        ("not applicable", "patch · patch-stream_interval · kernel_identity"),
    ]


def test_every_round_is_there_and_gains_are_recomputed(whole: Path, report: ReportModel) -> None:
    patch = report.comparisons[1]
    assert (patch.name, patch.kind, patch.unit) == ("patch-stream_interval", "patch", "tok/s")
    assert len(patch.rounds) == 7 * 2 * 4
    medians = {}
    for side in ("reference", "candidate"):
        path = whole / "comparisons" / patch.name / "legs" / f"b03-{side}" / "bench_runs.jsonl"
        medians[side] = median(json.loads(line)["output_throughput"] for line in path.read_text().splitlines())
    assert dict(patch.gains)[3] == pytest.approx(medians["candidate"] / medians["reference"] - 1)
    assert patch.plan is not None
    assert patch.plan.blocks[0] == "0: reference → candidate · rounds ABABABAB · declared seeds 0, 1, 2, 3 · warm-up 0"


def test_trials_show_gain_or_failure(report: ReportModel) -> None:
    assert [(t.id, None if t.gain is None else round(t.gain, 4), t.failure) for t in report.trials] == [
        ("1", 0.1388, ""),
        ("2", -0.1975, ""),
        ("3", None, "out_of_memory"),
    ]


def test_versions_and_hosts_are_named_once(report: ReportModel) -> None:
    shown = {s.name: s.value for s in report.environment}
    assert (shown["sglang"], shown["host"], shown["triton"]) == ("0.5.23", "bench-1", "3.7.1")


def test_the_model_path_is_not_shown(report: ReportModel) -> None:
    assert report.model == "tiny-qwen3"
    assert all("/models/" not in s.value for s in report.configuration)


def test_an_unfinished_run_says_so(tmp_path: Path) -> None:
    put(tmp_path / "run.json", {"run_id": "r1", "config": {"model": "m"}})
    comparison(tmp_path, "control", "control", {}, gain=0.0, blocks=1)
    report = collect(tmp_path)
    assert (report.finished, report.proven, report.audited, report.verdict) == (False, False, False, "no verified gain")
    assert report.headline.startswith("The run is not finished")
    assert report.gaps == ("preflight.json is missing.",)


def test_an_empty_folder_is_a_report_of_nothing(tmp_path: Path) -> None:
    report = collect(tmp_path)
    assert report.gaps == ("run.json is missing.", "preflight.json is missing.")
    assert not report.proven
    with pytest.raises(UserError, match="not a run folder"):
        collect(tmp_path / "none")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"accepted": []}, "names no accepted change"),
        ({}, "no verdict on record supports it"),
    ],
)
def test_a_gain_without_proof_is_shown_as_none(tmp_path: Path, change: dict[str, Any], why: str) -> None:
    put(tmp_path / "outcome.json", {**OUTCOME, **change})
    report = collect(tmp_path)
    assert (report.proven, report.verdict) == (False, "no verified gain")
    assert any(why in gap for gap in report.gaps)


def test_the_last_word_on_the_bundle_decides(tmp_path: Path) -> None:
    put(tmp_path / "outcome.json", OUTCOME)
    verdict(tmp_path, "patch", "patch-stream_interval", "PASS", "pass")
    assert collect(tmp_path).proven
    verdict(tmp_path, "bundle", "bundle", "FAIL", "eject")
    assert not collect(tmp_path).proven


@pytest.mark.parametrize("scope", ["bundle", "patch"])
def test_a_verdict_whose_rules_did_not_finish_proves_nothing(tmp_path: Path, scope: str) -> None:
    put(tmp_path / "outcome.json", OUTCOME)
    verdict(tmp_path, scope, scope, "PASS", "pass", degraded=["judge"])
    assert collect(tmp_path).proven, "an opinion that is missing leaves no rule open"
    verdict(tmp_path, scope, scope, "PASS", "pass", degraded=["same_launch", "clocks"])
    report = collect(tmp_path)
    assert (report.proven, report.verdict) == (False, "no verified gain")
    assert any("rules did not finish (same_launch, clocks)" in gap for gap in report.gaps)


def test_missing_records_of_a_comparison_are_said(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    place = leg(folder, 0, "reference", [100.0])
    (place / "bench_runs.jsonl").unlink()
    view = read_comparison(folder)
    assert view.gaps == (
        "plan.json is missing.",
        "claim.json is missing.",
        "legs/b00-reference/bench_runs.jsonl is missing.",
    )
    assert (view.rounds, view.gains, view.delta) == ((), (), None)


def test_a_torn_line_costs_one_round(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    place = leg(folder, 0, "reference", [100.0, 102.0])
    with (place / "bench_runs.jsonl").open("a") as file:
        file.write('{"output_throughput": 1')
    view = read_comparison(folder)
    assert [r.value for r in view.rounds] == [100.0, 102.0]
    assert "legs/b00-reference/bench_runs.jsonl: 1 line(s) cannot be read and were left out." in view.gaps


def test_a_failed_launch_gives_no_gain(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    leg(folder, 0, "reference", [100.0])
    place = leg(folder, 0, "candidate", [120.0])
    record = json.loads((place / "leg.json").read_text())
    put(place / "leg.json", {**record, "status": "failed", "failure": {"kind": "out_of_memory", "line": "OOM"}})
    view = read_comparison(folder)
    assert view.gains == ()
    assert view.legs[0].failure == "out_of_memory: OOM"


def test_thinning_telemetry_keeps_every_spike(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    place = leg(folder, 0, "reference", [100.0])
    busy = [{"name": "backup"}]
    rows = [{"t": s, "cpu_percent": 10, "load_1m": 1, "tenants": busy if s == 4321 else []} for s in range(9000)]
    put_lines(place / "host.jsonl", rows)
    view = read_comparison(folder)
    assert len(view.host) <= MAX_POINTS
    assert [p.t for p in view.host if p.tenants] == [4321.0]


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["flags", "index", "name", "lower", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
FILES = (
    "run.json",
    "outcome.json",
    "preflight.json",
    "search/trials.jsonl",
    "profile/profile.json",
    "audits/bundle-bundle-1/verdict.json",
    "comparisons/bundle/plan.json",
    "comparisons/bundle/claim.json",
    "comparisons/bundle/legs/b00-candidate/leg.json",
    "comparisons/bundle/legs/b00-candidate/bench_runs.jsonl",
    "comparisons/bundle/legs/b00-candidate/host.jsonl",
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(file=st.sampled_from(FILES), data=st.data())
def test_whatever_a_file_holds_the_page_is_drawn(whole: Path, tmp_path: Path, file: str, data: st.DataObject) -> None:
    run = tmp_path / "r"
    shutil.rmtree(run, ignore_errors=True)
    shutil.copytree(whole, run, ignore=shutil.ignore_patterns("b0[1-9]-*"))
    path = run / file
    raw = data.draw(st.binary(max_size=40) | st.just(None))
    if raw is not None:
        path.write_bytes(raw)
    else:
        first = path.read_text().splitlines()[0]
        kept = json.loads(first)
        key = data.draw(st.sampled_from(sorted(kept)))
        path.write_text(json.dumps({**kept, key: data.draw(_values)}))
    report = collect(run)
    assert render(report).rstrip().endswith("</html>")
    assert summary(report)


def test_text_is_one_visible_line_of_bounded_length() -> None:
    assert clean("a\n\tb \x1b[31m\u202ec") == "a b �[31m�c"
    assert clean("x" * 5000, 10) == "xxxxxxxxx…"
    assert clean({"a": [1, True, 0.5]}) == "a=1, yes, 0.5"
    assert clean(None) == ""


def test_energy_is_stated_where_a_meter_was_read_and_said_to_be_missing_where_not(tmp_path: Path) -> None:
    bare, metered = (finished_run(tmp_path / name) for name in ("bare", "metered"))
    for index, place in enumerate(sorted((metered / "comparisons" / "bundle" / "legs").iterdir())):
        rows = [json.loads(line) for line in (place / "bench_runs.jsonl").read_text().splitlines()]
        for at, row in enumerate(rows):
            row["bankable"] |= {"started": 100.0 + 4 * at, "ended": 103.0 + 4 * at}
            row["total_output_tokens"] = 300
        put_lines(place / "bench_runs.jsonl", rows)
        watts = 20.0 if "reference" in place.name else 10.0
        end = 110 + 4 * len(rows)
        host = [
            {"t": float(t), "cpu_percent": 1.0, "load_1m": 1.0, "package_joules": watts * t} for t in range(90, end)
        ]
        put_lines(place / "host.jsonl", host if index else [])
    costs = {name: read_comparison(run / "comparisons" / "bundle").costs for name, run in (("a", bare), ("b", metered))}
    assert [(entry.name, entry.value.split(":")[0]) for entry in costs["a"]] == [("energy", "no meter")]
    values = {entry.name: entry.value for entry in costs["b"]}
    assert values["energy, candidate"].startswith("0.1 J an output token, 10 W (RAPL, processor packages")
    assert values["energy, reference"].startswith("0.2 J an output token, 20 W (RAPL, processor packages")
    assert any("launches" in value for value in values.values())
