"""What the files do not show, by name: never a PASS where it decides, never an accusation."""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.importers.leg import ForeignLeg
from bankable.nodes.auditor.importers.pair_case import PairCase
from bankable.nodes.auditor.rule import NotShown
from bankable.nodes.auditor.verdict import Evidence


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
