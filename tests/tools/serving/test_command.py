"""Command line and environment of a server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankable.tools.errors import UserError
from bankable.tools.evidence.records import Lever, Scalar, ServerConfig
from bankable.tools.serving.command import STANDIN_NAME, Command, Laid, Permissions, base_config, build, flag_arguments
from bankable.tools.serving.engine import STANDIN, Engine
from bankable.tools.serving.environment import isolate_environment

MODEL = Path("/models/m")


def command(engine: Engine, config: ServerConfig | None = None, **permissions: bool) -> Command:
    return build(engine, MODEL, config or ServerConfig(), 31000, Permissions(**permissions))


def value(arguments: list[str], flag: str) -> str:
    return arguments[arguments.index(flag) + 1]


def test_the_cpu_recipe_is_the_base_of_every_launch(engine: Engine) -> None:
    argv = command(engine).recorded_argv
    assert argv[:7] == ["sglang.launch_server", "--model-path", "/models/m", "--host", "127.0.0.1", "--port", "31000"]
    assert value(argv, "--attention-backend") == "torch_native"
    assert value(argv, "--max-total-tokens") == "65536"
    assert value(argv, "--random-seed") == "1"
    assert "--sleep-on-idle" in argv
    assert "--trust-remote-code" not in argv


def test_the_request_wins_and_false_takes_a_base_flag_away(engine: Engine) -> None:
    argv = command(engine, ServerConfig(flags={"max_total_tokens": 4096, "sleep_on_idle": False})).recorded_argv
    assert value(argv, "--max-total-tokens") == "4096"
    assert "--sleep-on-idle" not in argv


def test_a_lever_on_the_base_configuration_is_the_same_as_the_lever_alone(engine: Engine) -> None:
    lever = Lever(flags={"max_total_tokens": 1024, "skip_server_warmup": False}, env={"OMP_NUM_THREADS": "2"})
    full = command(engine, base_config("cpu").with_lever(lever))
    short = command(engine, ServerConfig().with_lever(lever))
    assert (full.argv, full.env) == (short.argv, short.env)
    assert full.env["OMP_NUM_THREADS"] == "2"


def test_an_accelerator_gets_no_cpu_flags() -> None:
    assert base_config("cuda") == ServerConfig(flags={"random_seed": 1})


@given(st.dictionaries(st.from_regex(r"[a-z]([a-z_]{0,12}[a-z])?", fullmatch=True), st.booleans() | st.integers(0)))
def test_every_flag_appears_once_with_its_value(flags: dict[str, Scalar]) -> None:
    arguments = flag_arguments(flags)
    present = {"--" + name.replace("_", "-"): flags[name] for name in flags if flags[name] is not False}
    assert sorted(word for word in arguments if word.startswith("--")) == sorted(present)
    assert {name: value(arguments, name) for name in present if present[name] is not True} == {
        name: str(setting) for name, setting in present.items() if setting is not True
    }


@pytest.mark.parametrize("flag", ["host", "port", "model_path", "trust_remote_code"])
def test_flags_that_open_the_server_or_run_foreign_code_are_refused(engine: Engine, flag: str) -> None:
    with pytest.raises(UserError, match=flag):
        command(engine, ServerConfig(flags={flag: "0.0.0.0"}))


def test_remote_code_and_pickle_weights_need_a_permission(engine: Engine) -> None:
    assert "--trust-remote-code" in command(engine, remote_code=True).recorded_argv
    assert value(command(engine).recorded_argv, "--load-format") == "safetensors"
    assert (
        value(command(engine, ServerConfig(flags={"load_format": "dummy"})).recorded_argv, "--load-format") == "dummy"
    )
    with pytest.raises(UserError, match="may execute code"):
        command(engine, ServerConfig(flags={"load_format": "pt"}))
    assert "--load-format" not in command(engine, pickle=True).recorded_argv


def test_an_overlay_comes_before_the_stand_in_and_is_recorded(engine: Engine) -> None:
    made = command(engine, ServerConfig(env={"PYTHONPATH": "/overlay"}))
    assert made.env["PYTHONPATH"] == f"/overlay:{STANDIN}"
    assert made.recorded_env["PYTHONPATH"] == f"/overlay:{STANDIN_NAME}"


def test_a_cpu_server_forks_its_other_processes_unless_the_user_wants_them_spawned(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command(engine).env["BANKABLE_PROCESS_START"] == "fork"
    on_gpu = replace(engine, device="cuda")
    assert "BANKABLE_PROCESS_START" not in command(on_gpu).env
    monkeypatch.setenv("BANKABLE_PROCESS_START", "spawn")
    assert command(engine).recorded_env["BANKABLE_PROCESS_START"] == "spawn"
    monkeypatch.setenv("BANKABLE_PROCESS_START", "thread")
    with pytest.raises(UserError, match="Cannot start the server: unknown process start 'thread'"):
        command(engine)


def test_model_files_that_are_not_needed_are_left_out_in_sglangs_own_setting(engine: Engine) -> None:
    made = build(engine, MODEL, ServerConfig(), 31000, Permissions(), None, ("afmoe", "apertus"))
    assert made.env["SGLANG_DISABLED_MODEL_ARCHS"] == "afmoe,apertus"
    assert made.recorded_env["SGLANG_DISABLED_MODEL_ARCHS"] == "<2 model files that this model does not need>"
    own = ServerConfig(env={"SGLANG_DISABLED_MODEL_ARCHS": "grok"})
    kept = build(engine, MODEL, own, 31000, Permissions(), None, ("afmoe", "apertus"))
    assert kept.env["SGLANG_DISABLED_MODEL_ARCHS"] == kept.recorded_env["SGLANG_DISABLED_MODEL_ARCHS"] == "grok"


def test_recorded_variables_are_those_that_were_set_or_choose_the_device(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    monkeypatch.setenv("LANG", "C.UTF-8")
    recorded = command(engine, ServerConfig(env={"SGLANG_X": "1"})).recorded_env
    assert set(recorded) == {
        "BANKABLE_PROCESS_START",
        "CUDA_VISIBLE_DEVICES",
        "OMP_NUM_THREADS",
        "PYTHONPATH",
        "SGLANG_USE_CPU_ENGINE",
        "SGLANG_X",
    }


def test_a_child_inherits_only_what_is_allowed() -> None:
    env = isolate_environment(
        {"A": "1"}, {"PATH": "/bin", "HOME": "/h", "AWS_SECRET_ACCESS_KEY": "x", "HTTP_PROXY": "p"}
    )
    assert env == {
        "PATH": "/bin",
        "HOME": "/h",
        "A": "1",
        "PYTHONSAFEPATH": "1",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "DO_NOT_TRACK": "1",
    }


def test_with_an_overlay_nothing_is_compiled_beside_it_and_nothing_compiled_is_served(
    engine: Engine, tmp_path: Path
) -> None:
    laid = Laid(tmp_path / "overlay", tmp_path / "reports")
    (tmp_path / "overlay" / "__pycache__").mkdir(parents=True)
    served = build(engine, MODEL, ServerConfig(), 31000, Permissions(), laid)
    assert served.env["PYTHONDONTWRITEBYTECODE"] == "1"
    assert "PYTHONDONTWRITEBYTECODE" not in served.recorded_env
    assert "PYTHONDONTWRITEBYTECODE" not in command(engine).env
    (tmp_path / "overlay" / "__pycache__" / "sitecustomize.cpython-311.pyc").touch()
    with pytest.raises(UserError, match="compiled Python files would run instead"):
        build(engine, MODEL, ServerConfig(), 31000, Permissions(), laid)
