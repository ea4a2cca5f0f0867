"""Linear of many rows: y = x · Wᵀ, as prefill has it: a matrix product that is bound by arithmetic.

The same call as the linear of few rows, sglang's ``UnquantizedLinearMethod.apply``. A CPU that has no instructions for
bf16 (no AMX, no AVX-512 BF16) is slow there: torch 2.13 reaches 4 GFLOP/s of bf16 on one Zen 3 core, whose fp32 peak is
twenty times that. A bf16 value is the upper half of an fp32 value, so W is widened and transposed once a call, for all
rows together, and the product is made of fp32 multiply-adds, rounded once at the end. A widened W is not kept from call
to call: a kernel has no state, and the copy costs as much as a few rows of the product.
"""

from __future__ import annotations

from dataclasses import replace

from bankable.kernels.operators.family import VECTOR_BITS, Dims, Parameter
from bankable.kernels.operators.linear.definition import FAMILY as LINEAR
from bankable.kernels.operators.linear.definition import MOST_ROWS


def _lacks(dims: Dims) -> str:
    return "" if dims[0] > MOST_ROWS else f"more than {MOST_ROWS} rows"


FAMILY = replace(
    LINEAR,
    name="prefill_linear",
    title="prefill linear",
    branch="many rows, without a bias",
    parameters=(
        VECTOR_BITS,
        Parameter("tall", (6, 4, 8, 12), "rows of x in a block of the output that stays in registers"),
        Parameter("wide", (2, 1, 3, 4), "vectors of rows of W in that block"),
        Parameter("deep", (256, 512), "columns that are gone through before the next block of the output"),
        Parameter("chunk", (64, 16), "such blocks of W that are widened before any row of x is gone through"),
        Parameter("thread_slabs", (0, 2, 16), "slabs of rows from which OpenMP threads share the work; 0: never"),
    ),
    phase="prefill",
    lacks=_lacks,
)
