"""A benchmark that was really measured is evidence: sealed, it is judged by the auditor that knows nothing of it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from bankable.kernels.benchmark import benchmark as module
from bankable.kernels.benchmark.benchmark import BenchmarkSettings, OperatorBenchmark, run_benchmark
from bankable.kernels.benchmark.candidate import kernel_candidate, live_candidate, torch_candidate
from bankable.kernels.build.compiler import Compiled, Compiler
from bankable.kernels.build.render import render
from bankable.kernels.sandbox.fork_server import ForkServer
from bankable.kernels.task.folder import TaskFolder
from bankable.nodes.auditor.process import audit_sealed
from bankable.nodes.auditor.verdict import Verdict
from bankable.tools.evidence.seal import seal
from tests.kernels.hostile import CRASH, TRUNCATING

BUSY = {"harness_roofline", "harness_hidden_work", "harness_speedup"}
"""Rules whose figures are times: on a machine with other tenants they may speak up, and with a reason."""
SUMS = "sums_beside_medians"
"""The invariant whose figures are times."""


@pytest.fixture(scope="module")
def measured(norm_task: TaskFolder, python: Path, compiler: Compiler) -> OperatorBenchmark:
    """Torch's operator, an honest kernel, one that cuts precision, and one that crashes."""
    sources = [render(norm_task.family, "bfloat16"), TRUNCATING, CRASH]
    kernels = [kernel_candidate(entry) for entry in map(compiler.compile, sources) if isinstance(entry, Compiled)]
    assert len(kernels) == 3
    return run_benchmark(
        norm_task,
        [torch_candidate(norm_task.family, "torch"), *kernels],
        python,
        BenchmarkSettings(rounds=6, samples=6, every_round=True),
    )


@pytest.fixture(scope="module")
def verdict(measured: OperatorBenchmark, norm_task: TaskFolder, tmp_path_factory: pytest.TempPathFactory) -> Verdict:
    place = tmp_path_factory.mktemp("sealed") / "sealed"
    sealed = seal(norm_task.root, "harness", norm_task.task.operator, measured.attempt, place)
    answer = audit_sealed(sealed.folder)
    sealed.discard()
    return answer


def test_the_roof_of_bf16_is_never_below_that_of_fp32(fork_server: ForkServer):
    """Without bf16 instructions a kernel computes in fp32, at a hundred times the rate of torch's bf16."""
    rates = [module.measure_peaks(fork_server, dtype, 1).flop_rate for dtype in ("bfloat16", "float32")]
    assert rates[0] > 0.2 * rates[1]


def test_the_auditor_takes_an_honest_one(verdict: Verdict, measured: OperatorBenchmark):
    assert verdict.degraded == ()
    loud = [finding for finding in verdict.findings if finding.severity.value != "INFO"]
    assert all(finding.rule in BUSY or finding.code == SUMS for finding in loud), loud
    if not loud:
        assert verdict.verdict.value == "PASS"
        assert measured.claim.outcome == "winner"
        assert measured.claim.speedup == pytest.approx(1 + verdict.metrics[0].delta, rel=1e-6)


def test_only_those_that_are_right_are_timed(measured: OperatorBenchmark):
    entered = {entry.implementation: entry.ok for entry in measured.qualified}
    assert list(entered.values()) == [True, True, True, False, False]
    names = {row.implementation for row in measured.rows}
    assert names == {name for name, ok in entered.items() if ok}
    assert measured.claim.winner in names | {None}
    said = orjson.loads((measured.folder / "qualification.json").read_bytes())
    assert said[4]["why"] == "crashed: ended by SIGSEGV"


def test_every_row_is_a_fresh_process_with_fresh_inputs(measured: OperatorBenchmark):
    rows = measured.rows
    assert len(rows) == 6 * 3 * 2
    assert len({row.pid for row in rows}) == 6 * 3
    assert os.getpid() not in {row.pid for row in rows}
    assert all(len(set(row.generations)) == len(row.samples_ns) == 6 for row in rows)
    assert all(row.cache_bytes >= measured.peaks.cache_bytes for row in rows)
    assert {row.resolved == row.source for row in rows} == {True}
    checks = [row.correctness for row in rows if row.role == "candidate"]
    assert all(check and check.pid not in {row.pid for row in rows} for check in checks)
    candidates = {(row.implementation, row.round) for row in rows if row.role == "candidate"}
    assert len({check.pid for check in checks if check}) == len(candidates), "one process checks one candidate's files"
    assert all(check.checked_calls == check.secret_seeds == 4 for check in checks if check)


def test_evidence_that_was_tampered_with_is_not_taken(
    measured: OperatorBenchmark, norm_task: TaskFolder, tmp_path: Path
):
    copy = tmp_path / "run"
    operator = copy / "ops" / norm_task.task.operator
    (operator / f"bench-{measured.attempt}").mkdir(parents=True)
    (copy / "run.json").write_bytes((norm_task.root / "run.json").read_bytes())
    for path in norm_task.path.rglob("*"):
        target = operator / path.relative_to(norm_task.path)
        if path.is_file():
            target.parent.mkdir(exist_ok=True, parents=True)
            target.write_bytes(path.read_bytes())
    runs = operator / f"bench-{measured.attempt}" / "opbench_runs.jsonl"
    rows = [orjson.loads(line) for line in runs.read_bytes().splitlines()]
    for row in rows:
        if row["role"] == "candidate":
            row["samples_ns"] = [value / 50 for value in row["samples_ns"]]
    runs.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    sealed = seal(copy, "harness", norm_task.task.operator, measured.attempt, tmp_path / "sealed")
    answer = audit_sealed(sealed.folder)
    sealed.discard()
    assert answer.verdict.value == "FAIL"


def test_the_claim_of_another_folder_is_another_attempt(measured: OperatorBenchmark, norm_task: TaskFolder):
    assert norm_task.next_attempt() == measured.attempt + 1
    assert replace(norm_task).path == measured.folder.parent


@pytest.mark.parametrize(("round_s", "warmups", "samples"), [(1e9, 5, 12), (1e-9, 2, 4)])
def test_a_slow_live_implementation_is_called_less_often(
    norm_task: TaskFolder, fork_server: ForkServer, monkeypatch: pytest.MonkeyPatch, round_s, warmups, samples
):
    monkeypatch.setattr(module, "ROUND_S", round_s)
    live = live_candidate(norm_task.task.live_source, norm_task.task.live_backend)
    protocol = module.choose_protocol(norm_task, live, fork_server, 1 << 20, BenchmarkSettings())
    assert (protocol.warmup_calls, protocol.timed_calls, protocol.rounds) == (warmups, samples, 6)
