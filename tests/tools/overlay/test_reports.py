"""Reports are somebody else's files: what cannot be read counts as not said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankable.tools.overlay.captured import CaptureFolder
from bankable.tools.overlay.reports import read_reports

SHA = "a" * 64


def operator(**values: Any) -> dict[str, Any]:
    return {
        "operator": "rms_norm",
        "mode": "replace",
        "module": SHA,
        "requested": "cpp-a",
        "resolved": "cpp-a",
        "engaged": True,
        "calls": 7,
        "source": SHA,
        "parameters": {},
        "shapes": ["4x64"],
        "error_vs_live": 0.001,
        "why": "",
        **values,
    }


def write(folder: Path, name: str, *operators: dict[str, Any], **values: Any) -> None:
    said = {"pid": 7, "worker": "tp0", "overlays": ["overlay"], "operators": list(operators), **values}
    (folder / name).write_text(json.dumps(said))


def test_a_process_that_only_imported_is_no_worker(tmp_path: Path) -> None:
    write(tmp_path, "1.json", operator(calls=0, engaged=False), pid=1, worker="pid1")
    write(tmp_path, "2.json", operator(), pid=2)
    (marker,) = read_reports(tmp_path).markers
    assert (marker.pid, marker.worker, marker.eager_calls) == (2, "tp0", 7)


def test_where_nobody_called_that_is_what_is_said(tmp_path: Path) -> None:
    write(tmp_path, "1.json", operator(calls=0, engaged=False, why="no compiler"))
    state = read_reports(tmp_path)
    assert [marker.engaged for marker in state.markers] == [False]
    assert state.reasons == {"rms_norm": "no compiler"}


@pytest.mark.parametrize(
    "values", [{"calls": -1}, {"calls": "many"}, {"shapes": ["x"] * 1000}, {"module": 5}, {"operator": "x" * 999}]
)
def test_an_entry_that_makes_no_sense_is_left_out(tmp_path: Path, values: dict[str, Any]) -> None:
    write(tmp_path, "1.json", operator(**values), operator(operator="rotary"))
    assert [marker.name for marker in read_reports(tmp_path).markers] == ["rotary"]


@given(st.binary(max_size=400))
def test_any_bytes_are_read_without_raising(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("reports")
    (folder / "1.json").write_bytes(content)
    assert read_reports(folder).markers == ()
    assert CaptureFolder(folder).operators() == {}


def test_no_folder_says_nothing(tmp_path: Path) -> None:
    assert read_reports(tmp_path / "none").markers == ()
    assert CaptureFolder(tmp_path / "none").operators() == {}
