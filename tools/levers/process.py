"""Knobs of the processes around the model: streaming, tokenizing, logging, the runtime they live in."""

from __future__ import annotations

from bankable.tools.evidence.records import Scalar
from bankable.tools.evidence.threads import BIND, parse_cores
from bankable.tools.levers.model import Knob, Situation, Touches


def _intervals(s: Situation) -> tuple[Scalar, ...]:
    """Up to the whole answer in one piece; in the order worth trying."""
    return tuple(n for n in (8, 16, 4, 32) if n <= s.output_len)


def _threads(s: Situation) -> tuple[Scalar, ...]:
    """None where the engine binds its threads itself: it overrides the variable."""
    return () if s.bound_to else tuple(str(n) for n in (2, 4, 8) if n <= s.cores)


def _bindings(s: Situation) -> tuple[Scalar, ...]:
    """The last cores, by number, as the reference binds them; only where the engine reads the variable
    and cores are numbered from 0."""
    if s.cores - 1 not in parse_cores(s.bound_to):
        return ()
    counts = [n for n in (2, 4, 8, 16, 32) if n <= s.cores]
    return tuple(f"{s.cores - n}-{s.cores - 1}" for n in counts)


def _workers(s: Situation) -> tuple[Scalar, ...]:
    """Another process helps only where a core is left for it."""
    return tuple(n for n in (2, 4) if s.cores >= 2 * n)


PROCESS: tuple[Knob, ...] = (
    Knob(
        name="stream_interval",
        default=1,
        touches=(Touches.STREAMING, Touches.PROCESS),
        lever_class="B",
        promise=3.0,
        reason=(
            "Sends tokens in pieces: fewer messages through three processes, but the client sees bursts. On a loaded "
            "two-core CPU, 8 gave +8 to +22 % over four paired rounds of one launch; same tokens."
        ),
        generate=_intervals,
    ),
    Knob(
        name="incremental_streaming_output",
        default=False,
        touches=(Touches.STREAMING, Touches.PROCESS),
        lever_class="B",
        promise=0.5,
        reason="Sends only the new piece instead of the whole text so far; the client must put pieces together.",
        values=(True,),
    ),
    Knob(
        name="batch_notify_size",
        default=16,
        touches=(Touches.STREAMING, Touches.PROCESS),
        lever_class="B",
        promise=0.3,
        reason="Streaming notifications per wake-up of the event loop; matters at high concurrency only.",
        values=(4, 64),
    ),
    Knob(
        name="tokenizer_worker_num",
        default=1,
        touches=(Touches.PROCESS,),
        lever_class="B",
        reason=(
            "More tokenizer processes: more cores for the front end, taken from the model on a small machine. On a "
            "loaded two-core CPU two workers were not up when plain servers started beside them were."
        ),
        generate=_workers,
        derived=("detokenizer_worker_num",),
    ),
    Knob(
        name="detokenizer_worker_num",
        default=1,
        touches=(Touches.PROCESS,),
        lever_class="B",
        reason="More detokenizer processes; forced back to 1 unless there are several tokenizer workers.",
        generate=_workers,
    ),
    Knob(
        name="enable_dynamic_batch_tokenizer",
        default=False,
        touches=(Touches.PROCESS,),
        lever_class="B",
        promise=0.3,
        reason="Waits a moment to tokenize concurrent prompts together. Excludes `enable_tokenizer_batch_encode`.",
        values=(True,),
        condition={"enable_tokenizer_batch_encode": (None, False)},
    ),
    Knob(
        name="enable_tokenizer_batch_encode",
        default=False,
        touches=(Touches.PROCESS,),
        lever_class="B",
        promise=0.3,
        reason="Tokenizes the prompts of one request list together; single-prompt requests gain nothing.",
        values=(True,),
        condition={"enable_dynamic_batch_tokenizer": (None, False)},
    ),
    Knob(
        name="disable_tokenizer_batch_decode",
        default=False,
        touches=(Touches.PROCESS, Touches.STREAMING),
        lever_class="B",
        promise=0.5,
        reason="Decodes each answer by itself instead of the whole batch at once.",
        values=(True,),
    ),
    Knob(
        name="decode_log_interval",
        default=40,
        touches=(Touches.LOGGING,),
        lever_class="B",
        promise=0.5,
        reason="Decode steps between log lines. Fewer lines also remove evidence that validity rules read.",
        values=(400,),
    ),
    Knob(
        name="log_level",
        default="info",
        touches=(Touches.LOGGING,),
        lever_class="B",
        promise=0.3,
        reason="No access log. It also removes the lines from which idleness and peak KV use are proved.",
        values=("warning", "error"),
    ),
    Knob(
        name="gc_threshold",
        default=None,
        touches=(Touches.PROCESS,),
        lever_class="B",
        reason="Python collects garbage less often. The server reports a list, such as [50000].",
        values=(50000,),
    ),
    Knob(
        name="OMP_NUM_THREADS",
        default="1",
        touches=(Touches.PROCESS, Touches.PREFILL, Touches.DECODE),
        lever_class="B",
        promise=3.0,
        reason=(
            "Threads per operator: more cores for the model, fewer for the front end and the detokenizer. As many "
            "threads as cores collapse when anything else runs: on a loaded two-core CPU a round hung."
        ),
        generate=_threads,
        env=True,
        changes_numerics=True,
        devices=("cpu",),
    ),
    Knob(
        name=BIND,
        default=None,
        touches=(Touches.PROCESS, Touches.PREFILL, Touches.DECODE),
        lever_class="B",
        promise=1.0,
        reason=(
            "Cores that the engine binds its threads to, where it has its own CPU kernels; their number is the number "
            "of threads. On two cores, two bound threads gave 0.61 times the throughput of one."
        ),
        generate=_bindings,
        env=True,
        changes_numerics=True,
        devices=("cpu",),
    ),
)
