"""What a token is drawn from: the ``k`` largest probabilities of a row, in order, less what top-k and top-p cut.

    weights[r, i] = p[r, i] where i < top_ks[r] and p[r, 0] + … + p[r, i − 1] ≤ top_ps[r], and 0 elsewhere

``p[r]`` is the row in descending order. sglang's function on a CPU selects with ``torch.topk``, adds up, masks twice,
and draws from what is left; the draw stays torch's. The sum goes up to the element itself, which is subtracted again:
in fp32, as live does it, so that both cut at the same place. Which of equal probabilities stands first, and which of
them are let in at the end, is nobody's promise: torch's answer follows from how it selects; here it is the lower token.
"""

from __future__ import annotations

from bankable.kernels.operators.family import THREAD_ROWS, VECTOR_BITS, Allowed, Dims, Family, Parameter, TensorSpec


def _inputs(dims: Dims) -> tuple[TensorSpec, ...]:
    rows, vocab, k = dims
    return (
        TensorSpec("probs", (rows, vocab), "probabilities"),
        TensorSpec("top_ks", (rows,), "counts", "int32", limit=k),
        TensorSpec("top_ps", (rows,), "shares", "float32"),
        TensorSpec("width", (1,), "lengths", "int64", limit=k, host=True),
    )


def _outputs(dims: Dims) -> tuple[TensorSpec, ...]:
    rows, _, k = dims
    return TensorSpec("weights", (rows, k)), TensorSpec("ids", (rows, k), dtype="int32")


def _flops(dims: Dims) -> int:
    """One comparison for each probability; what is done with the few that are chosen is left out."""
    rows, vocab, _ = dims
    return rows * vocab


def _lacks(dims: Dims) -> str:
    _, vocab, k = dims
    return "a k that is no larger than the vocabulary" if k > vocab else ""


FAMILY = Family(
    name="top_k_sampling",
    title="top-k and top-p of sampling",
    axes=("rows", "vocab", "k"),
    module="sglang.srt.layers.sampler",
    attribute="top_k_top_p_min_p_sampling_from_probs_torch",
    branch="with a top-k, without a seed or min-p",
    inputs=_inputs,
    outputs=_outputs,
    flops=_flops,
    allowed={
        "float32": Allowed(
            2.0**-24,
            "nothing is computed but the sum that decides: a weight is one of the probabilities or zero, an id a whole "
            "number below 2²⁴",
        ),
    },
    parameters=(
        VECTOR_BITS,
        Parameter("groups", (256, 512, 128), "groups of a row whose maxima give the least probability worth a look"),
        Parameter("block", (16, 32, 64), "probabilities that are compared with it at once"),
        Parameter("ranked", (128, 0, 512), "most candidates that are ranked one against all; more are sorted"),
        THREAD_ROWS,
    ),
    specialised=("vocab",),
    phase="decode",
    lacks=_lacks,
    native_outputs={"weights": "rows * k", "reinterpret_cast<elem*>(ids)": "rows * k"},
)
