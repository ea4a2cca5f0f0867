"""The script starts the measured command line, whatever is in the values."""

from __future__ import annotations

import subprocess
from pathlib import Path

from bankable.tools.bundle.launch_script import launch_script
from bankable.tools.evidence.records import ServerConfig

NASTY = 'quote" $(touch pwned) `id` \\ end'


def run(tmp_path: Path, script: str, **env: str) -> list[str]:
    """Run the script with an interpreter that prints its arguments, one a line."""
    python = tmp_path / "python"
    python.write_text(
        '#!/bin/sh\nfor word in "$@"; do printf "%s\\n" "$word"; done\nprintf "OMP=%s\\n" "$OMP_NUM_THREADS"\n'
    )
    python.chmod(0o755)
    path = tmp_path / "launch.sh"
    path.write_text(script)
    done = subprocess.run(
        ["sh", str(path)],
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
    words = run(tmp_path, launch_script(config, "/models/m", "cpu", "+5 %"))
    assert words[:4] == ["-m", "sglang.launch_server", "--model-path", "/models/m"]
    assert words[words.index("--stream-interval") + 1] == "8"
    assert "--disable-radix-cache" in words
    assert "--enable-mixed-chunk" not in words
    assert words[words.index("--host") + 1] == "127.0.0.1"
    assert words[-1] == "OMP=1"


def test_an_overlay_goes_before_the_stand_in(tmp_path: Path) -> None:
    script = launch_script(ServerConfig(), "/m", "cpu", "", overlay=True).replace("exec ", 'echo "$PYTHONPATH"; exec ')
    path = run(tmp_path, script)[0].split(":")
    assert path == [str(tmp_path / "overlay"), str(tmp_path / "standin")]


def test_model_and_port_can_be_set_from_outside(tmp_path: Path) -> None:
    words = run(tmp_path, launch_script(ServerConfig(), "/models/m", "cuda", ""), MODEL="/other", PORT="31234")
    assert words[words.index("--model-path") + 1] == "/other"
    assert words[words.index("--port") + 1] == "31234"


def test_hostile_values_are_words_not_commands(tmp_path: Path) -> None:
    config = ServerConfig(flags={"chat_template": NASTY}, env={"SOME": NASTY})
    words = run(tmp_path, launch_script(config, NASTY, "cpu", f"{NASTY}\nrm -rf x"))
    assert words[words.index("--model-path") + 1] == NASTY
    assert words[words.index("--chat-template") + 1] == NASTY
    assert not (tmp_path / "pwned").exists()
