"""Classifies an overlay by its source: whether it changes an operator's implementation, or how the server works.

Python is parsed, never run. A class comes from what is *written to*: attributes of engine modules, patch points named
in ``seam.json``-like files, the process environment. Reading a module (its server arguments, say) changes nothing. What
cannot be followed (code from strings, native libraries, child processes) has no class. Two things can be followed
although they are more than plain Python: this project's own overlay runtime, known by its bytes, and kernels in C++
source that include arithmetic headers only and name nothing of the operating system or the interpreter.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from bankable.tools.overlay.earlier import of_our_runtime

OPERATORS = ("sglang.srt.layers", "sglang.jit_kernel", "sgl_kernel", "torch.ops")
"""Packages in which the same work can be done faster: class A."""
SERVING = (
    "sglang.srt.managers",
    "sglang.srt.speculative",
    "sglang.srt.mem_cache",
    "sglang.srt.server_args",
    "sglang.srt.sampling",
    "sglang.srt.disaggregation",
    "sglang.srt.distributed",
    "sglang.srt.entrypoints",
    "sglang.srt.layers.quantization",
    "sglang.srt.layers.sampler",
    "sglang.srt.layers.moe.topk",
    "sglang.srt.model_loader",
    "sglang.srt.configs",
    "sglang.srt.models",
)
"""Packages that decide which work is done: class B, also where they lie inside an operator package."""
SAME_WORK = ("sglang.srt.layers.quantization.unquant",)
"""Modules of these packages that decide nothing: the products of layers whose weights are not quantized."""
OPAQUE_CALLS = frozenset({"eval", "exec", "compile", "__import__"})
OPAQUE_MODULES = frozenset({"ctypes", "cffi", "marshal", "pickle", "subprocess", "socket", "base64", "zlib"})
OPAQUE_SUFFIXES = (".so", ".dll", ".dylib", ".pyd", ".pyc", ".pkl", ".pt", ".pth", ".bin")
HEADERS = frozenset(
    {
        "algorithm",
        "array",
        "cmath",
        "cstddef",
        "cstdint",
        "cstring",
        "limits",
        "memory",
        "omp.h",
        "immintrin.h",
        "arm_neon.h",
        "vector",
    }
)
DIRECTIVES = frozenset({"include", "pragma", "if", "ifdef", "ifndef", "else", "elif", "endif", "define", "undef"})
FOREIGN = frozenset(
    {
        "asm",
        "__asm",
        "__asm__",
        "dlopen",
        "dlsym",
        "dlmopen",
        "system",
        "popen",
        "fork",
        "vfork",
        "clone",
        "execv",
        "execve",
        "execvp",
        "execl",
        "syscall",
        "mprotect",
        "mmap",
        "ptrace",
        "kill",
        "socket",
        "connect",
        "open",
        "openat",
        "fopen",
        "freopen",
        "getenv",
        "setenv",
        "putenv",
        "environ",
        "signal",
        "sigaction",
        "setjmp",
        "longjmp",
        "pthread_create",
        "thread",
        "constructor",
        "destructor",
        "PyGILState_Ensure",
        "PyRun_SimpleString",
    }
)
"""Names with which native code reaches beyond its arguments."""
_INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_DIRECTIVE = re.compile(r"^[ \t]*#[ \t]*([A-Za-z_]*)", re.MULTILINE)
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FLAG = re.compile(r"-(?:std=c\+\+\d+|O[0-3]|m[a-z0-9.=-]+|fopenmp|fPIC|ffp-contract=(?:off|fast)|fno-[a-z-]+|shared)")
"""Flags that add no code to a kernel."""
ENVIRONMENT = "os.environ"
ENVIRONMENT_CALLS = frozenset(
    {
        "os.putenv",
        "os.unsetenv",
        *(f"{ENVIRONMENT}.{name}" for name in ("update", "setdefault", "pop", "clear")),
    }
)


@dataclass(frozen=True)
class OverlayReading:
    """The class of an overlay and why."""

    lever_class: Literal["A", "B", "indeterminate"]
    reasons: tuple[str, ...]
    """File and what it writes to, in the order of the files."""


def read_overlay(files: Mapping[str, bytes]) -> OverlayReading:
    """Classify an overlay by its files (path below the overlay folder to content). Raises nothing on bad content."""
    opaque: list[str] = []
    writes: list[tuple[str, str]] = []
    for path in sorted(files):
        if of_our_runtime(path, files[path]):
            continue
        if path.endswith(".cpp"):
            opaque += [f"{path}: {why}" for why in _native(files[path])]
        elif path.endswith(OPAQUE_SUFFIXES):
            opaque.append(f"{path}: cannot be read as source")
        elif path.endswith(".py"):
            reading = _python(files[path])
            opaque += [f"{path}: {why}" for why in reading.opaque]
            writes += [(path, target) for target in reading.writes]
        elif path.endswith(".json"):
            opaque += [f"{path}: builds with {flag}"[:200] for flag in _flags(files[path]) if not _FLAG.fullmatch(flag)]
            writes += [(path, target) for target in _patch_points(files[path])]
    serving = [f"{path} writes {target}" for path, target in writes if _serves(target)]
    operators = [
        f"{path} writes {target}" for path, target in writes if _under(target, OPERATORS) and not _serves(target)
    ]
    other = [f"{path} writes {target}" for path, target in writes if not _under(target, (*OPERATORS, *SERVING))]
    if serving:
        return OverlayReading("B", tuple(serving))
    if opaque or other or not operators:
        return OverlayReading("indeterminate", tuple(opaque or other or ["replaces nothing that is known"]))
    return OverlayReading("A", tuple(operators))


@dataclass(frozen=True)
class _Found:
    writes: list[str]
    opaque: list[str]


def _python(source: bytes) -> _Found:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _Found([], ["cannot be parsed"])
    names = dict(_imports(tree))
    reading = _Found([], [])
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            reading.opaque.extend(
                f"imports {name}" for name in _imported_modules(node) if name.split(".")[0] in OPAQUE_MODULES
            )
        elif isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Delete):
            targets = node.targets if isinstance(node, ast.Assign | ast.Delete) else [node.target]
            reading.writes.extend(filter(None, (_written_target(target, names) for target in targets)))
        elif isinstance(node, ast.Call):
            _call(node, names, reading)
    return reading


def _native(source: bytes) -> list[str]:
    """What keeps a C++ kernel from being mere arithmetic on the tensors it is handed."""
    text = source.decode("utf-8", "replace")
    if "\\\n" in text or "??" in text or "%:" in text:
        return ["writes directives in an obscured form"]
    effects = [f"includes {name}" for name in _INCLUDE.findall(text) if name.strip("<>") not in HEADERS]
    effects += [f"has the directive #{name}" for name in _DIRECTIVE.findall(text) if name not in DIRECTIVES]
    return effects + [f"names {name}" for name in sorted(set(_WORD.findall(text)) & FOREIGN)]


def _call(node: ast.Call, names: Mapping[str, str], reading: _Found) -> None:
    called = _dotted_name(node.func, names)
    if called in OPAQUE_CALLS or called in ("os.system", "os.popen"):
        reading.opaque.append(f"calls {called}")
    elif called == "importlib.import_module" and not (node.args and isinstance(node.args[0], ast.Constant)):
        reading.opaque.append("imports a module whose name is computed")
    elif called in ("setattr", "delattr", "unittest.mock.patch.object") and node.args:
        target = _dotted_name(node.args[0], names)
        named = node.args[1] if len(node.args) > 1 else None
        attribute = named.value if isinstance(named, ast.Constant) and isinstance(named.value, str) else "?"
        reading.writes.append(f"{target}.{attribute}" if target else "an object that cannot be resolved statically")
    elif called in ENVIRONMENT_CALLS:
        reading.writes.append(ENVIRONMENT)


def _written_target(target: ast.expr, names: Mapping[str, str]) -> str:
    """Dotted name of what an assignment changes outside its own file, else an empty string."""
    if isinstance(target, ast.Subscript):
        return _dotted_name(target.value, names) if _dotted_name(target.value, names) == ENVIRONMENT else ""
    if not isinstance(target, ast.Attribute):
        return ""
    dotted = _dotted_name(target, names)
    first = dotted.split(".")[0]
    return dotted if first in ("sglang", "sgl_kernel", "torch", "os") else ""


def _imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """(local name, the object that it refers to)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (alias.asname, alias.name) if alias.asname else (alias.name.split(".")[0],) * 2
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module or ''}.{alias.name}"
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            call = node.value
            literal = call.args[0] if call.args else None
            if (
                isinstance(literal, ast.Constant)
                and isinstance(literal.value, str)
                and isinstance(node.targets[0], ast.Name)
                and _dotted_name(call.func, {}).endswith("import_module")
            ):
                yield node.targets[0].id, literal.value


