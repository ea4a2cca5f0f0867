"""The live implementation, taken out of the installed engine's own files without importing the engine.

Importing sglang takes ten seconds and most of a gigabyte, and a benchmark starts many processes. What is compiled here
is the function's own source, from the very file that the server imports; its digest goes into the evidence. Only the
call through the engine's dispatch is missing, which makes the live implementation faster and a claim smaller.
"""

from __future__ import annotations
import __future__

import ast
import hashlib
import importlib
from collections.abc import Iterable
from functools import cache
from importlib import util
from pathlib import Path
from typing import Any

import torch
from torch import nn

METHODS = ("forward_native", "forward_cpu", "_run_sdpa_forward_decode", "apply")
"""Methods that a live path consists of."""
KERNELS = "sgl_kernel"
"""The engine's kernel package."""


@cache
def own_kernels() -> bool:
    """Whether the engine dispatches to CPU kernels of its own on this machine, as sglang itself decides it."""
    if util.find_spec(KERNELS) is None or torch.cuda.device_count() > 0:
        return False
    try:
        importlib.import_module(KERNELS)
    except Exception:  # a package for another device, which the engine cannot use either
        return False
    registered = hasattr(getattr(torch.ops, KERNELS), "convert_weight_packed")
    return registered and bool(torch.cpu._is_amx_tile_supported())


def package_root() -> Path:
    """Folder of the installed sglang; not imported."""
    spec = util.find_spec("sglang")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("sglang is not installed in this interpreter")
    return Path(spec.submodule_search_locations[0])


def source_file(name: str) -> dict[str, str]:
    """Path from the package's name on, and sha256."""
    return {"path": f"sglang/{name}", "digest": hashlib.sha256((package_root() / name).read_bytes()).hexdigest()}


def live_names(files: Iterable[str]) -> dict[str, Any]:
    """Functions and methods of these files by qualified name, compiled from their source."""
    functions: dict[str, Any] = {}
    for name in files:
        path = package_root() / name
        tree = ast.parse(path.read_bytes())
        framework_names = _framework_names(tree, path)
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and not node.decorator_list:
                functions[node.name] = _compile(node, path, framework_names)
            elif isinstance(node, ast.ClassDef):
                for part in node.body:
                    if isinstance(part, ast.FunctionDef) and part.name in METHODS:
                        functions[f"{node.name}.{part.name}"] = _compile(part, path, framework_names)
    return functions


def _framework_names(tree: ast.Module, path: Path) -> dict[str, Any]:
    """What a file imports from torch, under the names that it has there."""
    names: dict[str, Any] = {"torch": torch, "nn": nn, "F": nn.functional, "_is_cpu_amx_available": own_kernels()}
    wanted: list[ast.stmt] = [
        node for node in tree.body if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "torch"
    ]
    exec(compile(ast.Module(wanted, []), str(path), "exec"), names)
    return names


def _compile(node: ast.FunctionDef, path: Path, framework_names: dict[str, Any]) -> Any:
    """One function on its own; its annotations stay text, its names are torch's."""
    node.decorator_list, node.args.defaults = [], [ast.Constant(None) for _ in node.args.defaults]
    module = ast.fix_missing_locations(ast.Module([node], []))
    code = compile(module, str(path), "exec", flags=__future__.annotations.compiler_flag, dont_inherit=True)
    names = dict(framework_names)
    exec(code, names)
    return names[node.name]
