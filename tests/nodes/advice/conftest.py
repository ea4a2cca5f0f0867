"""The context of a recorded run, with a model at a scripted endpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bankable.graph.session import read_recorded_config, session
from bankable.tools.llm.advisor import Advisor
from bankable.tools.llm.scripted_endpoint import ScriptedEndpoint
from bankable.tools.llm.settings import CallLimits, EndpointSettings, endpoint
from bankable.tools.measurement.run_context import RunContext
from tests.kernels.conftest import compiler, fork_server, python

__all__ = ["compiler", "fork_server", "opened", "python"]

RECORDING = Path(__file__).resolve().parents[3] / "evals" / "recorded" / "cpu-search.tar.xz"


@pytest.fixture
def opened(tmp_path: Path) -> Callable[[ScriptedEndpoint], object]:
    """``with opened(endpoint) as context``: a run folder that is opened again when it is there."""

    @contextmanager
    def call(served: ScriptedEndpoint) -> Iterator[RunContext]:
        out = tmp_path / "run"
        with session(read_recorded_config(RECORDING, {}), out, resume=out.exists()) as context:
            settings = EndpointSettings(endpoint=endpoint("m", served.url), limits=CallLimits(attempts=2, pause_s=0.01))
            yield replace(context, advisor=Advisor(settings, out / "llm_calls.jsonl"))

    return call
