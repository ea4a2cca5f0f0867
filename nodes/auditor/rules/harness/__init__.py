"""Rules of scope harness: is an operator's isolated speed-up a valid measurement? Each file with a ``rule`` is one."""

from __future__ import annotations

import importlib
import pkgutil

from bankable.nodes.auditor.rule import Rule

HARNESS_RULES: tuple[Rule, ...] = tuple(
    module.rule
    for info in pkgutil.iter_modules(__path__, f"{__name__}.")
    if hasattr(module := importlib.import_module(info.name), "rule")
)
