"""A gain is over what a competent operator would start, or its headline says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bankable.evals.fixtures.build.edits import PATCH, claim, plan, record
from bankable.evals.fixtures.build.gpu import every_leg
from bankable.evals.fixtures.cases.references import FIXTURES
from bankable.nodes.auditor.verdict import Action, Severity, Word
from bankable.tools.evidence.records import ServerConfig
from tests.nodes.auditor.builders import hits, judge

RULE = "reference_strength"
MADE = {fixture.id: fixture for fixture in FIXTURES}


def _codes(run: Path) -> set[str]:
    return {hit.code for hit in hits(judge(run), RULE, Severity.FLAG)}


def _made(name: str, tmp_path: Path) -> Path:
    return MADE[name].make(tmp_path / "run", 0)


def test_a_declared_fallback_passes_and_the_headline_names_it(tmp_path: Path) -> None:
    verdict = judge(_made("c19-no-package-installed", tmp_path))
    assert verdict.verdict is Word.PASS
    assert verdict.headline.endswith(
        ", over sglang 0.5.23 on CPU without its kernel package: torch-native operators, 1 thread on 2 cores"
    )


def test_a_headline_that_says_it_declares_a_fallback(tmp_path: Path) -> None:
    run = _made("c19-fallback-not-declared", tmp_path)
    assert _codes(run) == {"undeclared_fallback"}
    claim(run, headline="+30 % over sglang on CPU without its kernel package")
    assert _codes(run) == set()


@pytest.mark.parametrize(
    ("name", "code", "named"),
    [
        ("c19-native-attention", "kernels_unused", "with sglang-kernel-cpu 0.4.6: torch-native operators"),
        ("c19-one-thread-of-many-cores", "few_threads", "1 thread on 64 cores"),
        ("c19-cap-below-the-load", "lowered_default", "max_running_requests=2"),
    ],
)
def test_a_weaker_reference_is_flagged_under_a_corrected_headline(
    name: str, code: str, named: str, tmp_path: Path
) -> None:
    verdict = judge(_made(name, tmp_path))
    found = hits(verdict, RULE, Severity.FLAG)
    assert {(hit.code, hit.action) for hit in found} == {(code, Action.DOWNGRADE_HEADLINE)}
    assert (verdict.verdict, verdict.action) == (Word.FLAG, Action.DOWNGRADE_HEADLINE)
    assert named in verdict.headline


def test_a_share_less_than_whole_is_rounded_down(make: Callable[..., Path]) -> None:
    """Five cores give two to each of two servers."""
    reference = ServerConfig(flags={"max_total_tokens": 65536}, env={"OMP_NUM_THREADS": "2"})
    chosen = {"cores": 5, "servers": 2, "threads": 2, "kernels": "", "reasons": {}}
    run = make(reference=reference, control={"reference": reference})
    plan(run, PATCH, chosen=chosen)
    assert _codes(run) == set()
    plan(run, PATCH, chosen={**chosen, "cores": 6})
    assert _codes(run) == {"few_threads"}


def test_a_cap_that_the_headline_states_is_told(tmp_path: Path) -> None:
    run = _made("c19-cap-below-the-load", tmp_path)
    claim(run, headline="+30 % over a server with max_running_requests=2")
    assert _codes(run) == set()


def test_an_older_plan_without_a_choice_is_not_asked_for_threads(run: Path) -> None:
    assert _codes(run) == set()


def test_a_record_of_kernels_on_a_graphics_device_binds_no_threads(run: Path) -> None:
    kernels = {"name": "sgl-kernel", "version": "0.4.10", "digest": "e" * 64, "live": True}
    for leg in every_leg(run):
        record(leg, lambda document: (document["engine"].update(kernels=kernels), document.update(device="cuda")))
    assert _codes(run) == set()
