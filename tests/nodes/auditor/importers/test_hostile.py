"""Files that are damaged, absurd or made to hurt: a clear finding or one line to the user, never a crash or a PASS."""

from __future__ import annotations

import copy
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bankable.evals.fixtures.build import tool_results as samples
from bankable.nodes.auditor.importers import documents as documents_module
from bankable.nodes.auditor.importers.documents import documents, number, whole
from bankable.nodes.auditor.pair import audit_pair
from bankable.nodes.auditor.reading.reader import Reader
from bankable.nodes.auditor.verdict import Verdict, Word
from bankable.tools.errors import UserError
from tests.nodes.auditor.builders import hits
from tests.nodes.auditor.importers.test_geak import CAND, REF, integrated
from tests.nodes.auditor.importers.test_geak import leg as geak_leg

INFO = {"model_path": "tiny", "schedule_policy": "fcfs"}
RECORDS: dict[str, tuple[list[Any], list[Any]]] = {
    "sglang": ([samples.sglang(400.0, 1, INFO)], [samples.sglang(500.0, 2, INFO)]),
    "sglang-bare": (
        [samples.sglang(400.0, 1, INFO, details=False)],
        [samples.sglang(500.0, 2, INFO, details=False)],
    ),
    "vllm": ([samples.vllm(400.0, 1)], [samples.vllm(500.0, 2)]),
    "aiperf": (samples.aiperf_records(400.0, 1), samples.aiperf_records(500.0, 2)),
    "aiperf-summary": ([samples.aiperf_summary(400.0, 1)], [samples.aiperf_summary(500.0, 2)]),
    "guidellm": ([samples.guidellm(400.0, 1)], [samples.guidellm(500.0, 2)]),
}
nasty = st.one_of(
    st.none(),
    st.booleans(),
    st.just(-1),
    st.just(-0.5),
    st.just(0),
    st.just(1e308),
    st.just(5e-324),
    st.just(10**400),
    st.just("NaN"),
    st.just("1e3"),
    st.just([]),
    st.just({}),
    st.just([[]]),
    st.just([None]),
    st.just({"a": {"b": []}}),
    st.text(max_size=8),
    st.integers(),
    st.floats(),
)
quick = settings(
    max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def judged(before: Path, after: Path | None = None, **options: Any) -> Verdict | None:
    """The verdict, or nothing when the user is told. Every check must have come to an answer."""
    try:
        verdict = audit_pair(before, after, **options)
    except UserError:
        return None
    assert verdict.degraded == (), [finding.observed for finding in verdict.findings if finding.code == "degraded"]
    assert verdict.verdict is not Word.PASS
    assert Verdict.model_validate_json(verdict.to_bytes()).to_bytes() == verdict.to_bytes()
    return verdict


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value; of a list only its ends."""
    found = [path] if path else []
    if isinstance(value, dict):
        return found + [one for key in value for one in places(value[key], (*path, key))]
    if isinstance(value, list) and value:
        return found + [one for index in {0, len(value) - 1} for one in places(value[index], (*path, index))]
    return found


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    changed = copy.deepcopy(value)
    at = changed
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = new
    return changed


@pytest.mark.parametrize("tool", sorted(RECORDS))
@quick
@given(data=st.data())
def test_any_value_anywhere(tool: str, data: st.DataObject) -> None:
    before, after = RECORDS[tool]
    damaged = after
    for _ in range(data.draw(st.integers(1, 2))):
        damaged = put(damaged, data.draw(st.sampled_from(places(damaged))), data.draw(nasty))
    with tempfile.TemporaryDirectory() as name:
        judged(
            samples.dump(Path(name) / "a.json", *before),
            samples.dump(Path(name) / "b.json", *(one for one in damaged)),
        )


@pytest.mark.parametrize("tool", sorted(RECORDS))
@quick
@given(cut=st.floats(0, 1), junk=st.binary(max_size=20))
def test_cut_and_overwritten_files(tool: str, cut: float, junk: bytes) -> None:
    before, after = RECORDS[tool]
    with tempfile.TemporaryDirectory() as name:
        path = samples.dump(Path(name) / "b.json", *after)
        data = path.read_bytes()
        at = int(cut * len(data))
        path.write_bytes(data[:at] + junk + data[at + len(junk) :] if len(junk) % 2 else data[:at] + junk)
        judged(samples.dump(Path(name) / "a.json", *before), path)


@quick
@given(data=st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "x").write_bytes(data)
        judged(Path(name) / "x", Path(name) / "x")


@quick
@given(data=st.data())
def test_any_value_in_geaks_summaries(data: st.DataObject) -> None:
    summary = {
        "winner_kind": "patch",
        "apply_flags": "--schedule-policy lpm",
        "apply_env": "A=1",
        "isolated_speedup": 2.0,
        "pct_gpu_time": 50.0,
        "ref_med": 1004.9,
        "cand_med": 1677.4,
        "e2e_delta_pct": 66.9,
        "cand_crashed": False,
        "e2e": {"ref_median_tok_s": 1004.9, "delta_pct": 66.9},
        "serving_config": {"base": {"tp": 1}, "tp_size": 1},
        "accepted_config": {"apply_flags": "--schedule-policy lpm"},
    }
    benchmark = {
        "results": [],
        "winner_backend": "triton",
        "winner_ms": 0.1,
        "baseline_backend": "aiter",
        "baseline_ms": 0.2,
        "isolated_speedup": 2.0,
        "harness_suspect": False,
    }
    with tempfile.TemporaryDirectory() as name:
        run = Path(name) / "run"
        folder = integrated(run)
        geak_leg(folder / "ref", REF)
        geak_leg(folder / "cand", CAND, {"schedule_policy": "lpm"})
        beside = {
            "all_throughput": CAND,
            "output_throughput_tok_s_median": 1677.476,
            "metric_basis": "aggregate_output_tok_s",
        }
        for path, value in (
            (folder / "integrate_result.json", summary),
            (run / "kernels/gemm_task/opbench_result.json", benchmark),
            (folder / "cand/bench_summary.json", beside),
        ):
            samples.dump(path, put(value, data.draw(st.sampled_from(places(value))), data.draw(nasty)))
        judged(run)


@pytest.mark.parametrize("tool", ["sglang", "vllm"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("duration", -1.0),
        ("duration", 0.0),
        ("ttfts", [-1.0] * samples.PROMPTS),
        ("itls", [[-1.0]] * samples.PROMPTS),
        ("output_lens", [-1] * samples.PROMPTS),
        ("input_lens", []),
        ("errors", ["x"]),
        ("duration", 5e-324),
        ("itls", [[1e308, 1e308]] * samples.PROMPTS),
    ],
)
def test_what_cannot_have_happened_is_found(tmp_path: Path, tool: str, name: str, value: Any) -> None:
    before, after = RECORDS[tool]
    path = samples.dump(tmp_path / "b.json", *after, {**after[0], name: value})
    verdict = judged(samples.dump(tmp_path / "a.json", *before), path)
    assert verdict is not None
    assert verdict.verdict is Word.FAIL
    assert hits(verdict, "evidence_readable")[0].observed.startswith(("impossible", "invalid"))


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_are_none(tmp_path: Path, token: str) -> None:
    before, after = RECORDS["vllm"]
    text = json.dumps(after[0])
    (tmp_path / "b.json").write_text(text + "\n" + text.replace('"duration": ', f'"duration": {token}, "old": ') + "\n")
    verdict = judged(samples.dump(tmp_path / "a.json", *before), tmp_path / "b.json")
    assert verdict is not None
    assert "malformed" in hits(verdict, "evidence_readable")[0].observed


def test_an_unlimited_request_rate_is_read(tmp_path: Path) -> None:
    path = samples.dump(tmp_path / "a.jsonl", samples.sglang(400.0, 1, INFO))
    assert b'"request_rate": Infinity' in path.read_bytes()
    assert [document.content["request_rate"] for document in documents(Reader(tmp_path), "a.jsonl")] == ["inf"]


def test_a_key_that_is_there_twice(tmp_path: Path) -> None:
    before, after = RECORDS["vllm"]
    text = json.dumps(after[0]).replace('"failed": 0', '"failed": 3, "failed": 0')
    for shape in (text, f"[{text}]", text + "\n" + text):
        (tmp_path / "b.json").write_text(shape)
        verdict = judged(samples.dump(tmp_path / "a.json", *before), tmp_path / "b.json")
        assert verdict is not None
        assert "duplicate_key" in hits(verdict, "evidence_readable")[0].observed


@pytest.mark.parametrize("depth", [100, 100_000])
def test_deep_nesting(tmp_path: Path, depth: int) -> None:
    before, after = RECORDS["vllm"]
    deep = "[" * depth + "]" * depth
    text = json.dumps(after[0])[:-1] + f', "deep": {deep}}}'
    (tmp_path / "b.json").write_text(json.dumps(after[0]) + "\n" + text + "\n")
    verdict = judged(samples.dump(tmp_path / "a.json", *before), tmp_path / "b.json")
    assert verdict is not None
    assert verdict.verdict is Word.FAIL
    (tmp_path / "c.json").write_text(deep)
    with pytest.raises(UserError, match="known format"):
        audit_pair(tmp_path / "c.json", tmp_path / "c.json")


def test_sizes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents_module, "MAX_LINE_BYTES", 1000)
    monkeypatch.setattr(documents_module, "MAX_WHOLE_BYTES", 1000)
    reader = Reader(tmp_path)
    (tmp_path / "lines").write_text('{"a": 1}\n{"b": "' + "x" * 2000 + '"}\n{"c": 1}\n')
    assert [document.content for document in documents(reader, "lines")] == [{"a": 1}]
    (tmp_path / "whole").write_text('{\n"b": "' + "x" * 2000 + '"}')
    assert list(documents(reader, "whole")) == []
    assert [problem.kind for problem in reader.problems] == ["too_large", "too_large"]


def test_a_million_requests_of_aiperf_need_no_million_records(tmp_path: Path) -> None:
    records = samples.aiperf_records(400.0, 1)
    lines = [json.dumps(one) for one in records]
    (tmp_path / "a.jsonl").write_text("\n".join(lines * 200) + "\n")
    verdict = judged(tmp_path / "a.jsonl", tmp_path / "a.jsonl")
    assert verdict is not None
    assert verdict.verdict is Word.FAIL


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes in the file system")
def test_pipes_devices_and_links_are_refused(tmp_path: Path) -> None:
    good = samples.dump(tmp_path / "good.json", *RECORDS["vllm"][0])
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(UserError, match="not a regular file"):
            audit_pair(good, path)
    leg = tmp_path / "leg"
    leg.mkdir()
    (leg / "server.log").symlink_to("/etc/hostname")
    samples.dump(leg / "bench_runs.jsonl", samples.sglang(400.0, 1, INFO))
    with pytest.raises(UserError, match="links out of its folder"):
        audit_pair(leg, leg)


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path / "none"):
        with pytest.raises(UserError, match="Cannot read"):
            audit_pair(path, path)
    with pytest.raises(UserError, match="Give a reference and a candidate"):
        audit_pair(tmp_path)


def test_odd_file_names_stay_out_of_the_verdict(tmp_path: Path) -> None:
    before, after = RECORDS["vllm"]
    odd = "..|<img>@all\u202e.json" if sys.platform != "win32" else "..@all.json"
    verdict = judged(samples.dump(tmp_path / "a.json", *before), samples.dump(tmp_path / odd, *after))
    assert verdict is not None
    names = [entry.file for entry in verdict.evidence]
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz_./-") for name in names), names


@given(st.one_of(nasty, st.floats(), st.integers(min_value=0)))
def test_numbers_are_numbers(value: object) -> None:
    found = number(value)
    assert found is None or (not isinstance(value, bool | str) and found == pytest.approx(value, abs=1e-30))
    counted = whole(value)
    assert counted is None or (counted >= 0 and counted == pytest.approx(value, abs=1e-30))
