"""An overlay on the path of a real process: it replaces, watches and captures, and does no harm where it cannot."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bankable.kernels.build.render import render
from bankable.kernels.operators import FAMILIES
from bankable.tools.evidence.canonical import file_digest
from bankable.tools.overlay.captured import CaptureFolder
from bankable.tools.overlay.folder import (
    Kernel,
    Mode,
    OperatorPatch,
    overlay_digest,
    planned_digest,
    replacement_source,
    write_overlay,
)
from bankable.tools.overlay.reports import OverlayState, read_reports
from bankable.tools.serving.command import NO_BYTECODE
from bankable.tools.serving.engine import engine_python
from bankable.tools.serving.environment import inherit_environment

HERE = Path(__file__).resolve().parent
OPERATORS = HERE.parents[2] / "kernels" / "operators"
TOLERANCE = 2 * FAMILIES["rms_norm"].allowed["bfloat16"].relative_error
NAMES = ("rms_norm", "fused_add_rms_norm")


def patch(operator: str, mode: Mode) -> OperatorPatch:
    """Both operators live at one attribute of the small engine."""
    adapter = "" if mode == "watch" else (OPERATORS / operator / "adapter.py").read_text()
    return OperatorPatch(operator, "small_engine.layers", "RMSNorm.forward_native", mode, adapter)


def kernel(operator: str) -> Kernel:
    source = render(FAMILIES[operator], "bfloat16")
    return Kernel(source.implementation, source.text, source.flags, TOLERANCE, dict(source.choices))


@dataclass(frozen=True)
class Ran:
    """What a process with an overlay printed and reported."""

    said: dict[str, Any]
    errors: str
    state: OverlayState
    reports: Path
    engine: Path


@pytest.fixture
def served(tmp_path: Path) -> Any:
    """Run the small engine with an overlay on its path."""
    package = tmp_path / "path" / "small_engine"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    layers = package / "layers.py"
    layers.write_text((HERE / "small_engine.py.txt").read_text())
    reports = tmp_path / "reports"
    reports.mkdir()

    def run(overlay: Path, **env: str) -> Ran:
        done = subprocess.run(
            [str(engine_python()), str(HERE / "served.py")],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            cwd=tmp_path,
            env={
                **inherit_environment(),
                **NO_BYTECODE,
                "PYTHONPATH": f"{overlay}{os.pathsep}{package.parent}",
                "OMP_NUM_THREADS": "1",
                "BANKABLE_OVERLAY_REPORTS": str(reports),
                "XDG_CACHE_HOME": str(tmp_path / "cache"),
                **env,
            },
        )
        assert done.returncode == 0, done.stderr
        return Ran(json.loads(done.stdout.splitlines()[-1]), done.stderr, read_reports(reports), reports, layers)

    return run


def test_two_kernels_take_one_attributes_place_and_say_so(tmp_path: Path, served: Any) -> None:
    overlay, kernels = tmp_path / "overlay", {name: kernel(name) for name in NAMES}
    patches = [patch(name, "replace") for name in NAMES]
    digest = write_overlay(overlay, patches, kernels)
    ran: Ran = served(overlay)
    assert digest == overlay_digest(overlay) == planned_digest(patches, kernels)
    assert (ran.said["imports"], ran.said["source"]) == (1, True)
    assert max(ran.said["plain"]) < 0.05
    assert max(ran.said["added"]) < 0.05
    markers = {marker.name: marker for marker in ran.state.markers}
    for name, marker in markers.items():
        assert (marker.engaged, marker.resolved, marker.eager_calls) == (True, kernels[name].implementation, 8)
        assert marker.shapes == ("4x64", "5x64", "6x64")
        assert marker.error_vs_live is not None
        assert marker.error_vs_live < TOLERANCE
        assert marker.parameters == kernels[name].parameters
        assert marker.overlays == ("overlay",)
        bound = overlay / name / "replacement.py"
        assert marker.source_digest == ran.state.modules[name] == file_digest(bound)
        assert bound.read_bytes() == replacement_source(patch(name, "replace"), kernels[name])
    # The outer of the two hands on what it does not cover: 8 calls of the other, and 1 in fp32. The inner one hands on
    # that last one, and the 3 that the outer compares itself with.
    assert sorted(marker.live_calls for marker in markers.values()) == [4, 9]
    assert "answered by" in ran.errors


def test_a_kernel_that_is_wrong_is_found_out_and_live_goes_on(tmp_path: Path, served: Any) -> None:
    good = kernel("rms_norm")
    wrong = replace(good, source=good.source.replace("* scale *", "* scale * 1.5f *"))
    assert wrong.source != good.source
    write_overlay(tmp_path / "overlay", [patch("rms_norm", "replace")], {"rms_norm": wrong})
    ran: Ran = served(tmp_path / "overlay")
    assert max(ran.said["plain"]) < 0.05
    (marker,) = ran.state.markers
    assert (marker.engaged, marker.resolved) == (False, "live")
    assert ran.state.reasons["rms_norm"].startswith("error 0.5")
    assert "rms_norm stays live: error 0.5" in ran.errors


def test_a_compiled_model_calls_the_kernels_between_its_graphs(tmp_path: Path, served: Any) -> None:
    """The compiler must not trace into a kernel: it would see a pointer of a tensor that does not exist."""
    overlay, kernels = tmp_path / "overlay", {name: kernel(name) for name in NAMES}
    write_overlay(overlay, [patch(name, "replace") for name in NAMES], kernels)
    ran: Ran = served(overlay, COMPILED="1")
    assert max(ran.said["plain"]) < 0.05
    assert max(ran.said["added"]) < 0.05
    assert [(marker.engaged, marker.eager_calls) for marker in ran.state.markers] == [(True, 8), (True, 8)]


@pytest.mark.parametrize("how", ["no compiler", "edited kernel", "edited adapter"])
def test_what_cannot_be_laid_leaves_the_engine_as_it_was(tmp_path: Path, served: Any, how: str) -> None:
    overlay = tmp_path / "overlay"
    write_overlay(overlay, [patch("rms_norm", "replace")], {"rms_norm": kernel("rms_norm")})
    if how == "edited kernel":
        (overlay / "rms_norm" / "kernel.cpp").write_text("int main() {}")
    if how == "edited adapter":
        (overlay / "rms_norm" / "replacement.py").write_text("raise RuntimeError('no')\n")
    ran: Ran = served(overlay, **({"CXX": "no-such-compiler"} if how == "no compiler" else {}))
    assert max(ran.said["plain"]) < 0.05
    assert not any(marker.engaged for marker in ran.state.markers)
    wanted = {"no compiler": "no-such-compiler", "edited kernel": "not the one", "edited adapter": "RuntimeError: no"}
    assert wanted[how] in ran.state.reasons["rms_norm"]


def test_a_forked_process_reports_what_it_called(tmp_path: Path, served: Any) -> None:
    overlay = tmp_path / "overlay"
    write_overlay(overlay, [patch("rms_norm", "replace")], {"rms_norm": kernel("rms_norm")})
    ran: Ran = served(overlay, FORKED="1")
    (marker,) = [marker for marker in ran.state.markers if marker.engaged]
    assert marker.eager_calls >= 8
    assert len(list(ran.reports.glob("*.json"))) == 2, "one of each process"


def test_a_watched_operator_is_named_and_untouched(tmp_path: Path, served: Any) -> None:
    write_overlay(tmp_path / "watch", [patch(name, "watch") for name in NAMES])
    ran: Ran = served(tmp_path / "watch")
    assert ran.state.modules == dict.fromkeys(NAMES, file_digest(ran.engine))
    assert ran.state.markers == ()


@pytest.mark.parametrize("compiled", ["", "1"])
def test_real_calls_are_captured_with_what_live_gave(tmp_path: Path, served: Any, compiled: str) -> None:
    write_overlay(tmp_path / "capture", [patch(name, "capture") for name in NAMES])
    ran: Ran = served(tmp_path / "capture", LINGER_S="2.6", COMPILED=compiled)
    folder = CaptureFolder(ran.reports)
    captured = folder.operators()
    assert set(captured) == set(NAMES)
    plain = captured["rms_norm"]
    assert {shape.key: shape.total for shape in plain.shapes} == {"4x64": 6, "5x64": 1, "6x64": 1}
    assert plain.module == file_digest(ran.engine)
    assert plain.uncovered_calls == 9
    assert plain.shapes[0].dtypes == ("bfloat16", "bfloat16")
    for shape in plain.shapes:
        for part in ("inputs", "expected"):
            assert folder.sample("rms_norm", shape.key, part) is not None
    assert folder.sample("rms_norm", "../../x", "inputs") is None
    assert folder.sample("rms_norm", "7x64", "inputs") is None
