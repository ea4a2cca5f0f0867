"""Reads an answer's source for what no honest kernel needs: clocks, torch's settings, the evaluator, the reference.

What a source hides from this reader still has no effect: times, inputs and the comparison are in other processes. The
reader says why an answer is refused, where a wrong output alone would not.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

CLOCK_MODULES = ("time.", "timeit.", "torch.cuda.Event", "torch.cuda.synchronize", "torch.cpu.synchronize")
SETTERS = frozenset(
    {
        "torch.set_default_dtype",
        "torch.set_default_device",
        "torch.set_default_tensor_type",
        "torch.set_float32_matmul_precision",
        "torch.set_flush_denormal",
        "torch.set_num_threads",
        "torch.set_num_interop_threads",
        "torch.use_deterministic_algorithms",
        "torch.manual_seed",
        "torch.random.manual_seed",
        "torch.set_rng_state",
    }
)
LOOKS = frozenset(
    {
        "gc.get_objects",
        "gc.get_referrers",
        "gc.get_referents",
        "inspect.stack",
        "inspect.currentframe",
        "inspect.getouterframes",
        "sys._getframe",
        "sys._current_frames",
        "sys.settrace",
        "sys.setprofile",
        "threading.settrace",
    }
)
"""Functions that find objects of whoever calls."""
FRAME_PARTS = frozenset({"f_back", "f_locals", "f_globals", "tb_frame", "gi_frame"})
GPU_WORDS = (
    "cuda_sources",
    "import triton",
    "from triton",
    "import cutlass",
    "tilelang",
    "import cupy",
    '"cuda"',
    ".cuda(",
)
REFERENCE_NAMES = frozenset({"Model", "get_inputs", "get_init_inputs"})


@dataclass(frozen=True)
class SourceFinding:
    """Something in a source that accuses it."""

    rule: str
    detail: str


def read_answer(text: str, problem: str) -> list[SourceFinding]:
    """Findings, one a rule. A source that does not parse has none: it will not load."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return []
    names = _imports(tree)
    findings: dict[str, SourceFinding] = {}
    for finding in (*_of_assignments(tree, names), *_of_calls(tree, names), *_of_the_reference(tree, problem)):
        findings.setdefault(finding.rule, finding)
    return list(findings.values())


def needs_gpu(text: str) -> bool:
    """Whether a source is written for a GPU."""
    return any(word in text for word in GPU_WORDS)


def compiles_graphs(text: str) -> bool:
    """Whether an answer goes through torch's compiler: then its operators are those of the graph that it was given."""
    return "torch.compile" in text or "torch.jit" in text


def _imports(tree: ast.Module) -> dict[str, str]:
    """What local names stand for: ``F`` for ``torch.nn.functional``."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                whole = alias.name if alias.asname else alias.name.partition(".")[0]
                names[alias.asname or whole] = whole
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _path(node: ast.expr, names: dict[str, str]) -> str:
    """``torch.nn.functional.relu``, whatever it is imported as; empty for what is no path."""
    if isinstance(node, ast.Name):
        return names.get(node.id, "")
    if isinstance(node, ast.Attribute):
        owner = _path(node.value, names)
        return f"{owner}.{node.attr}" if owner else ""
    return ""


def _of_assignments(tree: ast.Module, names: dict[str, str]) -> Iterator[SourceFinding]:
    for node in ast.walk(tree):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
            targets = [node.target]
        elif isinstance(node, ast.Delete):
            targets = node.targets
        for target in targets:
            if isinstance(target, ast.Attribute):
                yield from _of_replaced(_path(target, names), target.lineno)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("setattr", "delattr"):
            owner = _path(node.args[0], names) if node.args else ""
            attribute = node.args[1] if len(node.args) > 1 else None
            if owner:
                name = str(attribute.value) if isinstance(attribute, ast.Constant) else "?"
                yield from _of_replaced(f"{owner}.{name}", node.lineno)


def _of_replaced(path: str, line: int) -> Iterator[SourceFinding]:
    if path.startswith(CLOCK_MODULES):
        yield SourceFinding("patches_clock", f"line {line} replaces {path}")
    elif path.startswith(("torch.", "numpy.", "builtins.", "sys.modules")):
        yield SourceFinding("changes_torch", f"line {line} replaces {path}")


def _of_calls(tree: ast.Module, names: dict[str, str]) -> Iterator[SourceFinding]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            path = _path(node.func, names)
            if path in SETTERS:
                yield SourceFinding("changes_torch", f"line {node.lineno} calls {path}")
            if path in LOOKS:
                yield SourceFinding("reads_evaluator", f"line {node.lineno} calls {path}")
        if isinstance(node, ast.Attribute) and node.attr in FRAME_PARTS:
            yield SourceFinding("reads_evaluator", f"line {node.lineno} reads {node.attr} of a frame")
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("/proc/"):
            yield SourceFinding("reads_evaluator", f"line {node.lineno} names {node.value[:40]}")


def _of_the_reference(tree: ast.Module, problem: str) -> Iterator[SourceFinding]:
    defined = {node.name for node in ast.walk(tree) if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
    defined |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in REFERENCE_NAMES - defined:
            yield SourceFinding("falls_back", f"line {node.lineno} uses the problem's own {node.id}")
    forward = _forward(ast.parse(problem), "Model")
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and forward and _forward(node, node.name) == forward:
            yield SourceFinding("falls_back", f"{node.name}, line {node.lineno}, has the reference's own forward")


def _forward(tree: ast.AST, name: str) -> str:
    """A class's ``forward`` without names of arguments, annotations and docstring; empty where it has none."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name == name:
            for part in node.body:
                if isinstance(part, ast.FunctionDef) and part.name == "forward":
                    return _normal(part)
    return ""


def _normal(function: ast.FunctionDef) -> str:
    order = {argument.arg: f"a{index}" for index, argument in enumerate(function.args.args)}
    body = [
        statement
        for statement in function.body
        if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
    ]
    renamed = [_Renamed(order).visit(ast.parse(ast.unparse(statement))) for statement in body]
    return "\n".join(ast.unparse(statement) for statement in renamed)


class _Renamed(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self._names.get(node.id, node.id), node.ctx)
