"""The rules in the order in which they run.

To add one: a file here with a ``rule``. First those that the derivation of the number depends on, then the others by
name; the one that must see all files opened is last.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

from bankable.nodes.auditor.rule import Rule
from bankable.nodes.auditor.rules.harness import HARNESS_RULES
from bankable.nodes.auditor.rules.invariants import INVARIANT_RULES


def _rules() -> Iterator[Rule]:
    yield from HARNESS_RULES
    yield from INVARIANT_RULES
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        if not module.ispkg:
            rule: Rule = importlib.import_module(module.name).rule
            yield rule


RULES: tuple[Rule, ...] = tuple(sorted(_rules(), key=lambda rule: (rule.last, not rule.gate, rule.id)))
