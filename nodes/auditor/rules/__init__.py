"""The rules in the order in which they are asked. To add one: a file here, and a line in ``RULES``."""

from __future__ import annotations

from nodes.auditor.rule import Rule
from nodes.auditor.rules import (
    rows_complete,
)

RULES: tuple[Rule, ...] = (
    rows_complete.rule,
)
