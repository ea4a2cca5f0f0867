"""The script starts the measured command line, whatever is in the values."""

from __future__ import annotations

import py_compile
import subprocess
import sys
from pathlib import Path

import pytest

from bankable.tools.bundle.launch_script import launch_script
from bankable.tools.evidence.records import OperatingPoint, ServerConfig
from bankable.tools.overlay.folder import compiled_files, overlay_digest

NASTY = 'quote" $(touch pwned) `id` \\ end'


def run(tmp_path: Path, script: str, *arguments: str, **env: str) -> list[str]:
    """Run the script with an interpreter that prints its arguments, one a line."""
    python = tmp_path / "python"
    python.write_text(
        '#!/bin/sh\nfor word in "$@"; do printf "%s\\n" "$word"; done\nprintf "OMP=%s\\n" "${OMP_NUM_THREADS:-}"\n'
    )
    python.chmod(0o755)
    path = tmp_path / "launch.sh"
    path.write_text(script)
    done = subprocess.run(
        ["sh", str(path), *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "BANKABLE_ENGINE_PYTHON": str(python), **env},
    )
    return done.stdout.splitlines()


def test_flags_and_variables_arrive_as_measured(tmp_path: Path) -> None:
    config = ServerConfig(
        flags={"stream_interval": 8, "disable_radix_cache": True, "enable_mixed_chunk": False},
        env={"OMP_NUM_THREADS": "1"},
    )
    words = run(tmp_path, launch_script(config, "/models/m", "+5 %", standin=True))
    assert words[:4] == ["-m", "sglang.launch_server", "--model-path", "/models/m"]
    assert words[words.index("--stream-interval") + 1] == "8"
    assert "--disable-radix-cache" in words
    assert "--enable-mixed-chunk" not in words
    assert words[words.index("--host") + 1] == "127.0.0.1"
    assert words[-1] == "OMP=1"


def test_an_overlay_goes_before_the_stand_in(tmp_path: Path) -> None:
    script = launch_script(ServerConfig(), "/m", "", standin=True, overlay=True)
    script = script.replace("exec ", 'echo "$PYTHONPATH"; exec ')
    path = run(tmp_path, script)[0].split(":")
    assert path == [str(tmp_path / "overlay"), str(tmp_path / "standin")]


def test_model_and_port_can_be_set_from_outside(tmp_path: Path) -> None:
    words = run(tmp_path, launch_script(ServerConfig(), "/models/m", "", standin=False), MODEL="/other", PORT="31234")
    assert words[words.index("--model-path") + 1] == "/other"
    assert words[words.index("--port") + 1] == "31234"


def test_hostile_values_are_words_not_commands(tmp_path: Path) -> None:
    config = ServerConfig(flags={"chat_template": NASTY}, env={"SOME": NASTY})
    words = run(tmp_path, launch_script(config, NASTY, f"{NASTY}\nrm -rf x", standin=True))
    assert words[words.index("--model-path") + 1] == NASTY
    assert words[words.index("--chat-template") + 1] == NASTY
    assert not (tmp_path / "pwned").exists()


POINTS = (
    OperatingPoint(
        load="c1",
        contender="quick",
        config=ServerConfig(flags={"stream_interval": 1, "chat_template": NASTY}, env={"OMP_NUM_THREADS": "2"}),
    ),
    OperatingPoint(load="c16", contender="reference", config=ServerConfig()),
)


def test_an_operating_point_is_started_by_its_name(tmp_path: Path) -> None:
    config = ServerConfig(flags={"stream_interval": 8}, env={"OMP_NUM_THREADS": "1"})
    script = launch_script(config, "/models/m", "", standin=True, points=POINTS)
    bundle = run(tmp_path, script)
    assert bundle[bundle.index("--stream-interval") + 1] == "8"
    assert bundle[-1] == "OMP=1"
    low = run(tmp_path, script, "--point", "c1", PORT="31234")
    assert low[low.index("--stream-interval") + 1] == "1"
    assert low[low.index("--chat-template") + 1] == NASTY
    assert low[low.index("--port") + 1] == "31234"
    assert low[-1] == "OMP=2"
    high = run(tmp_path, script, "--point", "c16")
    assert "--stream-interval" not in high
    assert high[-1] == "OMP=", "a variable of the bundle alone is taken away"


