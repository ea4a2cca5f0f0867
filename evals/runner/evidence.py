"""A fixture's evidence as an auditor receives it: made from a seed, sealed, in a folder with a neutral name."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bankable.evals.fixtures.judge import seal_run
from bankable.evals.fixtures.model import Fixture
from bankable.tools.evidence.seal import Seal


@contextmanager
def seal_fixture(fixture: Fixture, seed: int = 0) -> Iterator[Seal]:
    """The sealed folder, for as long as the block lasts."""
    place = Path(tempfile.mkdtemp(prefix="evidence-"))
    seal: Seal | None = None
    try:
        run = fixture.make(place / "run", seed)
        seal = seal_run(
            run,
            fixture.scope,
            fixture.subject,
            1,
            place / "sealed",
            enter=fixture.entered,
            components=fixture.components,
        )
        shutil.rmtree(run)
        yield seal
    finally:
        if seal is not None and seal.folder.is_dir():
            seal.discard()
        shutil.rmtree(place, ignore_errors=True)
