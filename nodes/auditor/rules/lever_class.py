"""The credit goes to the right kind of change (A01 A02).

Class A: the same work done faster (another implementation). Class B: an algorithmic or serving lever. A class B gain is
real and is accounted for separately; called a kernel win it costs the headline. An unknown lever has no class: it can
be banked, but under nobody's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from nodes.auditor.case import Case
from nodes.auditor.conclusion import lever_class
from nodes.auditor.rule import GAINS, Outcome, Rule, at, flag, info
from nodes.auditor.verdict import Action

_KERNEL = re.compile(r"\b(kernels?|fused|triton|operators?|cuda)\b", re.IGNORECASE)


def check(case: Case) -> Iterator[Outcome]:
    kind, where = lever_class(case), at(case.plan_file)
    text = case.comparison.claim.headline if case.comparison.claim else ""
    unknown = sorted(name for name, known in case.knobs.items() if known is None)
    if unknown:
        yield flag(
            "levers with a known class", f"no entry for {', '.join(unknown)}",
            "register the knob with its class and reason before quoting this gain", where, code="indeterminate_class",
        )  # fmt: skip
    if kind == "B" and _KERNEL.search(text):
        yield flag(
            "a serving lever called by its name", f"headline: {text[:200]}",
            "report this gain apart from kernel gains", at(case.claim_file),
            action=Action.DOWNGRADE_HEADLINE, code="serving_lever_as_kernel",
        )  # fmt: skip
    elif not unknown:
        yield info("levers with a known class", f"class {kind}", where)


rule = Rule("lever_class", GAINS, ("A01", "A02"), ("plan",), check)