@pytest.mark.parametrize("words", [("--point", "c4"), ("--point",), ("--pint", "c1")])
def test_an_operating_point_that_the_bundle_does_not_have_is_one_line(tmp_path: Path, words: tuple[str, ...]) -> None:
    script = launch_script(ServerConfig(), "/m", "", standin=False, points=POINTS)
    with pytest.raises(subprocess.CalledProcessError) as problem:
        run(tmp_path, script, *words)
    assert problem.value.returncode == 2
    assert problem.value.stderr.startswith("Cannot start: ")
    assert "one of c1, c16" in problem.value.stderr
    assert problem.value.stderr.count("\n") == 1


def test_a_bundle_without_points_takes_no_argument_and_is_as_it_always_was() -> None:
    config = ServerConfig(flags={"stream_interval": 8})
    assert launch_script(config, "/m", "", standin=False) == launch_script(config, "/m", "", standin=False, points=())


def _bundle(folder: Path) -> Path:
    """A bundle whose interpreter is a real one that imports the overlay, as every Python process of a server does."""
    for name in ("overlay/_bankable", "standin"):
        (folder / name).mkdir(parents=True)
    (folder / "overlay/sitecustomize.py").write_text("import _bankable.part\nprint('source')\n")
    (folder / "overlay/_bankable/__init__.py").touch()
    (folder / "overlay/_bankable/part.py").touch()
    (folder / "standin/sgl.py").touch()
    (folder / "python").write_text(f"#!/bin/sh\nexec {sys.executable} -c 'import sgl'\n")
    (folder / "python").chmod(0o755)
    (folder / "launch.sh").write_text(launch_script(ServerConfig(), "/m", "", standin=True, overlay=True))
    return folder


def _start(bundle: Path) -> subprocess.CompletedProcess[str]:
    env = {"PATH": "/usr/bin:/bin", "BANKABLE_ENGINE_PYTHON": str(bundle / "python")}
    return subprocess.run(
        ["sh", str(bundle / "launch.sh")], capture_output=True, text=True, timeout=60, check=False, env=env
    )


def test_a_started_bundle_is_as_it_was(tmp_path: Path) -> None:
    bundle = _bundle(tmp_path / "bundle")
    before = sorted(bundle.rglob("*"))
    digest = overlay_digest(bundle / "overlay")
    for _ in range(2):
        done = _start(bundle)
        assert (done.returncode, done.stdout) == (0, "source\n"), done.stderr
    assert sorted(bundle.rglob("*")) == before
    assert overlay_digest(bundle / "overlay") == digest


@pytest.mark.parametrize("mode", py_compile.PycInvalidationMode, ids=lambda mode: mode.name)
def test_a_planted_compiled_file_is_neither_run_nor_overlooked(tmp_path: Path, mode) -> None:
    bundle = _bundle(tmp_path / "bundle")
    source = bundle / "overlay/sitecustomize.py"
    honest, digest = source.read_text(), overlay_digest(bundle / "overlay")
    source.write_text("print('planted')".ljust(len(honest)))
    planted = Path(py_compile.compile(str(source), invalidation_mode=mode))
    source.write_text(honest)
    done = _start(bundle)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Cannot start: compiled Python files would run instead of the sources. Delete ")
    assert str(planted) in done.stderr
    assert compiled_files(bundle / "overlay") == [planted]
    assert overlay_digest(bundle / "overlay") != digest
    planted.unlink()
    assert _start(bundle).stdout == "source\n"


def test_an_engine_with_its_own_kernels_is_started_without_the_stand_in(tmp_path: Path) -> None:
    config = ServerConfig(env={"SGLANG_CPU_OMP_THREADS_BIND": "1"})
    script = launch_script(config, "/m", "", standin=False)
    assert "standin" not in script
    assert "PYTHONPATH" not in script
    assert "export SGLANG_CPU_OMP_THREADS_BIND=1\n" in script
    assert "OMP_NUM_THREADS" not in script
    laid = launch_script(config, "/m", "", standin=False, overlay=True)
    laid = laid.replace("exec ", 'echo "$PYTHONPATH"; exec ')
    assert run(tmp_path, laid.replace("set -eu", "set -e"))[0] == str(tmp_path / "overlay")


def test_a_model_by_id_is_served_at_its_revision_and_another_one_without(tmp_path: Path) -> None:
    commit = "a" * 40
    script = launch_script(ServerConfig(), f"org/model@{commit}", "", standin=False)
    words = run(tmp_path, script)
    assert words[words.index("--model-path") + 1] == "org/model"
    assert words[words.index("--revision") + 1] == commit
    assert "--revision" not in run(tmp_path, script, MODEL="/other")
