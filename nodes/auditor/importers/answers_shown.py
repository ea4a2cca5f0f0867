"""Are the answers still right, and did no server break? (Q01 Q02 Q03 H17 D05)"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.findings.answers import accuracy_finding, parity
from bankable.nodes.auditor.importers.leg import ForeignLeg, Launch
from bankable.nodes.auditor.importers.pair_case import PairCase
from bankable.nodes.auditor.importers.shown import gaps, logs
from bankable.nodes.auditor.rule import NotShown, Outcome, Unverifiable, at, fail, flag, info
from bankable.nodes.auditor.verdict import Action, Evidence
from bankable.tools.statistics.coherence import coherence


def outputs(pair: PairCase) -> Iterator[Outcome]:
    yield from gaps(pair, "output_correctness")
    reference, candidate = (leg.outputs for leg in pair.legs)
    if not reference or not candidate:
        places = tuple(_file(leg) for leg in pair.legs if not leg.outputs)
        fix = "probe both servers with the same greedy prompts and keep the answers"
        yield NotShown("greedy outputs of both legs", fix, places)
        return
    texts = [one.text for one in reference if one.repeat == 0]
    report = coherence(texts)
    if not report.coherent and report.enough:
        yield fail(
            "a reference that decodes coherent text",
            "; ".join(report.reasons)[:500],
            "serve a model whose answers can be right or wrong: parity with gibberish proves nothing",
            _file(pair.reference),
            modes=("Q01",),
            code="unverifiable_noncoherent_reference",
        )
        return
    if not report.coherent:
        yield NotShown("enough text to see that the reference is coherent", "; ".join(report.reasons)[:300])
    found = parity(*({one.prompt_id: one for one in outputs if one.repeat == 0} for outputs in (reference, candidate)))
    where = _file(pair.candidate)
    if found.compared == 0:
        yield NotShown("answers of both legs to the same prompts", "ask both servers the same prompts", (where,))
    elif found.same:
        yield info("equal tokens", str(found), where)
    elif any(known is None or known.changes_numerics for known in pair.knobs.values()) and pair.knobs:
        yield from _accuracy(pair, str(found))
    else:
        yield fail(
            "equal tokens", str(found), "show paired accuracy if the change reorders arithmetic", where, modes=("Q02",)
        )


def faults(pair: PairCase) -> Iterator[Outcome]:
    """A candidate whose server breaks does harm whatever its rate."""
    yield from logs(pair)
    broken = [_fault(leg) for leg in pair.legs]
    crashed = pair.geak.crashed if pair.geak is not None else ()
    for leg, fault in zip(pair.legs, broken, strict=True):
        if fault is not None:
            launch, line, text = fault
            harm = leg.name == "candidate" and broken[0] is None
            yield fail(
                "a log without faults after the server was ready",
                f"{leg.name}: {text}",
                "do no harm: find this fault before measuring again",
                at(launch.view.path("server.log"), line),
                action=Action.EJECT if harm else Action.REMEASURE,
                modes=("H17", "D05"),
                code="server_fault",
            )
    for name in crashed:
        yield fail(
            "a candidate that stays up",
            "its own record says that the server died",
            "do no harm: find this fault before measuring again",
            at(name),
            modes=("H17",),
            code="server_fault",
        )
    counts = [sum(len(launch.rounds) for launch in leg.launches) for leg in pair.legs]
    if counts[1] < counts[0] and (broken[1] is not None or crashed):
        yield fail(
            f"{counts[0]} rounds, as on the reference",
            f"{counts[1]}",
            "a server that dies loses its rounds",
            pair.candidate.where,
            modes=("H17", "D11"),
            code="missing_rounds",
        )
    for leg in pair.legs:
        if any(launch.view.log is not None and launch.view.log.retractions for launch in leg.launches):
            yield flag(
                "a KV pool that never filled",
                f"{leg.name}: requests were retracted",
                "give the pool more room on both legs, or lower the concurrency",
                leg.where,
                modes=("C13",),
                code="retractions",
            )


def _fault(leg: ForeignLeg) -> tuple[Launch, int, str] | None:
    for launch in leg.launches:
        if launch.view.log is not None and launch.view.log.faults:
            line, text = launch.view.log.faults[0]
            return launch, line, text
    return None


def _accuracy(pair: PairCase, said: str) -> Iterator[Outcome]:
    views = [next((launch.view for launch in leg.launches if launch.view.answers), None) for leg in pair.legs]
    if views[0] is None or views[1] is None:
        yield Unverifiable(f"paired accuracy of both legs ({said})", (_file(pair.candidate),))
        return
    before, after = views[0], views[1]
    yield from accuracy_finding(
        before.answers, after.answers, at(after.path("accuracy.jsonl")), at(before.path("accuracy.jsonl"))
    )


def _file(leg: ForeignLeg) -> Evidence:
    return at(next((it.outputs_file for it in leg.launches if it.outputs), leg.first.outputs_file))
