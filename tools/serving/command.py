"""Builds the command line and environment of a server from its configuration."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bankable.tools.errors import UserError
from bankable.tools.evidence.records import Scalar, ServerConfig
from bankable.tools.overlay.folder import compiled_files
from bankable.tools.serving.engine import STANDIN, Engine
from bankable.tools.serving.environment import RECORDED, inherit_environment, isolate_environment
from bankable.tools.serving.model_files import DISABLED
from bankable.tools.serving.ports import LOOPBACK

SPAWN = Path(__file__).resolve().parent / "_spawn.py"
RESERVED_FLAGS = frozenset({"model_path", "model", "host", "port", "trust_remote_code", "config", "tokenizer_path"})
"""Set by this module only."""
SAFE_FORMATS = frozenset({"safetensors", "dummy"})
"""Load formats that cannot execute code from a weight file."""
STANDIN_NAME = "<cpu-standin>"
"""How the stand-in's folder is named in recorded environments."""
OVERLAY_NAME, REPORTS_NAME = "<overlay>", "<reports>"
"""The same for an overlay and for the folder of its reports, which is another one in every launch."""
REPORTS = "BANKABLE_OVERLAY_REPORTS"
PROCESS_START = "BANKABLE_PROCESS_START"
"""``fork`` on a CPU, unless the user's environment says ``spawn``; see ``_spawn.py``."""
PROCESS_STARTS = ("fork", "spawn")
NO_BYTECODE = {"PYTHONDONTWRITEBYTECODE": "1"}
"""With an overlay: its folder stays what was declared, and the next launch reads its sources too."""


@dataclass(frozen=True)
class Permissions:
    """What a user has to allow explicitly, because it runs code that comes with the model."""

    pickle: bool = False
    """Weights in a pickle-based format."""
    remote_code: bool = False
    """``--trust-remote-code``."""


@dataclass(frozen=True)
class Command:
    """A server start, ready to run."""

    argv: list[str]
    """Interpreter, spawn script, server arguments."""
    env: dict[str, str]
    recorded_argv: list[str]
    """As it goes into the evidence: module name and server arguments."""
    recorded_env: dict[str, str]
    """What this project set, and inherited variables that can change a measurement. No other variable is recorded."""


def base_config(device: Literal["cpu", "cuda", "rocm"], seed: int = 1, *, kernels: bool = False) -> ServerConfig:
    """The configuration that every launch starts from; a run's reference and levers are laid over it.

    On a CPU: a fixed cache capacity so that co-resident servers are equal, and an idle scheduler that sleeps instead of
    spinning. Without a kernel package for the CPU, torch-native operators and one thread besides; with one
    (``kernels``), the engine chooses. ``choice.py`` sets the threads of a run.
    """
    flags: dict[str, Scalar] = {"random_seed": seed}
    if device != "cpu":
        return ServerConfig(flags=flags)
    flags |= {
        "device": "cpu",
        "sampling_backend": "pytorch",
        "skip_server_warmup": True,
        "sleep_on_idle": True,
        "max_total_tokens": 65536,
    }
    env = {"SGLANG_USE_CPU_ENGINE": "1"}
    if kernels:
        return ServerConfig(flags=flags, env=env)
    return ServerConfig(flags={**flags, "attention_backend": "torch_native"}, env={**env, "OMP_NUM_THREADS": "1"})


def flag_arguments(flags: dict[str, Scalar]) -> list[str]:
    """``{"a_b": 1, "c": True, "d": False}`` → ``["--a-b", "1", "--c"]``, sorted by name."""
    arguments: list[str] = []
    for name in sorted(flags):
        value = flags[name]
        if value is False:
            continue
        arguments.append("--" + name.replace("_", "-"))
        if value is not True:
            arguments.append(str(value))
    return arguments


@dataclass(frozen=True)
class Laid:
    """An overlay on a server's path."""

    folder: Path
    reports: Path


def build(
    engine: Engine,
    model: Path,
    config: ServerConfig,
    port: int,
    permissions: Permissions,
    laid: Laid | None = None,
    unneeded: Sequence[str] = (),
) -> Command:
    """The start of one server. ``unneeded``: model files that the engine need not import (``model_files.py``).

    ``config`` wins over ``base_config`` where both set something (``False`` takes a base flag away). Raises
    ``UserError`` for flags that only this module may set, and for load formats that need a permission.
    """
    base = base_config(engine.device, kernels=engine.kernels is not None)
    flags: dict[str, Scalar] = {**base.flags, **config.flags}
    _refuse_reserved(config)
    if not permissions.pickle:
        load_format = flags.setdefault("load_format", "safetensors")
        if load_format not in SAFE_FORMATS:
            raise UserError(
                f"Cannot start the server: load format {load_format!r} may execute code from the weight files",
                str(model),
                "allow pickle weights explicitly",
            )
    if permissions.remote_code:
        flags["trust_remote_code"] = True
    server = ["--model-path", str(model), "--host", LOOPBACK, "--port", str(port), *flag_arguments(flags)]
    chosen = {**base.env, **config.env}
    if laid is not None and (compiled := compiled_files(laid.folder)):
        raise UserError(
            "Cannot start the server: compiled Python files would run instead of an overlay's sources",
            str(compiled[0]),
            "delete it",
        )
    search = [str(laid.folder)] if laid is not None else []
    search += [chosen["PYTHONPATH"]] if chosen.get("PYTHONPATH") else []
    if engine.standin_needed:
        search.append(str(STANDIN))
    if search:
        chosen["PYTHONPATH"] = ":".join(search)
    if engine.device == "cpu":
        chosen.setdefault(PROCESS_START, _choose_process_start(os.environ.get(PROCESS_START, "fork")))
    left_out = {} if DISABLED in chosen or not unneeded else {DISABLED: ",".join(unneeded)}
    recorded = {**{name: value for name, value in inherit_environment().items() if name in RECORDED}, **chosen}
    recorded |= {name: f"<{len(unneeded)} model files that this model does not need>" for name in left_out}
    if "PYTHONPATH" in recorded:
        recorded["PYTHONPATH"] = recorded["PYTHONPATH"].replace(str(STANDIN), STANDIN_NAME)
    if laid is not None:
        chosen[REPORTS], recorded[REPORTS] = str(laid.reports), REPORTS_NAME
        recorded["PYTHONPATH"] = recorded["PYTHONPATH"].replace(str(laid.folder), OVERLAY_NAME)
    return Command(
        argv=[str(engine.python), str(SPAWN), *server],
        env=isolate_environment({**chosen, **left_out, **(NO_BYTECODE if laid is not None else {})}),
        recorded_argv=["sglang.launch_server", *server],
        recorded_env=recorded,
    )


def _choose_process_start(method: str) -> str:
    if method not in PROCESS_STARTS:
        raise UserError(
            f"Cannot start the server: unknown process start {method!r}",
            PROCESS_START,
            f"use one of {', '.join(PROCESS_STARTS)}",
        )
    return method


def _refuse_reserved(config: ServerConfig) -> None:
    taken = sorted(RESERVED_FLAGS & set(config.flags))
    if taken:
        raise UserError(
            f"Cannot start the server: flag {taken[0]!r} is fixed by the run itself",
            "server configuration",
            "leave it out",
        )
