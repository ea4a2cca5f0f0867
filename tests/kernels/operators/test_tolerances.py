"""What a family allows, the auditor lets pass: otherwise no kernel of it could ever be signed off."""

from __future__ import annotations

import pytest

from bankable.kernels.operators import FAMILIES
from bankable.nodes.auditor.rules.harness.tolerance import FINE_STEPS, STEP, STEPS


@pytest.mark.parametrize("name", FAMILIES)
def test_no_family_allows_more_than_the_auditor(name: str) -> None:
    for dtype, allowed in FAMILIES[name].allowed.items():
        steps = FINE_STEPS if STEP[dtype] <= STEP["float32"] else STEPS
        assert 0 < allowed.relative_error <= steps * STEP[dtype], dtype
        assert allowed.reason
