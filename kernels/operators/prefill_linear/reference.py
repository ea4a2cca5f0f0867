"""Linear of many rows on the engine's side: called as the linear of few rows is."""

from __future__ import annotations

from dataclasses import replace

from bankable.kernels.operators.linear.reference import OPERATOR as LINEAR
from bankable.kernels.operators.prefill_linear import definition

OPERATOR = replace(LINEAR, family=definition.FAMILY)
