"""The context of a recorded run whose kernel track finished, without any launch."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bankable.graph.session import read_recorded_config, session
from bankable.kernels.task.folder import TaskFolder
from bankable.nodes.kernel_extractor import extract
from bankable.tools.measurement.progress import ProgressEvent
from bankable.tools.measurement.run_context import RunContext

KERNEL_RECORDING = Path(__file__).resolve().parents[2] / "evals" / "recorded" / "cpu-kernels.tar.xz"
OPERATOR = "decode_attention"
"""What the recorded run replaced."""


@dataclass
class KernelReplay:
    """A run that replays the recording, and what it told the user so far."""

    context: RunContext
    events: list[ProgressEvent] = field(default_factory=list)

    def notes(self) -> list[str]:
        """Texts of the notes, in order."""
        return [event.text for event in self.events if event.kind == "note"]


@pytest.fixture(scope="session")
def kernel_recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recording, unpacked once."""
    folder = tmp_path_factory.mktemp("recording")
    with tarfile.open(KERNEL_RECORDING) as archive:
        archive.extractall(folder, filter="data")
    return folder / "kernels"


@pytest.fixture
def kernel_replay(kernel_recording: Path, tmp_path: Path) -> Iterator[KernelReplay]:
    events: list[ProgressEvent] = []
    config = read_recorded_config(kernel_recording, {})
    with session(config, tmp_path / "replay", resume=False, watch=events.append) as context:
        yield KernelReplay(context, events)


@pytest.fixture
def kernel_task(kernel_replay: KernelReplay) -> TaskFolder:
    """The recorded task, taken over into the replaying run."""
    extraction = extract(kernel_replay.context, OPERATOR, [OPERATOR])
    assert extraction.task is not None, extraction.why
    return extraction.task
