"""A real and incompetent model as the judge: the shipped one, served by sglang. A minute, run with ``-m live``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bankable.nodes.auditor.judge.ask import judge
from bankable.nodes.auditor.judge.merge import merge
from bankable.nodes.auditor.judge.orders import Orders
from bankable.nodes.auditor.judge.record import JudgeRecord
from bankable.tools.evidence.records import HostSample, ServerConfig
from bankable.tools.evidence.seal import Seal
from bankable.tools.llm.client import Client
from bankable.tools.llm.outcome import Kind
from bankable.tools.llm.settings import CallLimits, EndpointSettings, endpoint
from bankable.tools.serving.driver import LaunchRequest
from bankable.tools.serving.engine import find_engine
from bankable.tools.serving.live import LiveDriver, LiveServer
from tests.nodes.auditor.builders import judge as rules
from tests.nodes.auditor.judge.ballots import SUBJECT
from tests.tools.llm.test_attempt import QUESTION, Colour

ROOT = Path(__file__).resolve().parents[4]
MODEL = ROOT / "tools" / "model" / "shipped"
LIMITS = CallLimits(attempts=2, attempt_s=60, call_s=120, pause_s=0.1, answer_tokens=200)

pytestmark = [pytest.mark.live, pytest.mark.long]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EndpointSettings]:
    folder = tmp_path_factory.mktemp("server")
    samples: list[HostSample] = []
    with LiveDriver(find_engine(), MODEL) as driver:
        request = LaunchRequest("judge", "live", ServerConfig(), "shipped", folder / "server.log", samples.append)
        (server,) = driver.launch([request])
        assert isinstance(server, LiveServer), server
        yield EndpointSettings(endpoint=endpoint("shipped", f"{server.url}/v1"), limits=LIMITS)


def test_the_server_holds_the_model_to_the_shape(settings: EndpointSettings) -> None:
    found = Client(settings, environ={}).ask_now("judge", QUESTION, Colour)
    assert found.kind in (Kind.ANSWERED, Kind.MALFORMED, Kind.TOO_LONG), found
    assert found.usage.prompt > 0
    assert not found.usage.estimated


@pytest.mark.parametrize("tokens", [300, 24_000])
def test_it_accuses_nobody_and_blocks_nothing(
    tokens: int, settings: EndpointSettings, sealed: Seal, patch_run: Path
) -> None:
    found = judge(sealed.folder, Client(settings, environ={}), Orders(settings=settings, tokens=tokens))
    assert JudgeRecord.model_validate_json(found.to_bytes()) == found
    assert len(found.votes) == 3
    assert found.findings == ()
    verdict = rules(patch_run, "patch", SUBJECT)
    assert merge(verdict, found).verdict is verdict.verdict
    if tokens == 24_000:  # six times its context
        assert found.degraded == "0 of 3 votes were answered (too_long)"