def _imported_modules(node: ast.Import | ast.ImportFrom) -> list[str]:
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]


def _dotted_name(node: ast.expr, names: Mapping[str, str]) -> str:
    """``layernorm.RMSNorm.forward`` with the import resolved; empty for what is not a chain of names."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([names.get(node.id, node.id), *reversed(parts)])


def _patch_points(content: bytes) -> list[str]:
    """Targets named as ``{"module": …, "attribute": …}`` at the top of a JSON file, or in a list of such."""
    try:
        parsed = json.loads(content)
    except (ValueError, RecursionError):
        return []
    entries = parsed if isinstance(parsed, list) else [parsed]
    return [
        f"{entry['module']}.{entry.get('attribute', '?')}"
        for entry in entries
        if isinstance(entry, dict) and isinstance(entry.get("module"), str)
    ]


def _flags(content: bytes) -> list[str]:
    """Compiler flags of the kernel that a JSON file names."""
    try:
        document = json.loads(content)
        flags = document["kernel"]["flags"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return []
    return [str(flag) for flag in flags] if isinstance(flags, list) else [str(flags)]


def _serves(target: str) -> bool:
    return _under(target, (*SERVING, ENVIRONMENT)) and not _under(target, SAME_WORK)


def _under(target: str, packages: tuple[str, ...]) -> bool:
    return any(target == package or target.startswith(f"{package}.") for package in packages)
