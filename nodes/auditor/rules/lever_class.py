"""The credit goes to the right kind of change (A01 A02).

Class A: the same work done faster (another implementation). Class B: an algorithmic or serving lever. A class B gain is
real and is accounted for separately; called a kernel win it costs the headline. Settings are classed by registry; a
replaced operator by the source of its overlay: what it writes to, not what it is called. An unknown lever, or an
overlay whose source is absent or cannot be followed, has no class: it can be banked, but under no class. Neither
has a change that nobody declared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.credit import lever_class, overlay_reading
from bankable.nodes.auditor.rule import GAINS, NotApplicable, Outcome, Rule, Unverifiable, at, flag, info
from bankable.nodes.auditor.verdict import Action, Severity
from bankable.tools.evidence.layout import OVERLAY_FOLDER

_KERNEL = re.compile(r"\b(?:kernels?|fused|triton|operators?|cuda(?!:\d))\b", re.IGNORECASE)
"""``cuda:0`` is a device."""
_DENIED = re.compile(
    r"\b(?:not an?|not|no|without(?: an?)?) (?:(?:new|faster|custom|other) )?kernels?\b", re.IGNORECASE
)
"""A headline that says it is no kernel claims none."""


def check(case: Case) -> Iterator[Outcome]:
    if not case.declared:
        yield NotApplicable("no change was declared")
        return
    kind, where, text = lever_class(case), at(case.lever_file), case.headline
    yield from _overlay(case)
    unknown = sorted(
        name for name, argument in case.knobs.items() if argument is None and name not in case.lever.overlays
    )
    if unknown:
        yield flag(
            "levers with a known class",
            f"no entry for {', '.join(unknown)}",
            "register the knob with its class and reason before quoting this gain",
            where,
            code="indeterminate_class",
        )
    if kind == "B" and (case.sold_as_kernel or _KERNEL.search(_DENIED.sub("", text))):
        yield flag(
            "a headline that calls it a serving lever",
            f"headline: {text[:200]}" if text else f"{', '.join(case.lever.names())} reported as a kernel's gain",
            "report this gain apart from kernel gains",
            where if case.sold_as_kernel else at(case.claim_file),
            action=Action.DOWNGRADE_HEADLINE,
            code="serving_lever_as_kernel",
        )
    elif kind != "indeterminate":
        yield info("levers with a known class", f"class {kind}", where)


def _overlay(case: Case) -> Iterator[Outcome]:
    if not case.lever.overlays:
        return
    reading, where = overlay_reading(case), at(case.comparison.path(OVERLAY_FOLDER))
    names = ", ".join(sorted(case.lever.overlays))
    if reading is None:
        yield Unverifiable(f"source of the overlay for {names}", (where,), Severity.FLAG, code="overlay_unread")
    elif reading.lever_class == "B":
        yield flag(
            f"an overlay that replaces {names} and nothing else",
            "; ".join(reading.reasons)[:400],
            "move what changes serving into a lever of its own, and measure the two apart",
            where,
            action=Action.DOWNGRADE_HEADLINE,
            modes=("A02", "A03"),
            code="overlay_changes_serving",
        )
    elif reading.lever_class == "indeterminate":
        yield flag(
            f"an overlay whose effect can be read from its source: {names}",
            "; ".join(reading.reasons)[:400],
            "write the replacement at the operator's patch point in plain source",
            where,
            code="indeterminate_class",
        )


rule = Rule("lever_class", GAINS, ("A01", "A02", "A03"), ("lever",), check, gives=(Severity.FLAG,))
