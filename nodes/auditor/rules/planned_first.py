"""The plan was recorded before the first launch, and nothing was rewritten since (D10 R03).

From the run's ledger up to this audit: its chain holds; the comparison's plan was entered once, before any of its legs,
and is the plan that is sealed here; so are claim and leg records. A plan that came after the launches is no plan: block
counts, looks and floor could have been chosen by the result.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.rule import FRONTIER, GAINS, Found, Outcome, Rule, Unverifiable, at, fail, info
from bankable.nodes.auditor.verdict import Action, Severity
from bankable.tools.evidence.ledger import GENESIS, LedgerEntry, link_of

LEDGER = "ledger.jsonl"


def check(case: Case) -> Iterator[Outcome]:
    entries = case.view.ledger or ()
    broken = _broken(entries)
    if broken is not None:
        yield _wrong("an unbroken chain", f"entry {broken} does not follow from the one before", LEDGER, broken + 1)
        return
    folder = f"comparisons/{case.request.comparison}"
    plans = [entry for entry in entries if entry.path == f"{folder}/plan.json"]
    legs = [entry for entry in entries if entry.path.startswith(f"{folder}/legs/")]
    if not plans or not legs:
        yield Unverifiable(f"plan and legs of {case.request.comparison} in the ledger", (at(LEDGER),), Severity.FAIL)
        return
    if plans[0].seq > legs[0].seq:
        yield fail(
            "a plan recorded before its first launch",
            f"{legs[0].path} was entered first",
            "write the plan before the first launch; measure fresh blocks under it",
            at(LEDGER, legs[0].seq + 1),
            at(LEDGER, plans[0].seq + 1),
            action=Action.REMEASURE,
            modes=("D10", "D09"),
            code="planned_after",
        )
    changed = list(_find_changed(case, entries, folder))
    yield from changed
    if len(plans) > 1 and not changed:
        yield _wrong("a plan that was entered once", f"entered {len(plans)} times", LEDGER, plans[-1].seq + 1)
    if not changed:
        yield info("a plan recorded before its first launch", f"entry {plans[0].seq} of {len(entries)}", at(LEDGER))


def _broken(entries: tuple[LedgerEntry, ...]) -> int | None:
    before = GENESIS
    for number, entry in enumerate(entries):
        if entry.seq != number or entry.prev != before or entry.link != link_of(entry):
            return number
        before = entry.link
    return None


def _find_changed(case: Case, entries: tuple[LedgerEntry, ...], folder: str) -> Iterator[Found]:
    """Sealed records that are not the ones entered last under their name."""
    by_path = {entry.path: entry for entry in entries}
    names = ["plan.json", "claim.json", *(f"legs/{leg.name}/leg.json" for leg in case.legs)]
    for name in names:
        path, entry = case.view.folder / "comparison" / name, by_path.get(f"{folder}/{name}")
        if not path.is_file():
            continue
        if entry is None:
            yield _wrong(f"{name} in the ledger", "it was never entered", case.comparison.path(name), None)
        elif (digest := case.view.reader.digest(case.comparison.path(name))) != entry.sha256:
            yield _wrong(
                f"{name} as it was entered: {entry.sha256[:12]}",
                digest[:12],
                case.comparison.path(name),
                None,
            )


def _wrong(expected: str, observed: str, file: str, line: int | None) -> Found:
    return fail(
        expected,
        observed,
        "measure again; evidence is entered once, when it is finished, and never changed",
        at(file, line),
        action=Action.REMEASURE,
        modes=("R03", "D10"),
        code="ledger_differs",
    )


rule = Rule(
    "planned_first",
    GAINS | FRONTIER,
    ("D10", "R03"),
    ("plan", "rounds", "ledger"),
    check,
    missing=Severity.FLAG,
    gives=(Severity.FAIL,),
)
