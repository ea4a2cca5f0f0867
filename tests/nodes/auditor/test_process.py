"""The auditor in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bankable.nodes.auditor import process
from bankable.nodes.auditor.__main__ import main
from bankable.nodes.auditor.process import audit_sealed
from bankable.nodes.auditor.verdict import Word
from bankable.tools.errors import UserError
from bankable.tools.evidence.seal import seal
from tests.nodes.auditor.builders import judge

ROOT = Path(__file__).resolve().parents[3]


def test_the_process_says_what_the_engine_says(run: Path, tmp_path: Path) -> None:
    sealed = seal(run, "patch", "patch-stream_interval", 1, tmp_path / "sealed")
    assert audit_sealed(sealed.folder).to_bytes() == judge(run).to_bytes()
    sealed.discard()


def test_a_crash_is_degraded_and_never_a_pass(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "START", "import os; os.abort()")
    for scope, subject, word in (("patch", "patch-stream_interval", Word.FAIL), ("baseline", "control", Word.FLAG)):
        sealed = seal(run, scope, subject, 1, tmp_path / scope)
        verdict = audit_sealed(sealed.folder)
        assert (verdict.verdict, verdict.degraded) == (word, ("auditor",))
        sealed.discard()


def test_a_time_out_is_degraded(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "START", "import time; time.sleep(60)")
    sealed = seal(run, "patch", "patch-stream_interval", 1, tmp_path / "sealed")
    assert "timed out after" in audit_sealed(sealed.folder, time_limit_s=0.5).findings[0].observed
    sealed.discard()


def test_an_answer_that_is_no_verdict_is_degraded(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "START", 'print(\'{"verdict": "PASS"}\')')
    sealed = seal(run, "patch", "patch-stream_interval", 1, tmp_path / "sealed")
    assert audit_sealed(sealed.folder).verdict is Word.FAIL
    sealed.discard()


def test_a_folder_without_a_request_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="request"):
        audit_sealed(tmp_path)


def test_the_auditor_imports_no_heavy_library_and_no_producer() -> None:
    code = (
        "import sys; import bankable.nodes.auditor.__main__, bankable.nodes.auditor.pair\n"
        "import bankable.nodes.auditor.replay\n"
        "packages = ('bankable.nodes', 'bankable.graph', 'bankable.kernels')\n"
        "ours = sorted(m for m in sys.modules if m.startswith(packages))\n"
        "print(sorted({m.split('.')[0] for m in sys.modules}), ours)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    names, nodes = done.stdout.split("] [")
    for heavy in ("scipy", "numpy", "optuna", "langgraph", "torch", "httpx"):
        assert f"'{heavy}'" not in names
    assert all("auditor" in name or name.strip(" ]'\n") == "bankable.nodes" for name in nodes.split(","))


def test_the_command_refuses_other_arguments() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bankable.nodes.auditor"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage" in done.stderr


def test_memory_is_bounded_by_the_system() -> None:
    code = "from bankable.nodes.auditor.__main__ import bound_memory; bound_memory(1 << 30); bytearray(2 << 30)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "MemoryError" in done.stderr


def test_the_number_of_processes_does_not_show(run: Path, tmp_path: Path) -> None:
    sealed = seal(run, "patch", "patch-stream_interval", 1, tmp_path / "sealed")
    answers = [
        subprocess.run(
            [sys.executable, "-m", "bankable.nodes.auditor", str(sealed.folder), *jobs],
            cwd=ROOT,
            capture_output=True,
            timeout=120,
            check=True,
        ).stdout
        for jobs in ([], ["1"], ["3"])
    ]
    sealed.discard()
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize("arguments", [["x", "many"], ["x", "1", "2"], ["x", "-1"]])
def test_another_number_of_processes_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "usage" in capsys.readouterr().err
