"""The outermost span of a run that ends in every way, and libraries that are not there."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

import pytest

from bankable.graph.approval import ApprovalNeeded
from bankable.graph.config import RunConfig
from bankable.graph.sent_trace import session_of
from bankable.graph.tracing import open_trace
from bankable.tools.errors import UserError
from bankable.tools.measurement.progress import ProgressEvent
from bankable.tools.serving.driver import StopRequested
from bankable.tools.tracing.target import targets
from tests.tools.tracing.servers import LangSmithServer, Run

CONFIG = RunConfig(model="/srv/models/Llama-3", flags={"chat_template": "/srv/private/x.jinja"})


def root_of(problem: BaseException | None, folder: Path) -> Run:
    """The outermost span of a run that ends so."""
    heard: list[ProgressEvent] = []
    with LangSmithServer() as server:
        asked = targets([f"langsmith={server.url}"], {})
        with (
            suppress(UserError, StopRequested, ApprovalNeeded),
            open_trace(asked, heard.append) as traced,
            traced.run("r1", CONFIG, folder, resumed=False),
        ):
            if problem is not None:
                raise problem
        (found,) = server.runs.values()
    assert [entry.text for entry in heard] == ["traced to langsmith, project bankable: run:r1"]
    return found


@pytest.mark.parametrize(
    ("problem", "word"),
    [(None, None), (StopRequested(), "stopped"), (ApprovalNeeded("bank x?"), "waiting")],
)
def test_a_stop_and_a_question_are_no_errors(problem: Exception | None, word: str | None, tmp_path: Path) -> None:
    found = root_of(problem, tmp_path)
    assert found.tags == ["run:r1", "kind:run", *([word] if word else [])]
    assert found.error is None
    assert found.end_time is not None


def test_an_error_is_told_without_what_is_private(tmp_path: Path) -> None:
    found = root_of(UserError("Cannot read the file", "/srv/private/x.json"), tmp_path)
    assert found.error == "UserError: Cannot read the file ([path])"


def test_the_settings_of_a_run_are_told_without_places(tmp_path: Path) -> None:
    found = root_of(None, tmp_path)
    assert found.inputs["model"] == "Llama-3"
    assert found.inputs["flags"] == {"chat_template": "[path]"}


def test_two_replays_of_one_recording_are_two_sessions_and_a_live_run_is_its_id(tmp_path: Path) -> None:
    replay = CONFIG.model_copy(update={"replay": "x.tar.xz"})
    sessions = {session_of("r1", replay, tmp_path / name) for name in ("a", "b", "a")}
    assert len(sessions) == 2
    assert session_of("r1", CONFIG, tmp_path) == "r1"


def test_a_missing_library_is_one_line_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "bankable.tools.tracing.otlp", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http", None)
    asked = targets(["otlp=http://127.0.0.1:4318"], {})
    why = r"library opentelemetry\S* is not installed \(--trace\)\. Run pip install 'bankable\[trace\]'"
    with pytest.raises(UserError, match=why), open_trace(asked, lambda _: None):
        pass
