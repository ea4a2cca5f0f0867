"""Files that somebody else measured: what can be said without a plan, a control or many launches.

Takes whatever ``foreign/formats.py`` knows: two legs, a run folder of GEAK that holds both, or a baseline alone. How
launches differ is assumed where too few of them are there (``few.py``), and the verdict says so. What the files do not
show is named and is never a PASS. Reading is bounded by sizes, each check by a budget of time that needs no alarm
signal (``budget.py``), and a check that raises leaves the others alone.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from bankable.nodes.auditor.importers import formats, geak
from bankable.nodes.auditor.importers.geak_claims import GeakClaims, read_claims
from bankable.nodes.auditor.importers.intake import Intake
from bankable.nodes.auditor.importers.judge import judge_baseline, judge_pair
from bankable.nodes.auditor.importers.leg import ForeignLeg
from bankable.nodes.auditor.importers.pair_case import PairCase, PairScope
from bankable.nodes.auditor.reading.reader import Reader
from bankable.nodes.auditor.reading.reported import ReportedClaim
from bankable.nodes.auditor.verdict import Verdict
from bankable.tools.errors import UserError

SCOPES: tuple[PairScope, ...] = ("patch", "bundle", "baseline")
_GEAKS = frozenset({"throughput_speedup", "e2e_delta_pct", "ref_med", "e2e"})
"""One of these names one of GEAK's summaries."""


def audit_pair(
    reference: Path, candidate: Path | None = None, claim: Path | None = None, scope: PairScope = "patch"
) -> Verdict:
    """Judge two legs and, where given, a claim about them.

    Without a candidate, ``reference`` is a run folder of GEAK with both legs, or with scope ``baseline`` a leg that is
    judged alone. Raises ``UserError`` when a leg has no usable round or no known format.
    """
    with tempfile.TemporaryDirectory(prefix="audit-pair-") as name:
        # Resolved: a temporary folder may itself lie behind a link (macOS).
        intake = Intake(Path(name).resolve())
        if scope == "baseline":
            if candidate is not None:
                raise UserError("scope baseline judges one leg", str(candidate), "give the reference alone")
            return _baseline(intake, reference)
        return _pair(intake, reference, candidate, claim, scope)


def _pair(intake: Intake, reference: Path, candidate: Path | None, claim: Path | None, scope: PairScope) -> Verdict:
    run = geak.locate(reference) if candidate is None else None
    if candidate is None and run is None:
        raise UserError("one path, and no run folder with two legs", str(reference), "give a reference and a candidate")
    places = (run.reference, run.candidate) if run is not None else (reference, candidate)
    reader = Reader(intake.root)
    given = [formats.take(intake, place, side) for place, side in _sides(places)]
    names = geak.take_summaries(intake, run.summaries) if run is not None else ()
    if claim is not None:
        intake.file(claim, "claim.json")
    if any(reader.exists(f"candidate/{name}") for name in geak.SUMMARIES):
        names += tuple(f"candidate/{name}" for name in geak.SUMMARIES if reader.exists(f"candidate/{name}"))
    legs = [formats.read(reader, side, found) for (_, side), found in zip(_sides(places), given, strict=False)]
    if len(legs) < 2:
        legs.append(_absent(reader))
    _usable(reader, legs)
    told, summaries = _claim(reader, claim is not None, names)
    return judge_pair(PairCase(reader, legs[0], legs[1], told, "claim.json", summaries, scope))


def _sides(places: tuple[Path, Path | None]) -> list[tuple[Path, str]]:
    named = zip(places, ("reference", "candidate"), strict=True)
    return [(place, side) for place, side in named if place is not None]


def _absent(reader: Reader) -> ForeignLeg:
    """A candidate that was never measured: nothing is read, and that is found."""
    return formats.read(reader, "candidate", [formats.Given("candidate", None, None)])


def _usable(reader: Reader, legs: list[ForeignLeg]) -> None:
    """A leg without a round is a user's mistake, unless its own records say what became of it."""
    for leg in legs:
        known = any(launch.view.log is not None for launch in leg.launches) or leg.format == "no result"
        if not any(launch.rounds for launch in leg.launches) and (leg.name == "reference" or not known):
            why = reader.problems[0].text if reader.problems else "no result in it"
            raise UserError(f"no usable round of the {leg.name}", why, f"known are: {formats.KNOWN}")
    kinds = sorted({leg.format for leg in legs if leg.format != "no result"})
    if len(kinds) > 1:
        raise UserError(f"legs of two tools: {' and '.join(kinds)}", "", "measure both legs with one benchmark")


def _claim(reader: Reader, given: bool, names: tuple[str, ...]) -> tuple[ReportedClaim | None, GeakClaims | None]:
    """A claim file may be ours or one of GEAK's summaries; content decides."""
    told = None
    if given:
        found = reader.document("claim.json")
        if found is not None and _GEAKS & found.keys():
            names = (*names, "claim.json")
        elif found is not None:
            told = reader.validate(found, ReportedClaim, "claim.json", None)
    return told, read_claims(reader, names) if names else None


def _baseline(intake: Intake, source: Path) -> Verdict:
    run = geak.locate(source, baseline=True)
    reader = Reader(intake.root)
    leg = formats.read(reader, "reference", formats.take(intake, run.reference if run else source, "reference"))
    _usable(reader, [leg])
    return judge_baseline(reader, leg)
