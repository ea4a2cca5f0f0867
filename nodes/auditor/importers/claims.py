"""Every number that somebody reports is the number that the records give (D06 D14 R01 C01)."""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.findings.reported import agrees, record_findings, wrong
from bankable.nodes.auditor.importers import aiperf_summary
from bankable.nodes.auditor.importers.conditions import same_value
from bankable.nodes.auditor.importers.geak_claims import Said, Stated, summary_figures
from bankable.nodes.auditor.importers.leg import ForeignLeg, Launch
from bankable.nodes.auditor.importers.pair_case import PairCase
from bankable.nodes.auditor.importers.shown import gaps
from bankable.nodes.auditor.measured import FIELDS
from bankable.nodes.auditor.reading.resolved import drop_volatile, format_value
from bankable.nodes.auditor.rule import Outcome, Remark, at, flag
from bankable.nodes.auditor.verdict import Action

POINTS = 0.005
"""A claimed gain, as a fraction, may come from either of the two usual definitions, to half a point."""


def check(pair: PairCase) -> Iterator[Outcome]:
    for leg in pair.legs:
        yield from records(pair, leg)
    yield from gaps(pair, "reported_vs_raw")
    if pair.claim is None and pair.geak is None:
        yield Remark("no claim was given; figures are recomputed from raw")
    yield from _claim(pair)
    if pair.geak is not None:
        for said in pair.geak.figures:
            yield from _figure(pair, said)
        yield from _conditions(pair, pair.geak.conditions)


def records(pair: PairCase, leg: ForeignLeg) -> Iterator[Outcome]:
    """Figures in the result files, against finer records of the same files and against the summaries beside them."""
    for launch in leg.launches:
        yield from record_findings(launch.view)
        for each in launch.rounds:
            for one in each.checks:
                if not agrees(one.name, one.reported, one.true):
                    yield wrong(f"{one.name} = {one.true:.4f}", f"{one.name} = {one.reported:.4f}", each.where)
        yield from _beside(pair, launch)


def _beside(pair: PairCase, launch: Launch) -> Iterator[Outcome]:
    """Summaries of this launch: GEAK's ``bench_summary.json``, AIPerf's aggregate."""
    for name in launch.summaries:
        record = _quiet(pair, name)
        if record is None:
            continue
        said = summary_figures(record) if "all_throughput" in record else {}
        said = said or (aiperf_summary.figures(record) if aiperf_summary.recognise(record) else {})
        alone = ForeignLeg("", "", (launch,))
        for figure, value in said.items():
            true = alone.figure(figure)
            if true is not None and not agrees(figure, value, true):
                yield wrong(f"{figure} = {true:.4f}", f"{figure} = {value:.4f}", at(name))


def _quiet(pair: PairCase, name: str) -> dict[str, object] | None:
    """A side file as an object; one that is something else is nobody's claim."""
    with (pair.reader.folder / name).open("rb") as stream:
        if not stream.read(64).strip().startswith(b"{"):
            return None
    return pair.reader.document(name)


def _claim(pair: PairCase) -> Iterator[Outcome]:
    claim, decision = pair.claim, pair.decision
    if claim is None:
        return
    where = at(pair.claim_file)
    for leg, figures in ((pair.reference, claim.reference), (pair.candidate, claim.candidate)):
        for name in FIELDS:
            true, said = leg.figure(name), figures.get(name)
            if true is not None and said is not None and not agrees(name, said, true):
                yield wrong(f"{leg.name}.{name} = {true:.4f}", f"{said:.4f}", where)
    if decision is not None and claim.delta is not None:
        known = (decision.gain, decision.simple.delta)
        if all(abs(claim.delta - true) > POINTS for true in known):
            yield wrong(f"delta {decision.gain:+.2%}", f"delta {claim.delta:+.2%}", where)
    stated = tuple(Stated(pair.claim_file, name, str(value)) for name, value in sorted(claim.conditions.items()))
    yield from _conditions(pair, stated)


def _figure(pair: PairCase, said: Said) -> Iterator[Outcome]:
    where = at(said.file)
    if said.name == "gain":
        known = (pair.decision.gain, pair.decision.simple.delta) if pair.decision is not None else ()
        if known and all(abs(said.value - true) > POINTS for true in known):
            yield wrong(f"gain {known[0]:+.2%}", f"gain {said.value:+.2%}", where)
        return
    leg = pair.reference if said.side == "reference" else pair.candidate
    true = leg.figure(said.name)
    if true is not None and not agrees(said.name, said.value, true):
        yield wrong(f"{leg.name}.{said.name} = {true:.4f}", f"{said.value:.4f}", where)


def _conditions(pair: PairCase, stated: tuple[Stated, ...]) -> Iterator[Outcome]:
    """Serving conditions that a summary asserts and a server contradicts; what they do to the gain is judged apart."""
    infos = {leg.name: drop_volatile(leg.first.view.server_info or {}) for leg in pair.legs}
    for one in stated:
        for leg in pair.legs:
            known = infos[leg.name]
            if one.side not in (None, leg.name) or one.name not in known or one.value == "None":
                continue
            if not same_value(one.value, format_value(known, one.name)):
                yield flag(
                    f"{leg.name}.{one.name} = {format_value(known, one.name)}"[:300],
                    f"{one.name} = {one.value}",
                    "report what each server resolved, not what was asked for",
                    at(one.file),
                    leg.where,
                    action=Action.FLAG,
                    modes=("C01", "D14"),
                    code="misreported_condition",
                )
