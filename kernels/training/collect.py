"""Collects rows from run folders: kernels that were searched and benchmarked, and answers to KernelBench problems.

The reward of an operator's kernel is the lower bound of the gain in a verdict of scope ``harness`` that passed and
whose claim it won; of an answer it is the lower bound of a ``PASS``. A flagged verdict gives none.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from bankable.kernels.build.render import KernelSource, render
from bankable.kernels.kernelbench.result import LOG as BENCH_LOG
from bankable.kernels.kernelbench.result import BenchResult
from bankable.kernels.search.evaluation import LOG as SEARCH_LOG
from bankable.kernels.search.evaluation import Evaluation, read_evaluations
from bankable.kernels.task.folder import TaskFolder, open_task
from bankable.kernels.task.proposed import read_proposed
from bankable.kernels.task.sources import read_stored_source
from bankable.kernels.training.episode import reward_of
from bankable.kernels.training.row import NOT_AUDITED, RowOrigin, TrainingRow, digest_text
from bankable.tools.errors import UserError
from bankable.tools.evidence.canonical import canonical, digest, file_digest
from bankable.tools.evidence.harness import BenchmarkClaim, OpRun
from bankable.tools.evidence.store import whole_lines

OPERATORS = Path(__file__).resolve().parents[1] / "operators"
OWN_LICENCE = "Apache-2.0"
UNKNOWN = "unknown"
MOST_TIMINGS = 64
"""Rows of samples that a row of training data keeps."""


def collect(folder: Path, answers_licence: str = UNKNOWN) -> list[TrainingRow]:
    """All rows of a folder. Raises ``UserError`` where it holds no evaluation."""
    rows = [row for task in sorted(folder.glob("ops/*/task.json")) for row in _of_operator(folder, task.parent.name)]
    for log in sorted(folder.rglob(BENCH_LOG)):
        rows += _of_answers(folder, log, answers_licence)
    if not rows:
        raise UserError(
            "Cannot export: the folder holds no evaluation of a kernel",
            str(folder),
            "give the folder of a run, of `kernels search`, `kernels benchmark` or `kernels kernelbench`",
        )
    return rows


def _of_operator(folder: Path, operator: str) -> Iterator[TrainingRow]:
    task = open_task(folder, operator)
    evaluations = read_evaluations(task)
    proposed = {entry.implementation for entry in read_proposed(task.path)}
    runs = _runs(task)
    rewards = _audited_gains(folder, task)
    reference = (OPERATORS / task.task.family / "reference.py").read_text(encoding="utf-8")
    setting = {
        "dtype": task.task.dtype,
        "device": task.task.device,
        "shapes": [{"shape": shape.key, "calls": shape.calls} for shape in task.task.shapes if not shape.held_out],
        "tolerance": task.task.tolerance.relative_error,
    }
    wanted = digest(canonical({"reference": digest_text(reference), "setting": setting}))
    names = dict.fromkeys([*evaluations, *(path.stem for path in sorted((task.path / "candidates").glob("*.cpp")))])
    for name in names:
        evaluation = evaluations.get(name)
        stored = _source(task, name, evaluation)
        if stored is None:
            continue  # only its choices were recorded, and the template has changed since
        own_runs = runs.get(name, [])
        failed = [run.raised for run in own_runs if run.raised is not None]
        right = not failed and (evaluation is None or evaluation.outcome == "measured")
        verdict, gain_bound, audit = rewards.get(name, ("", 0.0, ""))
        parent = evaluation.parent if evaluation else None
        yield TrainingRow(
            kind="operator",
            task=task.task.operator,
            task_digest=wanted,
            setting=setting,
            reference=reference,
            language="cpp",
            source=stored.text,
            source_digest=stored.digest,
            build_log=evaluation.why if evaluation and evaluation.outcome == "compile_error" else "",
            checks=tuple(run.correctness.model_dump(mode="json") for run in own_runs if run.correctness)[:MOST_TIMINGS],
            timings=tuple(
                {"shape": run.shape, "round": run.round, "samples_ns": run.samples_ns}
                for run in own_runs[:MOST_TIMINGS]
            ),
            diagnosis=evaluation.diagnosis.model_dump(mode="json") if evaluation and evaluation.diagnosis else None,
            verdict=verdict or (NOT_AUDITED if right else "FAIL"),
            reasons=tuple(failed[:3]) or ((evaluation.why,) if evaluation and evaluation.why else ()),
            parent=_digest_of(task, parent, evaluations.get(parent)) if parent else None,
            gain=_gain(evaluation),
            reward=max(0.0, gain_bound) if right and verdict == "PASS" else 0.0,
            licence=OWN_LICENCE,
            origin=RowOrigin(
                run=task.task.run_id,
                record=f"ops/{operator}/{SEARCH_LOG if evaluation else 'candidates'}",
                proposed_by=_proposer(evaluation, name in proposed),
                rewarded_by=audit or "no audit of a claim that it won",
            ),
        )


def _of_answers(folder: Path, log: Path, licence: str) -> Iterator[TrainingRow]:
    run = file_digest(log)
    for result in whole_lines(log, BenchResult):
        if result.sample is None or not result.source:
            continue
        passed = result.verdict == "PASS"
        setting = {"level": result.level, "sizes": result.sizes | result.smaller, "device": "cpu"}
        own = result.origin.startswith("our ")
        yield TrainingRow(
            kind="kernelbench",
            task=result.title,
            task_digest=digest(canonical({"reference": result.problem_digest, "setting": setting})),
            setting=setting,
            reference=result.problem_source,
            language="python",
            source=result.source,
            source_digest=result.answer_digest,
            build_log=result.build_log,
            checks=tuple(check.model_dump(mode="json") for check in result.checks),
            timings=tuple(timing.model_dump(mode="json") for timing in result.timings[:MOST_TIMINGS]),
            verdict=result.verdict,
            reasons=tuple(f"{finding.rule}: {finding.detail}" for finding in result.findings),
            gain=result.speedup - 1 if result.speedup is not None else None,
            reward=reward_of(result),
            licence=OWN_LICENCE if own else licence,
            origin=RowOrigin(
                run=run,
                record=log.relative_to(folder).as_posix(),
                proposed_by=result.origin,
                rewarded_by="lower bound over rounds of a PASS"
                if passed and result.interval
                else "no PASS with bounds",
            ),
        )


def _runs(task: TaskFolder) -> dict[str, list[OpRun]]:
    """Rows of all operator benchmarks by implementation."""
    runs: dict[str, list[OpRun]] = {}
    for log in sorted(task.path.glob("bench-*/opbench_runs.jsonl")):
        for run in whole_lines(log, OpRun):
            runs.setdefault(run.implementation, []).append(run)
    return runs


def _audited_gains(folder: Path, task: TaskFolder) -> dict[str, tuple[str, float, str]]:
    """By implementation that won a claim: the verdict on it, the lower bound of its gain, and the verdict's file."""
    gains: dict[str, tuple[str, float, str]] = {}
    operator = task.task.operator
    for path in sorted(folder.glob(f"audits/harness-{operator}-*/verdict.json")):
        attempt = path.parent.name.rpartition("-")[2]
        claim = _read_claim(task.path / f"bench-{attempt}" / "claim.json")
        verdict = _json(path)
        if claim is None or claim.winner is None or not verdict:
            continue
        metrics = [entry for entry in verdict.get("metrics", ()) if entry.get("name") == "isolated_time"]
        bounds = (metrics[0].get("interval") or {}) if metrics else {}
        lower = bounds.get("lower")
        gain = float(lower) if isinstance(lower, (int, float)) else 0.0
        found = (str(verdict.get("verdict", "")), gain, path.relative_to(folder).as_posix())
        known = gains.get(claim.winner)
        if known is None or (found[0] != "PASS", found[1]) < (known[0] != "PASS", known[1]):
            gains[claim.winner] = found
    return gains


def _gain(evaluation: Evaluation | None) -> float | None:
    ratio = evaluation.log_ratio if evaluation else None
    return None if ratio is None else math.expm1(ratio)


def _proposer(evaluation: Evaluation | None, entered: bool) -> str:
    if entered:
        return "llm"
    return (evaluation.source if evaluation and evaluation.source else None) or "search"


def _source(task: TaskFolder, name: str, evaluation: Evaluation | None) -> KernelSource | None:
    """A kernel as it was stored, or rendered again where that gives the very source; ``None`` where it does not."""
    stored = read_stored_source(task, name)
    if stored is not None or evaluation is None:
        return stored
    try:
        rendered = render(task.family, task.task.dtype, evaluation.choices)
    except UserError:
        return None
    return rendered if rendered.implementation == name else None


def _digest_of(task: TaskFolder, name: str, evaluation: Evaluation | None) -> str | None:
    source = _source(task, name, evaluation)
    return source.digest if source else None


def _read_claim(path: Path) -> BenchmarkClaim | None:
    try:
        return BenchmarkClaim.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def _json(path: Path) -> dict[str, Any]:
    try:
        value = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
