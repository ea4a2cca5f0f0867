"""Seeded choices that lean towards one option.

Uniform choices would make the continuation of a text a tie between the options, and greedy decoding of a tie depends on
the last bit of a logit. One favoured option per slot gives the argmax a margin that reduced precision does not cross.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

HELDOUT_BUCKETS = 8
"""One bucket in this many belongs to the held-out side."""


def lean(rng: random.Random, options: Sequence[T], share: float = 0.3) -> T:
    """Return the first option with probability ``share`` and otherwise any option, uniformly."""
    return options[0] if rng.random() < share else rng.choice(options)


def is_heldout(*identity: str | int) -> bool:
    """Say on which side of the split an identity lies.

    The side is a function of the identity alone, so no seed and no order of drawing can move an item across it.
    ``crc32`` and not ``hash``, because ``hash`` of a string differs from process to process.
    """
    return zlib.crc32("|".join(map(str, identity)).encode()) % HELDOUT_BUCKETS == 0
