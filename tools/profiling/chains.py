"""Logical operators: runs of framework calls that one kernel can replace.

Without fused kernels RMSNorm is seven framework calls, each a few percent; the operator itself may be the largest of
all (P01). Chains are found in the sequence of top-level calls of a thread, views and allocations left out. What each
pattern stands for was read off real traces of sglang's native (torch) path.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from bankable.tools.profiling.families import family_of
from bankable.tools.profiling.nesting import TimedEvent
from bankable.tools.profiling.records import OperatorFamily
from bankable.tools.profiling.replaced import CallPattern, replaced_work

_LETTERS = {
    "to": "t",
    "pow": "p",
    "mean": "e",
    "add": "a",
    "rsqrt": "r",
    "mul": "m",
    "sub": "s",
    "cat": "c",
    "silu": "S",
    "gelu": "G",
    "index": "I",
    "item": "i",
    "scaled_dot_product_attention": "A",
    "copy_": "y",
    "index_put_": "P",
    "softmax": "x",
    "argmax": "X",
    "add_": "a",
    "mul_": "m",
    "square": "p",
}
_NO_KERNEL = (
    CallPattern(chain="gelu_and_mul", family=OperatorFamily.ELEMENTWISE, calls="Gm"),
    CallPattern(chain="kv_cache_store", family=OperatorFamily.COPY, calls="PP"),
)
"""Chains for which there is no operator of ours; the others are in the operators' ``profile.toml``."""
_ANCHORS = frozenset({"aten::scaled_dot_product_attention", "aten::index_put_"})


@dataclass(frozen=True)
class Chain:
    """One occurrence."""

    name: str
    family: OperatorFamily
    calls: tuple[TimedEvent, ...]
    """Its top-level calls, views left out."""
    us: float
    """Inclusive, with the views in between."""

    @property
    def shape(self) -> tuple[str, str]:
        """Dims and dtypes of the call that a replacement kernel's inputs can be read off."""
        names = [call.event.name for call in self.calls]
        anchor = next((name for name in names if name in _ANCHORS), None)
        at = names.index(anchor) if anchor else next((i for i, name in enumerate(names) if name != "aten::to"), 0)
        return self.calls[at].event.dims, self.calls[at].event.dtypes


def find_chains(top: Sequence[TimedEvent]) -> Iterator[Chain]:
    """Chains in the top-level calls of one thread within one step, in time order; no call is in two chains."""
    places = [at for at, call in enumerate(top) if _is_kept(call.event.name)]
    text = "".join(_LETTERS.get(top[at].event.name.removeprefix("aten::"), ".") for at in places)
    at = 0
    while at < len(text):
        chain_match = next(((chain, match) for chain, calls in _patterns() if (match := calls.match(text, at))), None)
        if chain_match is None:
            at += 1
            continue
        pattern, match = chain_match
        inside = places[at : match.end()]
        us = sum(call.event.duration for call in top[inside[0] : inside[-1] + 1])
        yield Chain(pattern.chain, pattern.family, tuple(top[i] for i in inside), us)
        at = match.end()


@cache
def _patterns() -> tuple[tuple[CallPattern, re.Pattern[str]], ...]:
    """Of operators in the order of their names. No text begins with two of them, so the order decides nothing."""
    of_operators = (pattern for work in replaced_work().values() for pattern in work.patterns)
    return tuple((pattern, re.compile(pattern.calls)) for pattern in (*of_operators, *_NO_KERNEL))


def _is_kept(name: str) -> bool:
    return name == "aten::item" or family_of(name) is not OperatorFamily.HOST
