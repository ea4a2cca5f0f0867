"""Linear of few rows: y = x · Wᵀ, as decoding has it, where the whole of W is read for a handful of rows.

sglang's ``UnquantizedLinearMethod.apply`` calls ``torch.nn.functional.linear``: on a CPU a library that sums in fp32
and rounds once. The time is that of a read of W, and at small sizes that of the way to the library.
"""

from __future__ import annotations

from bankable.kernels.operators.family import VECTOR_BITS, Allowed, Dims, Family, Parameter, TensorSpec

MOST_ROWS = 64
"""More of them are a matrix product, which a library has better kernels for."""
BF16 = Allowed(
    2.0**-7, "one rounding of the sum to bf16 is off by 2⁻⁸ at most; as much again for sums whose terms cancel"
)
FP32 = Allowed(2.0**-16, "as many terms as columns, added in fp32 in any order: 128 steps of 2⁻²³ for 16384 of them")


def _inputs(dims: Dims) -> tuple[TensorSpec, ...]:
    rows, outs, ins = dims
    return TensorSpec("x", (rows, ins)), TensorSpec("weight", (outs, ins), "matrix")


def _outputs(dims: Dims) -> tuple[TensorSpec, ...]:
    return (TensorSpec("out", dims[:2]),)


def _flops(dims: Dims) -> int:
    rows, outs, ins = dims
    return 2 * rows * outs * ins


def _lacks(dims: Dims) -> str:
    return f"{MOST_ROWS} rows at most" if dims[0] > MOST_ROWS else ""


FAMILY = Family(
    name="linear",
    title="small-batch linear",
    axes=("rows", "outs", "ins"),
    module="sglang.srt.layers.quantization.unquant",
    attribute="UnquantizedLinearMethod.apply",
    branch="few rows, without a bias",
    inputs=_inputs,
    outputs=_outputs,
    flops=_flops,
    allowed={"bfloat16": BF16, "float32": FP32},
    parameters=(
        VECTOR_BITS,
        Parameter("tiles", (1, 0), "matrix tiles, where the processor has them and the dtype is bf16; 0: vectors"),
        Parameter("weights", (4, 2, 1), "rows of W that are gone through together"),
        Parameter("batch", (2, 4, 1), "rows of x that share each read of W"),
        Parameter("prefetch", (0, 512, 2048), "bytes ahead of which W is asked for; 0: left to the processor"),
        Parameter("thread_outs", (0, 512, 4096), "rows of W from which OpenMP threads share the work; 0: never"),
    ),
    specialised=("ins",),
    phase="decode",
    contracted=True,
    fusible=False,
    lacks=_lacks,
    native_outputs={"out": "rows * outs"},
    own_lacks="the engine packs the weights in a layout of its own kernel",
)
