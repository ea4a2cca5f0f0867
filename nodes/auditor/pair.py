"""Two bare legs that somebody else measured: what can be said without a plan, a control or many launches.

Takes leg folders or single ``bench_runs.jsonl`` files of sglang. One launch per leg does not show how launches differ:
that has to be assumed (``few.py``), and the verdict says so. What is not there (outputs, logs) is unverifiable.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from nodes.auditor.answers import parity
from nodes.auditor.engine import digests
from nodes.auditor.measured import FIELDS, UNITS, leg_figure, values
from nodes.auditor.reading import Reader
from nodes.auditor.record import record
from nodes.auditor.reported import ReportedClaim
from nodes.auditor.resolved import LENGTH_CAPS, POOL, REQUEST_CAPS, Difference, differences, steady
from nodes.auditor.rule import Outcome, Remark, Unverifiable, at, fail, flag, info
from nodes.auditor.rules.headline_integrity import latency_findings
from nodes.auditor.rules.reported_vs_raw import agrees, record_findings, wrong
from nodes.auditor.rules.rows_complete import row_findings
from nodes.auditor.rules.same_conditions import capacity
from nodes.auditor.ruleset import ruleset_digest
from nodes.auditor.verdict import Action, Finding, Interval, Metric, Note, Severity, Verdict, action_of, word_of
from nodes.auditor.view import LegView
from tools.errors import UserError
from tools.evidence.seal import LEG_FILES, MAX_FILE_BYTES, Request
from tools.levers import classify_field, knob
from tools.statistics.few import FewDecision, decide_few

METRIC = "output_throughput"
MAX_FINDINGS = 40
POINTS = 0.005
"""A claimed gain, as a fraction, may come from either of the two usual definitions, to half a point."""


def audit_pair(reference: Path, candidate: Path, claim: Path | None = None) -> Verdict:
    """Judge two legs and, where given, a claim about them. Raises ``UserError`` when a leg has no usable round."""
    with tempfile.TemporaryDirectory(prefix="audit-pair-") as name:
        folder = Path(name)
        _take(reference, folder / "reference")
        _take(candidate, folder / "candidate")
        if claim is not None:
            _copy(claim, folder / "claim.json")
        return _judge(folder)


def _take(source: Path, target: Path) -> None:
    target.mkdir()
    if source.is_dir():
        for name in LEG_FILES:
            if (source / name).is_file():
                _copy(source / name, target / name)
    else:
        _copy(source, target / "bench_runs.jsonl")


def _copy(source: Path, target: Path) -> None:
    try:
        if source.stat().st_size > MAX_FILE_BYTES:
            raise UserError("file is larger than an audit reads", str(source), "give one benchmark file per leg")
        shutil.copyfile(source, target)
    except OSError as problem:
        raise UserError("cannot read", str(source), problem.strerror or "check the path") from problem


def _judge(folder: Path) -> Verdict:
    reader = Reader(folder)
    legs = LegView(reader, "reference"), LegView(reader, "candidate")
    for leg in legs:
        if not leg.rows:
            why = reader.problems[0].text if reader.problems else "no line in bench_runs.jsonl"
            raise UserError(
                f"no usable round of the {leg.name}", why, "give sglang's --output-file with --output-details"
            )
    claim = reader.model("claim.json", ReportedClaim) if reader.exists("claim.json") else None
    rates = [values(leg, METRIC) for leg in legs]
    decision = decide_few([rates[0]], [rates[1]]) if min(*rates[0], *rates[1]) > 0 else None
    metrics = _metrics(legs, decision)
    findings: list[Finding] = []
    notes: list[Note] = []
    for rule, outcomes in (
        ("rows_complete", _rows(legs)),
        ("same_conditions", _conditions(legs, claim)),
        ("real_delta", _delta(decision)),
        ("reported_vs_raw", _reported(legs, claim, decision)),
        ("headline_integrity", latency_findings(metrics, at("candidate/bench_runs.jsonl"))),
        ("output_correctness", _outputs(legs)),
        ("evidence_readable", _problems(reader)),
    ):
        for outcome in list(outcomes)[:MAX_FINDINGS]:
            record(rule, (), outcome, findings, notes)
    found = tuple(findings)
    word = word_of(found)
    return Verdict(
        scope="pair",
        subject="pair",
        attempt=1,
        request=Request(scope="pair", subject="pair", attempt=1, run_id=""),
        verdict=word,
        action=action_of(word, found),
        lever_class="indeterminate",
        counts_as_kernel_win=False,
        headline=_headline(decision),
        metrics=metrics,
        findings=found,
        notes=tuple(notes),
        evidence=digests(folder),
        ruleset=ruleset_digest(),
    )


def _rows(legs: tuple[LegView, LegView]) -> Iterator[Outcome]:
    for leg in legs:
        for row in leg.rows:
            yield from row_findings(leg, row, None)
            if row.failed:
                yield fail(
                    "no failed requests", f"{row.failed} failed", "measure this round again",
                    at(leg.path("bench_runs.jsonl"), row.line), action=Action.REMEASURE, modes=("Q09", "D05"),
                )  # fmt: skip
    counts = {(len(row.output_lens), sum(row.input_lens)) for leg in legs for row in leg.rows}
    if len(counts) > 1:
        yield fail(
            "the same number of requests and prompt tokens in every round", f"{sorted(counts)}"[:300],
            "use one workload and the same seeds on both legs", at("candidate/bench_runs.jsonl"),
            action=Action.REMEASURE, modes=("C08", "D11"), code="different_workload",
        )  # fmt: skip


def _conditions(legs: tuple[LegView, LegView], claim: ReportedClaim | None) -> Iterator[Outcome]:
    infos = [steady(leg.server_info or {}) for leg in legs]
    if not all(infos):
        yield Unverifiable("server_info in the rounds of both legs", (at("candidate/bench_runs.jsonl"),))
        return
    declared = set(claim.lever.names()) if claim is not None and claim.lever is not None else None
    free: list[Difference] = []
    for difference in differences(*infos):
        name = difference.plain
        derived = any(name in known.derived for known in map(knob, declared or ()) if known is not None)
        if declared is not None and name in declared:
            continue
        if name in POOL | REQUEST_CAPS | LENGTH_CAPS:
            yield from capacity(legs[0], legs[1], difference)
        elif derived:
            yield Remark(f"{name}: follows from the declared lever")
        else:
            free.append(difference)
    yield from _levers(free, declared)


def _levers(free: list[Difference], declared: set[str] | None) -> Iterator[Outcome]:
    where = at("candidate/bench_runs.jsonl")
    said = "; ".join(f"{it.plain}: {it.reference} → {it.candidate}" for it in free)[:500]
    arguments = [it for it in free if classify_field(it.plain) in ("lever", "identity")]
    if declared is None and len(free) == 1 and arguments:
        yield flag("a declared lever", said, "say what was changed, in a claim file", where, modes=("A03",))
    elif arguments or (free and declared is None):
        yield fail(
            "one difference between the legs", said, "change one thing at a time, and declare it", where,
            modes=("A03", "C04"), code="undeclared_difference",
        )  # fmt: skip
    elif free:
        yield flag("equal resolved arguments", said, "say why these values differ", where, modes=("C04",))


def _delta(decision: FewDecision | None) -> Iterator[Outcome]:
    where = at("candidate/bench_runs.jsonl")
    if decision is None:
        yield Unverifiable("a positive throughput in every round", (where,))
        return
    low, high = decision.gain_interval
    simple = decision.simple
    said = (
        f"{decision.gain:+.2%} [{low:+.2%}, {high:+.2%}], launch sd {decision.launch_sd:.1%} "
        f"({decision.launch_sd_source}), round sd {decision.round_sd:.1%}; simple rule: {simple.delta:+.2%}, "
        f"{'separated' if simple.separated else 'overlapping'}{', vacuous' if simple.vacuous else ''}"
    )
    if decision.verdict == "real":
        yield info("a gain above the floor", said, where)
    else:
        advice = "measure six interleaved pairs of fresh launches; one launch per leg says little"
        yield fail("a gain above the floor", said, advice, where, modes=("D01", "D03"), code=decision.verdict)


def _reported(
    legs: tuple[LegView, LegView], claim: ReportedClaim | None, decision: FewDecision | None
) -> Iterator[Outcome]:
    for leg in legs:
        yield from record_findings(leg)
    if claim is None:
        yield Remark("no claim was given; figures are recomputed from raw")
        return
    where = at("claim.json")
    for leg, figures in ((legs[0], claim.reference), (legs[1], claim.candidate)):
        for name in FIELDS:
            true, said = leg_figure((leg,), name), figures.get(name)
            if true is not None and said is not None and not agrees(name, said, true):
                yield wrong(f"{leg.name}.{name} = {true:.4f}", f"{said:.4f}", where)
    if decision is not None and claim.delta is not None:
        known = (decision.gain, decision.simple.delta)
        if all(abs(claim.delta - true) > POINTS for true in known):
            yield wrong(f"delta {decision.gain:+.2%}", f"delta {claim.delta:+.2%}", where)


def _outputs(legs: tuple[LegView, LegView]) -> Iterator[Outcome]:
    if not all(leg.outputs for leg in legs):
        files = tuple(at(leg.path("outputs.jsonl")) for leg in legs if not leg.outputs)
        yield Unverifiable("greedy outputs of both legs", files, Severity.FLAG)
        return
    found = parity(*({one.prompt_id: one for one in leg.outputs if one.repeat == 0} for leg in legs))
    where = at("candidate/outputs.jsonl")
    if found.same:
        yield info("equal tokens", str(found), where)
    else:
        yield fail(
            "equal tokens", str(found), "show paired accuracy if the change reorders arithmetic", where, modes=("Q02",)
        )


def _problems(reader: Reader) -> Iterator[Outcome]:
    for problem in reader.problems:
        where = at(problem.file, problem.line)
        if problem.kind == "torn":
            yield Remark(f"{problem.file} line {problem.line}: torn last line, left out")
        else:
            yield fail(
                "readable records", f"{problem.kind}: {problem.text}", "give the files as they were written", where
            )


def _metrics(legs: tuple[LegView, LegView], decision: FewDecision | None) -> tuple[Metric, ...]:
    found = []
    for name in FIELDS:
        before, after = leg_figure((legs[0],), name), leg_figure((legs[1],), name)
        bounds = decision.gain_interval if decision is not None and name == METRIC else None
        found.append(
            Metric(
                name=name,
                unit=UNITS.get(name, "ms"),
                reference=before,
                candidate=after,
                delta=after / before - 1.0 if before and after is not None else None,
                interval=Interval(lower=bounds[0], upper=bounds[1]) if bounds else None,
            )
        )
    return tuple(found)


def _headline(decision: FewDecision | None) -> str:
    if decision is None:
        return "nothing could be derived from the evidence"
    low, high = decision.gain_interval
    launches = " and ".join(map(str, decision.launches))
    said = decision.verdict.replace("_", " ")
    return f"{METRIC} {decision.gain:+.1%} [{low:+.1%}, {high:+.1%}] on {launches} launches, {said}"
