"""Start to verdict beside an interpreter that imports pydantic."""

from __future__ import annotations

import pytest

from bankable.evals.bench import start
from bankable.evals.bench.start import StartTimes, Took, measure
from bankable.tools.errors import UserError


def test_both_are_really_started() -> None:
    found = measure(1)
    assert len(found.audit) == len(found.peer) == 1
    assert found.audit[0].cpu > found.peer[0].cpu > 0.02
    assert found.audit[0].wall >= 0.5 * found.audit[0].cpu


def test_the_difference_is_taken_pair_by_pair() -> None:
    audit = tuple(Took(wall, 0.3) for wall in (0.4, 9.0, 0.5))
    peer = tuple(Took(wall, 0.1) for wall in (0.2, 8.9, 0.1))
    found = StartTimes(audit, peer)
    assert found.beyond("wall") == pytest.approx(0.2)
    assert "0.200     0.200 s   (goal at most 0.3 s: met)" in found.table()
    assert "MISSED" in StartTimes((Took(1.0, 1.0),), (Took(0.1, 0.1),)).table()


def test_an_audit_without_a_verdict_is_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "CODES", {0})
    with pytest.raises(UserError, match="exit code 10"):
        measure(1)
