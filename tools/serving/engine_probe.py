"""Runs under the engine's interpreter and prints one JSON line about the engine.

    engine_probe.py STAND-IN-FOLDER

Self-contained on purpose: the engine's environment knows nothing of this project. Reading the server's flags needs
sglang itself (several seconds, once per run); everything else comes from package metadata and torch.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import json
import os
import platform
import sys
import warnings
from importlib import metadata, util

REPORTED = (
    "transformers",
    "triton",
    "flashinfer-python",
    "sgl-kernel",
    "sglang-kernel",
    "sgl-kernel-cpu",
    "sglang-kernel-cpu",
    "xgrammar",
    "tokenizers",
    "numpy",
)

KERNELS = "sgl_kernel"
"""Module of sglang's kernel package, under whatever name it was installed."""
RECOGNISED = "convert_weight_packed"
"""The operator by which sglang tells that its CPU kernels are there."""


def device_of() -> tuple[str, list[str]]:
    """The accelerator that torch sees, and the names of its devices."""
    import torch  # noqa: PLC0415 - only the engine's interpreter has it

    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        return ("rocm" if torch.version.hip else "cuda"), names
    return "cpu", [platform.processor() or platform.machine()]


def server_flags() -> list[str]:
    """Long names, with underscores, of all flags that the server's own argument parser accepts."""
    from sglang.srt.server_args import ServerArgs  # noqa: PLC0415 - seconds to import, and only the engine has it

    parser = argparse.ArgumentParser()
    ServerArgs.add_cli_args(parser)
    options = [option for action in parser._actions for option in action.option_strings]
    return sorted({option[2:].replace("-", "_") for option in options if option.startswith("--")})


def kernel_package(device: str) -> dict[str, object] | None:
    """The installed package ``sgl_kernel``: what it is, and on a CPU whether the engine can dispatch to it.

    On a CPU a package counts that imports and registers the operator by which sglang itself recognises its CPU
    kernels; ``problem`` says why another one does not. Dispatching needs AMX besides.
    """
    spec = util.find_spec(KERNELS)
    if spec is None or spec.origin is None:
        return None
    names = metadata.packages_distributions().get(KERNELS, [])
    package: dict[str, object] = {
        "name": names[0] if names else KERNELS,
        "version": (version_of(names[0]) if names else None) or "unknown",
        "folder": os.path.dirname(spec.origin),
        "operators": [],
        "live": True,
        "problem": "",
    }
    if device != "cpu":
        return package
    import torch  # noqa: PLC0415 - only the engine's interpreter has it

    try:
        module = importlib.import_module(KERNELS)
    except BaseException as error:
        lines = str(error).strip().splitlines()
        return {**package, "live": False, "problem": f"does not import: {lines[0][:200] if lines else type(error)}"}
    prefix = f"{KERNELS}::"
    every = {name.split(".")[0] for name in torch._C._dispatch_get_all_op_names()}
    operators = sorted(name.removeprefix(prefix) for name in every if name.startswith(prefix))
    if not names:
        package["version"] = str(getattr(module, "__version__", "unknown"))
    if RECOGNISED not in operators:
        return {**package, "live": False, "problem": "has no CPU kernels"}
    return {**package, "operators": operators, "live": bool(torch.cpu._is_amx_tile_supported())}


def version_of(name: str) -> str | None:
    """Installed version, or ``None``."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def describe(standin: str) -> dict[str, object]:
    """Everything that the orchestrator wants to know; ``missing`` when the engine is not importable."""
    for name in ("sglang", "torch"):
        if util.find_spec(name) is None:
            return {"missing": name}
    device, devices = device_of()
    if device == "cpu":
        os.environ.setdefault("SGLANG_USE_CPU_ENGINE", "1")
    kernels = kernel_package(device)
    standin_needed = device == "cpu" and (kernels is None or bool(kernels["problem"]))
    if standin_needed:
        sys.path.insert(0, standin)
        for name in [name for name in sys.modules if name.split(".")[0] == KERNELS]:
            del sys.modules[name]
    spec = util.find_spec("sglang")
    locations = spec.submodule_search_locations if spec is not None else None
    if not locations:
        return {"missing": "sglang"}
    versions = {name: version_of(name) for name in REPORTED}
    return {
        "python": platform.python_version(),
        "sglang": version_of("sglang") or "unknown",
        "torch": version_of("torch") or "unknown",
        "package": locations[0],
        "device": device,
        "devices": devices,
        "standin_needed": standin_needed,
        "kernels": kernels,
        "flags": server_flags(),
        "versions": {name: version for name, version in versions.items() if version},
    }


def main() -> None:
    if sys.path[0] == os.path.dirname(os.path.abspath(__file__)):
        del sys.path[0]  # before Python 3.11 the script's folder is importable, and ours has common names in it
    warnings.simplefilter("ignore")
    with contextlib.redirect_stdout(io.StringIO()):
        answer = describe(sys.argv[1])
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
