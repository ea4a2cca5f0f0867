"""Stand-in for sglang's kernel package on a CPU, where the package index has none.

With ``SGLANG_USE_CPU_ENGINE=1`` the engine imports names that end in ``_cpu`` from ``sgl_kernel`` unconditionally. This
module satisfies those imports and nothing else. It registers no ``torch.ops``: sglang's own check then finds no AMX
support, and every layer takes its native torch path. So what is served and measured is sglang itself.

Never put on the path of an engine that has an accelerator.
"""

from collections.abc import Callable
from typing import Any, NoReturn


def assign_req_to_token_pool_cpu(
    req_pool_indices: Any, req_to_token: Any, start: Any, end: Any, out_cache_loc: Any, pool_len: int
) -> None:
    """Write each request's new cache slots into its row of the token table.

    For request ``i``, ``req_to_token[req_pool_indices[i], start[i]:end[i]]`` becomes the next ``end[i] - start[i]``
    entries of ``out_cache_loc``. Index tensors are 1-D integers, ``req_to_token`` is (requests, ``pool_len``).
    """
    offset = 0
    for row, first, last in zip(req_pool_indices.tolist(), start.tolist(), end.tolist(), strict=True):
        req_to_token[row, first:last] = out_cache_loc[offset : offset + last - first]
        offset += last - first


def __getattr__(name: str) -> Callable[..., NoReturn]:
    """Any other CPU kernel: importable, and an error that names it when something really calls it."""
    if not name.endswith("_cpu"):
        raise AttributeError(f"module 'sgl_kernel' (CPU stand-in) has no attribute {name!r}")

    def missing(*_args: object, **_kwargs: object) -> NoReturn:
        raise NotImplementedError(f"sgl_kernel.{name}: this kernel is not in the CPU stand-in")

    return missing
