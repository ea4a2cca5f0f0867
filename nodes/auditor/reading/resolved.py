"""Compares resolved server arguments, without those that differ between any two launches, and names capacities.

Source: the ``/server_info`` answer of sglang 0.5.23 (fields of ServerArgs plus the scheduler's state).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from bankable.tools.evidence.canonical import canonical, digest
from bankable.tools.levers import classify_field

POOL = frozenset({"max_total_num_tokens", "max_total_tokens", "mem_fraction_static", "token_capacity"})
"""Size of the KV pool, in tokens or as the memory share that it is derived from."""
POOL_SIZES = frozenset({"max_total_tokens", "mem_fraction_static"})
"""Levers whose purpose is another pool size."""
POOL_SIZERS = frozenset({"kv_cache_dtype", "quantization", "dtype", "tp_size"})
"""Levers that necessarily change the pool size."""
GRAPHS = frozenset({"cuda_graph_config", "decode_cuda_graph_bs", "torch_compile_max_bs"})
"""Batch sizes of captured graphs and of compiled steps."""
ALIASES = frozenset(
    {
        "world_size",
        "speculative_num_draft_tokens",
        "speculative_eagle_topk",
        "speculative_num_steps",
        "memory_usage",
    }
)
"""Fields that a lever derives and that hold its own value under another name."""
REQUEST_CAPS = frozenset(
    {
        "max_running_requests",
        "effective_max_running_requests_per_dp",
        "pp_max_micro_batch_size",
    }
)
LENGTH_CAPS = frozenset({"max_req_input_len"})
SPREAD = frozenset(
    {
        "tp_size",
        "pp_size",
        "dp_size",
        "ep_size",
        "nnodes",
        "moe_dp_size",
        "attn_cp_size",
        "cpu_offload_gb",
        "offload_group_size",
        "offload_num_in_group",
        "offload_mode",
        "offload_prefetch_step",
        "enable_dp_attention",
    }
)
"""Placement and number of devices: another value is another machine (C14)."""
SERVED = frozenset(
    {
        "model_path",
        "load_format",
        "json_model_override_args",
        "revision",
        "model_impl",
        "quantization",
        "dtype",
        "model_loader_extra_config",
        "custom_weight_loader",
        "weight_version",
        "model_checksum",
    }
)
"""What is served: another value is another model (Q10)."""
STATE = "state."
MAX_NESTING, MAX_PARTS, MAX_ARGUMENTS = 4, 64, 5_000
"""Bounds on what is taken apart: levels, servers in one list, arguments."""
_PLAIN = frozenset({str, int, bool})


@dataclass(frozen=True)
class ArgumentDifference:
    """One resolved argument that differs between two legs."""

    name: str
    reference: str
    candidate: str

    @property
    def plain(self) -> str:
        """Name without the prefix of the scheduler's state."""
        return self.name.removeprefix(STATE)

    @property
    def place(self) -> str:
        """Prefix of the server inside a larger one that this argument belongs to, such as ``decode.``; mostly empty."""
        return self.plain.rpartition(".")[0] + "." if "." in self.plain else ""

    @property
    def field(self) -> str:
        """Name of the argument itself, without the server that it belongs to."""
        return self.plain.rpartition(".")[2]

    def numbers(self) -> tuple[float, float] | None:
        """Both values as numbers; ``None`` when one is not a number."""
        try:
            return float(self.reference), float(self.candidate)
        except ValueError:
            return None


def modes_of(name: str) -> tuple[str, ...]:
    """Failure modes of an undeclared difference in this argument."""
    if name in SPREAD:
        return ("C14", "C04")
    return ("Q10", "C04") if name in SERVED else ("C04", "C08")


def drop_volatile(info: Mapping[str, Any]) -> dict[str, Any]:
    """Resolved arguments without the volatile ones; the scheduler's own values get the prefix ``state.``.

    What a router or another engine nests (servers for prefill and decode, sections of a configuration) is taken apart:
    ``decode.attention_backend``, and ``decode[1].attention_backend`` of the second of several.
    """
    flat: dict[str, Any] = {}
    for name, value in info.items():
        if not _is_volatile(name):
            flat.update(_take_apart(name, value, MAX_NESTING))
    states = info.get("internal_states")
    state = states[0] if isinstance(states, list) and states and isinstance(states[0], dict) else {}
    for name, value in state.items():
        if not _is_volatile(name) and (name not in info or info[name] != value):
            flat[STATE + name] = value
    usage = state.get("memory_usage")
    if isinstance(usage, dict) and "token_capacity" in usage:
        flat[STATE + "token_capacity"] = usage["token_capacity"]
    return flat


class ResolvedArguments:
    """Resolved arguments of the rounds of a launch: the same object for the same arguments."""

    def __init__(self) -> None:
        self._by_digest: dict[str, dict[str, Any]] = {}
        self._last: tuple[bytes, dict[str, Any]] | None = None

    def resolve(self, report: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of a server's report without volatile ones. Most rounds repeat the report of the last one."""
        text = orjson.dumps(report)
        if self._last is None or self._last[0] != text:
            info = drop_volatile(report)
            self._last = text, self._by_digest.setdefault(digest(canonical(info)), info)
        return self._last[1]


def _take_apart(name: str, value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    """(name, value) of each argument below an unknown name; a known argument keeps its value, whatever its form."""
    parts: list[tuple[str, Mapping[str, Any]]] = []
    nested = isinstance(value, dict) or (isinstance(value, list) and value)
    if depth and nested and classify_field(name.rpartition(".")[2]) == "unknown":
        if isinstance(value, dict):
            parts = [(name, value)]
        elif all(isinstance(entry, dict) for entry in value):
            parts = [(f"{name}[{index}]" if index else name, entry) for index, entry in enumerate(value[:MAX_PARTS])]
    if not parts or sum(len(entry) for _, entry in parts) > MAX_ARGUMENTS:
        yield name, value
        return
    for place, entry in parts:
        for inner, inside in entry.items():
            if not _is_volatile(inner):
                yield from _take_apart(f"{place}.{inner}", inside, depth - 1)


def find_differences(reference: Mapping[str, Any], candidate: Mapping[str, Any]) -> list[ArgumentDifference]:
    """Arguments that differ, sorted by name; an absent one reads ``absent``."""
    different = []
    for name in sorted({*reference, *candidate}):
        if _is_plainly_equal(reference.get(name), candidate.get(name)):
            continue
        first, second = format_value(reference, name), format_value(candidate, name)
        if first != second:
            different.append(ArgumentDifference(name, first, second))
    return different


def _is_plainly_equal(first: object, second: object) -> bool:
    """Whether two values are equal strings, integers or booleans: the fast path for most arguments."""
    return first.__class__ is second.__class__ and first.__class__ in _PLAIN and first == second


def format_value(info: Mapping[str, Any], name: str) -> str:
    """A value as text: a string as it is, everything else as canonical JSON."""
    if name not in info:
        return "absent"
    value = info[name]
    return value if isinstance(value, str) else canonical(value).decode()


def same_value(stated: str, true: str) -> bool:
    """Whether two spellings name one value: ``4`` and ``4.0``, ``True`` and ``true``."""
    try:
        return abs(float(stated) - float(true)) <= 1e-9 * max(1.0, abs(float(true)))
    except ValueError:
        return stated.strip().lower() == true.strip().lower()


@lru_cache(maxsize=4096)
def _is_volatile(name: str) -> bool:
    return classify_field(name) == "volatile" or name.endswith(("_port", "_explicitly_set"))
