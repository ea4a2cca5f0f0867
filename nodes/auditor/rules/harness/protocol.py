"""Both legs followed the declared protocol: timer, warm-up, number of calls and rounds (H10 D10)."""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.rule import HARNESS, Outcome, Rule, at, fail
from bankable.nodes.auditor.rules.harness.citing import report_rows
from bankable.nodes.auditor.verdict import Action, Severity
from bankable.tools.evidence.harness import OpRun, TimingProtocol

ADVICE = "use one protocol in every process of the operator benchmark, and run all of its rounds"


def check(case: Case) -> Iterator[Outcome]:
    benchmark = case.benchmark
    if benchmark.measurement is None:
        return
    protocol = benchmark.measurement.protocol
    rows = [row for row in benchmark.judged if row.run.raised is None]
    wanted = _describe(protocol)
    other = [row for row in rows if _describe(row.run) != wanted]
    if other:
        yield from report_rows(
            benchmark, other, wanted, _describe(other[0].run), ADVICE, modes=("H10",), code="other_protocol"
        )
    legs = [("reference", benchmark.reference)] + ([("winner", benchmark.winning)] if benchmark.winner else [])
    for role, part in legs:
        rounds = sorted({row.run.round for row in part if row.run.raised is None})
        if len(rounds) != protocol.rounds or rounds != list(range(len(rounds))):
            yield fail(
                f"rounds 0 to {protocol.rounds - 1} of the {role}",
                f"rounds {rounds}"[:300],
                ADVICE,
                at(benchmark.runs_file),
                at(benchmark.path("measurement.json")),
                action=Action.REDO,
                modes=("D10", "H10"),
                code="rounds",
            )


def _describe(settings: TimingProtocol | OpRun) -> str:
    calls = f"{settings.timed_calls} samples of {settings.calls_per_sample} calls"
    return f"timer {settings.timer}, {settings.warmup_calls} warm-up calls, {calls}"


rule = Rule("harness_protocol", HARNESS, ("H10", "D10"), ("measurement", "bench"), check, gives=(Severity.FAIL,))
