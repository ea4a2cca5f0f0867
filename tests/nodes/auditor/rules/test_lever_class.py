"""A serving lever is not a kernel win."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bankable.nodes.auditor.verdict import Word
from bankable.tools.evidence.records import Lever
from tests.nodes.auditor.builders import edit, hits, judge

RULE = "lever_class"
CLAIM = "comparisons/patch-stream_interval/claim.json"


def test_a_serving_lever_by_its_name_passes(run: Path) -> None:
    verdict = judge(run)
    assert (verdict.verdict, verdict.lever_class, verdict.counts_as_kernel_win) == (Word.PASS, "B", False)


def test_another_implementation_counts_as_a_kernel_win(make: Callable[..., Path]) -> None:
    verdict = judge(make(lever=Lever(flags={"sampling_backend": "flashinfer"})))
    assert (verdict.verdict, verdict.lever_class, verdict.counts_as_kernel_win) == (Word.PASS, "A", True)


def test_a_serving_lever_sold_as_a_kernel_loses_its_headline(run: Path) -> None:
    edit(run / CLAIM, lambda claim: claim.update(headline="new fused kernel"))
    verdict = judge(run)
    assert (verdict.verdict, verdict.action.value) == (Word.FLAG, "downgrade_headline")
    assert [hit.code for hit in hits(verdict, RULE)] == ["serving_lever_as_kernel"]


def test_an_unknown_lever_is_nobodys_win(make: Callable[..., Path]) -> None:
    verdict = judge(make(lever=Lever(flags={"quantum_mode": True})))
    assert (verdict.verdict, verdict.lever_class, verdict.counts_as_kernel_win) == (Word.FLAG, "indeterminate", False)
