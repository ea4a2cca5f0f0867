"""What an operator family is, as data: tensors, work, tolerances, its patch point in the engine, template parameters.

Imported on both sides, by the orchestrator and by the workers under the engine's interpreter: standard library only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Literal

Dims = tuple[int, ...]
Choices = Mapping[str, int]
"""A value for each parameter of a template."""

ITEM_BYTES = {"bfloat16": 2, "float32": 4, "int32": 4, "int64": 8}
DTYPES = ("bfloat16", "float32")
Kind = Literal[
    "activation", "weight", "matrix", "positions", "table", "distinct", "lengths", "probabilities", "counts", "shares"
]
"""A ``weight`` is near one, a ``matrix`` around zero and such that products keep their size. ``positions`` are any
indices, ``distinct`` ones name nothing twice, ``lengths`` are those of a ragged batch. ``probabilities`` are rows of a
softmax over what a model in bf16 says, many of them equal; ``counts`` start at one, ``shares`` end there."""
Phase = Literal["prefill", "decode", "mixed"]


@dataclass(frozen=True)
class TensorSpec:
    """One tensor argument or result."""

    name: str
    dims: Dims
    kind: Kind = "activation"
    """``weight`` and ``table`` stay the same from call to call, as in a server; the others are new in each. A
    ``matrix`` is too: a server goes through all of its layers before it comes back to one, cold by then."""
    dtype: str | None = None
    """``None``: the dtype of the task."""
    touched: int | None = None
    """Elements that one call has to read, where that is less than all of them."""
    limit: int = 0
    """Of kinds that are numbers: indices lie below it, the longest length is equal to it, so are most counts."""
    host: bool = False
    """Read by whoever calls a kernel, never by a kernel: stays with the processor where the others are on a GPU."""
    outlier: Literal["column", "row", "none"] = "column"
    """What is blown up in ``outlier`` inputs: a column, as activations have them. Where the values go into scores of a
    softmax, a whole row or nothing: scores of near keys would be so large that fp32 cannot tell which is the larger."""
    special: tuple[float, ...] = (math.nan, math.inf, -math.inf)
    """What stands in ``special`` inputs, one in a row. Nothing where the values go into scores of a softmax: torch's
    own answers to a score that is infinite or no number differ by dtype and length."""

    @property
    def elements(self) -> int:
        """All of them, whether a call reads them or not."""
        return math.prod(self.dims)

    def bytes_moved(self, dtype: str) -> int:
        """Bytes that one call has to read or write."""
        elements = self.elements if self.touched is None else self.touched
        return elements * ITEM_BYTES[self.dtype or dtype]


@dataclass(frozen=True)
class Allowed:
    """How far an output may be off: |got − want| / max(|want|, rms(want)), for every element."""

    relative_error: float
    reason: str


@dataclass(frozen=True)
class Parameter:
    """Something that a template leaves open. The first value is the default."""

    name: str
    values: tuple[int, ...]
    meaning: str


VECTOR_BITS = Parameter("vector_bits", (512, 256), "width that the compiler prefers for vectors")
UNROLL = Parameter("unroll", (1, 2, 4), "copies of the inner loop's body")
THREAD_ROWS = Parameter("thread_rows", (0, 2, 64), "rows from which OpenMP threads share the work; 0: never")


@dataclass(frozen=True)
class OwnPoint:
    """Where an engine that has CPU kernels of its own calls the operator: code that answers in a new tensor."""

    module: str
    attribute: str
    adapter: str = "adapter.py"
    """File beside the definition with the adapter for this attribute."""


@dataclass(frozen=True)
class Family:
    """Operators that compute the same thing and differ in their sizes."""

    name: str
    title: str
    axes: tuple[str, ...]
    """Names of the sizes that make a shape, in the order of its key."""
    module: str
    attribute: str
    """Where the live server calls it: module and qualified name inside."""
    branch: str = field(default="", kw_only=True)
    """Which calls of that attribute, where several families share it."""
    inputs: Callable[[Dims], tuple[TensorSpec, ...]]
    outputs: Callable[[Dims], tuple[TensorSpec, ...]]
    flops: Callable[[Dims], int]
    """Operations of one call, by the operator's definition."""
    allowed: Mapping[str, Allowed]
    """Tolerance by dtype."""
    parameters: tuple[Parameter, ...] = (VECTOR_BITS, UNROLL, THREAD_ROWS)
    specialised: tuple[str, ...] = ()
    """Axes that a kernel may be compiled for at one size; it stays right at all others."""
    scalars: Mapping[str, float] = field(default_factory=dict)
    phase: Phase | None = None
    """Where every shape is of one; ``None``: the first size decides."""
    contracted: bool = False
    """A product and a sum may be one rounding: the live path's are a library's, and not separate operators."""
    fusible: bool = True
    """The live path is several operators, which a compiled graph may fuse. A single library call stays that call."""
    lacks: Callable[[Dims], str] = lambda _: ""
    """What a shape would need in order to be one of this operator; empty where it is."""
    native_outputs: Mapping[str, str] = field(default_factory=dict)
    """Pointer to each output and its number of elements, as C++ expressions in the names that the entry point of
    ``kernel.cpp.j2`` has for its arguments. Red-team attacks are built from them; without any there are none."""
    own: OwnPoint | None = None
    """The patch point in an engine with CPU kernels of its own; ``None`` where nothing can stand in there."""
    own_lacks: str = ""
    """Why there is none."""

    def dispatched(self, own_kernels: bool) -> Family:
        """This family at the patch point that the engine calls: another one where it has CPU kernels of its own."""
        if not own_kernels or self.own is None:
            return self
        return replace(self, module=self.own.module, attribute=self.own.attribute)

    @property
    def adapter(self) -> str:
        """File with the adapter for the patch point."""
        own = self.own is not None and (self.module, self.attribute) == (self.own.module, self.own.attribute)
        return self.own.adapter if own and self.own is not None else "adapter.py"

    def lead(self, dims: Dims) -> str:
        """Name of the first input that holds values, not indices."""
        return next(spec.name for spec in self.inputs(dims) if spec.kind in ("activation", "probabilities"))

    @property
    def usual(self) -> str:
        """The dtype that is meant where none is named."""
        return next(iter(self.allowed))

    def results(self, dims: Dims, dtype: str) -> list[tuple[Dims, str]]:
        """Shape and dtype of every output."""
        return [(spec.dims, spec.dtype or dtype) for spec in self.outputs(dims)]

    def bytes_moved(self, dims: Dims, dtype: str) -> int:
        """Bytes that one call has to read and write: every input once, every output once."""
        return sum(spec.bytes_moved(dtype) for spec in (*self.inputs(dims), *self.outputs(dims)))

    def defaults(self) -> dict[str, int]:
        """The first value of every parameter; no axis specialised."""
        return {parameter.name: parameter.values[0] for parameter in self.parameters} | {
            f"fixed_{axis}": 0 for axis in self.specialised
        }


def combinations(values: Mapping[str, Sequence[int]]) -> Iterator[dict[str, int]]:
    """A value for each name, in all ways; the last name changes first."""
    for chosen in product(*values.values()):
        yield dict(zip(values, chosen, strict=True))


def shape_key(dims: Dims) -> str:
    """``4x256``: how rows, oracle files and tables name a shape."""
    return "x".join(map(str, dims))
