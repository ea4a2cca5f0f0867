"""What the files do not show, by name: never a PASS where it decides, never an accusation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nodes.auditor.foreign.leg import ForeignLeg
from nodes.auditor.foreign.pair_case import PairCase
from nodes.auditor.verdict import Action, Evidence, Finding, Note, Severity


@dataclass(frozen=True)
class NotShown:
    """A record that the format or the folder lacks.

    Unlike ``Unverifiable`` it does not ask to measure again: a tool's files may be all that there ever was. It caps the
    verdict at FLAG and leaves the action to what was found.
    """

    what: str
    fix: str
    evidence: tuple[Evidence, ...] = ()
    decides: bool = True

    def add(self, rule: str, findings: list[Finding], notes: list[Note]) -> None:
        """A note, and where it decides a finding."""
        notes.append(Note(rule=rule, kind="unverifiable", text=f"missing: {self.what}"))
        if self.decides:
            findings.append(
                Finding(
                    rule=rule,
                    severity=Severity.FLAG,
                    expected="a record that decides this",
                    observed=f"not shown: {self.what}",
                    evidence=self.evidence,
                    action=Action.FLAG,
                    advice=self.fix,
                    code="not_shown",
                )
            )


def gaps(pair: PairCase, rule: str) -> Iterator[NotShown]:
    """Gaps of both legs that leave this check open, one each."""
    found: dict[str, tuple[str, bool, list[Evidence]]] = {}
    for leg in pair.legs:
        for gap in leg.gaps:
            if gap.rule == rule:
                text = f"{gap.what} ({leg.format})"
                found.setdefault(text, (gap.fix, gap.decides, []))[2].append(leg.where)
    for what, (fix, decides, places) in found.items():
        yield NotShown(what, fix, tuple(places), decides)


def logs(pair: PairCase) -> Iterator[NotShown]:
    """Launches without the server's own log: whether it broke, or threw requests back, is not known."""
    bare = [leg for leg in pair.legs if any(launch.view.log is None for launch in leg.launches)]
    if bare:
        places = tuple(leg.where for leg in bare)
        yield NotShown("server log", "put server.log beside each result", places)


def always(leg: ForeignLeg) -> Iterator[NotShown]:
    """Records that only this project's own legs have."""
    bare = [launch for launch in leg.launches if launch.view.record is None]
    if bare:
        what = f"warm-up, device, host, versions and life-cycle of the {leg.name}'s launches (leg.json)"
        yield NotShown(what, "measure with this project's runner", (leg.where,), decides=False)
    if any(not launch.view.host for launch in leg.launches):
        what = f"what else ran on the {leg.name}'s machine (host.jsonl)"
        yield NotShown(what, "record the machine once a second", (leg.where,), decides=False)
