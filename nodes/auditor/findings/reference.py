"""Names what a gain is over: the reference's engine, kernels and settings, as its own records show them."""

from __future__ import annotations

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.reading.view import LegView
from bankable.tools.evidence.records import Side
from bankable.tools.evidence.reference import describe_reference

FALLBACK = "torch_native"
"""The attention backend of a CPU engine without its own kernels."""


def name_reference(case: Case) -> str:
    """``sglang 0.5.23 on CPU without its kernel package: torch-native operators, 1 thread``; empty where unknown."""
    legs = case.counted(Side.REFERENCE)
    chosen = case.planned.chosen if case.planned is not None else None
    recorded = describe_reference((leg.record for leg in legs if leg.record is not None), chosen)
    return recorded or (_by_answer(legs[0]) if legs else "")


def _by_answer(leg: LegView) -> str:
    """From the server's own answer and log, where another tool recorded the launch; for a CPU only."""
    info = leg.server_info or {}
    if info.get("device") != "cpu" or not isinstance(info.get("attention_backend"), str):
        return ""
    lacks = leg.log is not None and leg.log.cpu_kernels is False
    package = " without its kernel package" if lacks else ""
    backend = info["attention_backend"]
    what = "torch-native operators" if backend == FALLBACK else f"attention backend {backend}"
    return f"sglang {info.get('version', '')} on CPU{package}: {what}".replace("  ", " ")
