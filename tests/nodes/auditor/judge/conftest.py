"""A sealed patch that replaces an operator, honest and with a clear gain."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bankable.evals.fixtures.build.kernel import kernel_run
from bankable.tools.evidence.seal import Seal, seal
from tests.nodes.auditor.builders import enter_all
from tests.nodes.auditor.judge.ballots import SUBJECT


@pytest.fixture
def patch_run(tmp_path: Path) -> Path:
    """The run, for tests that add to it before it is sealed."""
    run = kernel_run(tmp_path / "run", gain=0.1, block_sd=0.002, round_sd=0.002)
    enter_all(run)
    return run


@pytest.fixture
def sealed(patch_run: Path, tmp_path: Path) -> Iterator[Seal]:
    found = seal(patch_run, "patch", SUBJECT, 1, tmp_path / "sealed")
    yield found
    found.discard()
