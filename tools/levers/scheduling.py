"""Knobs of the scheduler: batching and its timing."""

from __future__ import annotations

from bankable.tools.evidence.records import Scalar
from bankable.tools.levers.model import Knob, Situation, Touches

DRAFTED: tuple[Scalar, ...] = ("EAGLE", "EAGLE3", "NEXTN", "STANDALONE")
"""Algorithms that draft with a model of their own."""


def _chunk_sizes(s: Situation) -> tuple[Scalar, ...]:
    """Tokens per prefill step: everything that waits, half of it, two prompts, one prompt; multiples of 64."""
    waiting = s.input_len * s.concurrency
    sizes = (waiting, waiting // 2, 2 * s.input_len, s.input_len)
    return tuple(dict.fromkeys(size for size in (max(64, v // 64 * 64) for v in sizes) if size <= waiting))


def _prefill_requests(s: Situation) -> tuple[Scalar, ...]:
    """Fewer prompts per prefill step than can wait at once."""
    return tuple(n for n in (4, 2, 1) if n < s.concurrency)


def _prefill_tokens(s: Situation) -> tuple[Scalar, ...]:
    """A bound that binds: below what can wait at once, not below one prompt."""
    waiting = s.input_len * s.concurrency
    return tuple(dict.fromkeys(v for v in (waiting // 2, waiting // 4) if s.input_len <= v < waiting))


def _running(s: Situation) -> tuple[Scalar, ...]:
    """Caps at and below the number of requests in flight; above it nothing can change."""
    return tuple(dict.fromkeys(n for n in (s.concurrency, s.concurrency // 2) if n >= 1))


SCHEDULING: tuple[Knob, ...] = (
    Knob(
        name="chunked_prefill_size",
        default=None,
        touches=(Touches.SCHEDULING, Touches.PREFILL),
        lever_class="B",
        reason="Splits prefill into chunks so that decoding is not held up; other batches, same operators.",
        generate=_chunk_sizes,
        derived=("mem_fraction_static", "cuda_graph_config"),
    ),
    Knob(
        name="max_prefill_tokens",
        default=16384,
        touches=(Touches.SCHEDULING, Touches.PREFILL),
        lever_class="B",
        promise=0.5,
        reason="Bounds the tokens of a prefill batch; the engine raises it to the context length if it is smaller.",
        generate=_prefill_tokens,
    ),
    Knob(
        name="prefill_max_requests",
        default=None,
        touches=(Touches.SCHEDULING, Touches.PREFILL),
        lever_class="B",
        promise=0.5,
        reason="Bounds the prompts of a prefill batch: first tokens come earlier, prefill is batched less.",
        generate=_prefill_requests,
    ),
    Knob(
        name="prefill_decode_interval",
        default=None,
        touches=(Touches.SCHEDULING, Touches.PREFILL, Touches.DECODE),
        lever_class="B",
        promise=2.0,
        reason="Runs that many decode steps between prefill batches, so that arriving prompts are prefilled together.",
        values=(2, 4, 8),
    ),
    Knob(
        name="schedule_policy",
        default="fcfs",
        touches=(Touches.SCHEDULING,),
        lever_class="B",
        promise=0.3,
        reason="Order of the waiting queue. Prompts without shared prefixes leave `lpm` nothing to gain.",
        values=("lpm", "shortest-prefill-first", "lof"),
    ),
    Knob(
        name="schedule_conservativeness",
        default=1.0,
        touches=(Touches.SCHEDULING, Touches.KV_MEMORY),
        lever_class="B",
        promise=0.3,
        reason="How much KV memory a new request must leave free. Matters only when the pool runs full.",
        values=(0.3, 0.6),
    ),
    Knob(
        name="num_continuous_decode_steps",
        default=1,
        touches=(Touches.SCHEDULING, Touches.DECODE),
        lever_class="B",
        reason="Documented as several decode steps per scheduling step; in 0.5.23 accepted, reported and read nowhere.",
        values=(2, 4, 8),
        unread=True,
    ),
    Knob(
        name="scheduler_recv_interval",
        default=1,
        touches=(Touches.SCHEDULING, Touches.PROCESS),
        lever_class="B",
        promise=0.5,
        reason="Polls for new requests every so many decode steps; less polling, later admission.",
        values=(4, 16),
    ),
    Knob(
        name="disable_overlap_schedule",
        default=False,
        touches=(Touches.SCHEDULING, Touches.PROCESS),
        lever_class="B",
        promise=3.0,
        reason=(
            "The overlap hides scheduling behind the device; on a CPU both compete for the same cores. On a loaded "
            "two-core CPU, off gave +5 to +11 % over four paired rounds of one launch; same tokens."
        ),
        values=(True,),
    ),
    Knob(
        name="enable_mixed_chunk",
        default=False,
        touches=(Touches.SCHEDULING, Touches.PREFILL, Touches.DECODE),
        lever_class="B",
        reason="Decodes in the same batch as a prefill chunk; batch composition and so rounding may change.",
        values=(True,),
        changes_numerics=True,
    ),
    Knob(
        name="max_running_requests",
        default=None,
        touches=(Touches.SCHEDULING, Touches.KV_MEMORY),
        lever_class="B",
        reason="Caps the running batch. Below the load's concurrency it trades throughput for latency per token.",
        generate=_running,
        derived=("pp_max_micro_batch_size", "effective_max_running_requests_per_dp", "cuda_graph_config"),
    ),
    Knob(
        name="disable_radix_cache",
        default=False,
        touches=(Touches.SCHEDULING, Touches.KV_MEMORY),
        lever_class="B",
        reason="Prefix reuse off: saves the tree's bookkeeping, loses every hit. Prompts that share prefixes lose.",
        values=(True,),
    ),
    Knob(
        name="radix_eviction_policy",
        default="lru",
        touches=(Touches.KV_MEMORY,),
        lever_class="B",
        promise=0.3,
        reason="Which cached prefix goes first. Matters only when the pool runs full.",
        values=("lfu", "slru"),
        condition={"disable_radix_cache": (None, False)},
    ),
    Knob(
        name="page_size",
        default=1,
        touches=(Touches.KV_MEMORY, Touches.SCHEDULING, Touches.ATTENTION),
        lever_class="B",
        reason="Tokens per KV page: less bookkeeping, coarser prefix matches. Rounds the pool to whole pages.",
        values=(16, 64),
        capacity=True,
        derived=("max_total_num_tokens", "max_total_tokens", "max_req_input_len"),
    ),
    Knob(
        name="speculative_algorithm",
        default=None,
        touches=(Touches.DECODE, Touches.SCHEDULING),
        lever_class="B",
        reason="Drafts from earlier text; caps running requests at 48. Fails without the engine's kernel package.",
        values=("NGRAM",),
        changes_numerics=True,
        devices=("cuda",),
        derived=(
            "max_running_requests",
            "disable_overlap_schedule",
            "enable_mixed_chunk",
            "speculative_num_draft_tokens",
            "speculative_eagle_topk",
            "speculative_num_steps",
            "pp_max_micro_batch_size",
            "effective_max_running_requests_per_dp",
            "cuda_graph_config",
            "mem_fraction_static",
        ),
    ),
    Knob(
        name="speculative_num_draft_tokens",
        default=None,
        touches=(Touches.DECODE,),
        lever_class="B",
        reason="Tokens drafted per step: longer drafts cost more to verify and are accepted less often.",
        values=(4, 8, 16),
        changes_numerics=True,
        devices=("cuda",),
        condition={"speculative_algorithm": ("NGRAM", *DRAFTED)},
        derived=("speculative_num_steps",),
    ),
    # Parts of drafting by a model. Without values they are not searched: each means something with that model alone.
    Knob(
        name="speculative_draft_model_path",
        default=None,
        touches=(Touches.DECODE,),
        lever_class="B",
        reason="The model that drafts; drafting by a model cannot be turned on without it.",
        changes_numerics=True,
        devices=("cuda",),
        condition={"speculative_algorithm": DRAFTED},
    ),
    Knob(
        name="speculative_num_steps",
        default=None,
        touches=(Touches.DECODE,),
        lever_class="B",
        reason="Steps of the drafting model before a draft is verified.",
        changes_numerics=True,
        devices=("cuda",),
        condition={"speculative_algorithm": DRAFTED},
    ),
    Knob(
        name="speculative_eagle_topk",
        default=None,
        touches=(Touches.DECODE,),
        lever_class="B",
        reason="Branches that the drafting model follows at each step.",
        changes_numerics=True,
        devices=("cuda",),
        condition={"speculative_algorithm": DRAFTED},
    ),
)
