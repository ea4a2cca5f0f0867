"""Loads a problem in KernelBench's form (``Model``, ``get_inputs``, ``get_init_inputs``), at its sizes or smaller ones.

The sizes of a problem are its module-level constants: integers, and tuples of integers, written as literals or as
arithmetic on literals. A smaller problem is the same file with some of these halved until its tensors fit.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

Size = int | list[int]
Sizes = dict[str, Size]
ARITHMETIC: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Pow: operator.pow,
}
LEAST = 8
"""No size is halved below this: kernel sizes, strides and groups are as they are in the problem."""


@dataclass(frozen=True)
class LoadedProblem:
    """What a problem's file defines."""

    model: type[nn.Module]
    get_inputs: Callable[[], list[Any]]
    get_init_inputs: Callable[[], list[Any]]
    constants: dict[str, Any]
    """Its plain constants, which an answer finds under their names, as KernelBench runs both in one namespace."""

    def build(self, seed: int, double: bool = False) -> nn.Module:
        """The model with weights drawn by ``seed``."""
        return build(self.model, self.init_inputs(seed), seed, double)

    def init_inputs(self, seed: int) -> list[Any]:
        """Arguments of the constructor."""
        torch.manual_seed(seed)
        return list(self.get_init_inputs())

    def inputs(self, seed: int) -> list[Any]:
        """Inputs of one call, drawn by ``seed``."""
        torch.manual_seed(seed)
        return list(self.get_inputs())


def build(kind: type[nn.Module], init_inputs: Iterable[Any], seed: int, double: bool = False) -> nn.Module:
    """A module whose weights are drawn by ``seed``, in float64 where wanted (drawn as they are in float32)."""
    torch.manual_seed(seed)
    module = kind(*init_inputs)
    return module.double() if double else module


def load_problem(text: str, smaller: Mapping[str, Size]) -> LoadedProblem:
    """Execute a problem's source with some of its sizes replaced. Raises what it raises, and ``KeyError`` for a name
    that it does not define."""
    tree = ast.parse(text)
    body: list[ast.stmt] = []
    for node in tree.body:
        body.append(node)
        for name in _targets(node):
            if name in smaller:
                body += ast.parse(f"{name} = {_as_written(node, smaller[name])}").body
    names: dict[str, Any] = {"__name__": "problem"}
    exec(compile(ast.Module(body, []), "problem.py", "exec"), names)
    plain = {
        name: value
        for name, value in names.items()
        if not name.startswith("__") and isinstance(value, (int, float, str, tuple, list))
    }
    return LoadedProblem(names["Model"], names["get_inputs"], names["get_init_inputs"], plain)


def read_sizes(text: str) -> Sizes:
    """The sizes of a problem by name; of names that are assigned together, the first."""
    sizes: Sizes = {}
    for node in ast.parse(text).body:
        if names := _targets(node):
            assert isinstance(node, ast.Assign)
            value = _value(node.value)
            if value is not None:
                sizes[names[0]] = value
    return sizes


def shrink(text: str, budget: int) -> Sizes:
    """Halve sizes until inputs and outputs of a call fit ``budget`` bytes; only sizes that changed.

    Sizes of leading axes come first, the largest of them first: a row stays as long as it is, and so do the values that
    its length gives. A size whose half gives no model that runs, or no smaller tensors, stays. What cannot fit is
    returned as small as it gets. Needs a problem that runs without data (torch's ``meta`` device); raises what it
    raises there.
    """
    original = read_sizes(text)
    sizes, changed, fixed = dict(original), Sizes(), set[tuple[str, int]]()
    inputs, outputs, _ = without_data(text, {})
    needed, shape = _bytes(inputs, outputs), [tuple(tensor.shape) for tensor in inputs]
    leading: dict[tuple[str, int], bool] = {}
    while needed > budget:
        trials = []
        for name, index, value in _places(sizes):
            place = (name, index)
            if place in fixed or value // 2 < LEAST:
                continue
            halved = _replaced(sizes[name], index, value // 2)
            try:
                inputs, outputs, _ = without_data(text, {**changed, name: halved})
            except Exception:
                fixed.add(place)
                continue
            fewer, shapes = _bytes(inputs, outputs), [tuple(tensor.shape) for tensor in inputs]
            if fewer >= needed:
                fixed.add(place)
                continue
            leading.setdefault(place, [own[1:] for own in shapes] == [own[1:] for own in shape])
            trials.append((leading[place], value, name, halved, fewer, shapes))
        if not trials:
            break
        _, _, name, halved, needed, shape = max(trials, key=lambda trial: trial[:3])
        sizes[name] = changed[name] = halved
    return {name: size for name, size in changed.items() if size != original[name]}


def _bytes(inputs: Iterable[torch.Tensor], outputs: Iterable[torch.Tensor]) -> int:
    return sum(tensor.nbytes for tensor in (*inputs, *outputs))


def without_data(text: str, smaller: Mapping[str, Size]) -> tuple[list[torch.Tensor], list[torch.Tensor], int]:
    """Inputs and outputs on the ``meta`` device, and the bytes of the model's parameters and buffers."""
    with torch.device("meta"), torch.no_grad():
        problem = load_problem(text, smaller)
        inputs = problem.get_inputs()
        module = problem.model(*problem.get_init_inputs())
        outputs = tensors_of(module(*inputs))
    state = sum(tensor.nbytes for tensor in (*module.parameters(), *module.buffers()))
    return tensors_of(inputs), outputs, state


def tensors_of(value: Any) -> list[torch.Tensor]:
    """All tensors in a value, in order; of tuples, lists and dictionaries too."""
    if isinstance(value, torch.Tensor):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (tuple, list)) else ()
    return [tensor for part in parts for tensor in tensors_of(part)]


def _targets(node: ast.stmt) -> list[str]:
    """Names that a statement gives a size to."""
    if not isinstance(node, ast.Assign) or _value(node.value) is None:
        return []
    return [target.id for target in node.targets if isinstance(target, ast.Name)]


def _value(node: ast.expr) -> Size | None:
    """The size that an expression of literals has; ``None`` for any other expression."""
    if isinstance(node, (ast.Tuple, ast.List)):
        parts = [_value(part) for part in node.elts]
        whole = [part for part in parts if isinstance(part, int)]
        return whole if parts and len(whole) == len(parts) else None
    if isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        left, right = _value(node.left), _value(node.right)
        small = isinstance(left, int) and isinstance(right, int) and not (isinstance(node.op, ast.Pow) and right > 64)
        return ARITHMETIC[type(node.op)](left, right) if small else None  # type: ignore[arg-type] # both are integers
    constant = node.value if isinstance(node, ast.Constant) else None
    return constant if isinstance(constant, int) and not isinstance(constant, bool) else None


def _as_written(node: ast.stmt, size: Size) -> str:
    """A size as source, in a tuple where the problem has a tuple."""
    assert isinstance(node, ast.Assign)
    return repr(tuple(size) if isinstance(size, list) and isinstance(node.value, ast.Tuple) else size)


def _places(sizes: Sizes) -> Iterator[tuple[str, int, int]]:
    for name, size in sizes.items():
        for index, value in enumerate(size if isinstance(size, list) else [size]):
            yield name, index, value


def _replaced(size: Size, index: int, value: int) -> Size:
    return [*size[:index], value, *size[index + 1 :]] if isinstance(size, list) else value
