"""Harness, oracle, timer and checker were the same files before and after the measurement, by sha256 (H05).

All four must be listed. None lies in the task folder except the oracle's manifest, which must be the one in the
evidence.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.harness.identity import is_in_task_folder
from bankable.nodes.auditor.rule import HARNESS, Outcome, Rule, Unverifiable, at, fail
from bankable.nodes.auditor.verdict import Action, Severity

ROLES = ("checker", "harness", "oracle", "timer")
ADVICE = "run the operator benchmark with measurement files that no candidate can write, and hash them before and after"


def check(case: Case) -> Iterator[Outcome]:
    benchmark = case.benchmark
    if benchmark.measurement is None:
        return
    where, files = at(benchmark.path("measurement.json")), benchmark.measurement.files
    absent = sorted(set(ROLES) - {file.role for file in files})
    if absent:
        yield Unverifiable(f"digests of {', '.join(absent)} before and after", (where,))
    for file in files:
        if file.before != file.after:
            yield fail(
                f"{file.role} {file.path[:200]}: {file.before[:12]} before and after",
                f"{file.after[:12]} after",
                ADVICE,
                where,
                action=Action.EJECT,
                modes=("H05",),
                code="measurement_edited",
            )
        if file.role != "oracle" and is_in_task_folder(file.path):
            yield fail(
                f"a {file.role} outside the task folder",
                file.path[:300],
                ADVICE,
                where,
                action=Action.REDO,
                modes=("H05",),
                code="measurement_in_reach",
            )
    manifest = benchmark.path("oracle.json")
    if case.view.reader.exists(manifest):
        sealed = case.view.reader.digest(manifest)
        if sealed not in {file.after for file in files if file.role == "oracle"}:
            yield fail(
                f"a measurement with oracle.json {sealed[:12]}",
                "another digest in measurement.json",
                ADVICE,
                at(manifest),
                where,
                action=Action.REDO,
                modes=("H05",),
                code="other_oracle",
            )


rule = Rule("harness_files_intact", HARNESS, ("H05",), ("measurement",), check, gate=True, gives=(Severity.FAIL,))
