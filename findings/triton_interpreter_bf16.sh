#!/usr/bin/env bash
# Triton's interpreter truncates float32 to bfloat16; a GPU, and torch, round to nearest even.
#
# Expected: `TRITON_INTERPRET=1` gives what the compiled kernel gives, so that a kernel can be tested without a GPU.
# Seen with triton 3.7.1 and torch 2.13.0 (Python 3.11, Linux x86-64, November 2026): `x.to(tl.bfloat16)` and a store into a
# bfloat16 tensor drop the lower 16 bits. Of 4096 values between 1 and 2 half differ from torch's by one unit in the last
# place, always towards zero; float16 is rounded to nearest, as torch does.
# Why it matters: sums of such values drift, because all errors have one sign. A right bfloat16 kernel misses a tolerance of
# half a unit in the last place under the interpreter, and a tolerance that is widened until it passes hides real errors.
#
# Installs triton and torch into a temporary folder (PIP_ARGS are extra options of pip).
# Ends with 0 while triton behaves so, and with 1 when it does not any more.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/venv"
# shellcheck disable=SC2086
"$place/venv/bin/pip" install --quiet --disable-pip-version-check ${PIP_ARGS:-} torch==2.13.0 numpy==2.4.6
# shellcheck disable=SC2086
"$place/venv/bin/pip" install --quiet --disable-pip-version-check ${PIP_ARGS:-} --no-deps triton==3.7.1
cat > "$place/try.py" <<'PYTHON'
import sys

import torch
import triton
import triton.language as tl


@triton.jit
def cast_bfloat16(source, target, n: tl.constexpr):
    place = tl.arange(0, n)
    tl.store(target + place, tl.load(source + place).to(tl.bfloat16))


@triton.jit
def store(source, target, n: tl.constexpr):
    place = tl.arange(0, n)
    tl.store(target + place, tl.load(source + place))


COUNT = 4096
values = torch.linspace(1, 2, COUNT)
cut = (values.view(torch.int32) & ~0xFFFF).view(torch.float32)
seen = {}
for name, kernel, dtype in (
    ("bfloat16, cast", cast_bfloat16, torch.bfloat16),
    ("bfloat16, store", store, torch.bfloat16),
    ("float16, store", store, torch.float16),
):
    result = torch.empty(COUNT, dtype=dtype)
    kernel[(1,)](values, result, COUNT)
    rounded, truncated = int((result == values.to(dtype)).sum()), int((result.float() == cut).sum())
    seen[name] = (rounded, truncated if dtype is torch.bfloat16 else None)
    print(f"{name}: {rounded} of {COUNT} as torch rounds" + (f", {truncated} truncated" if seen[name][1] else ""))
bf16, fp16 = (2049, COUNT), (COUNT, None)
sys.exit(seen != {"bfloat16, cast": bf16, "bfloat16, store": bf16, "float16, store": fp16})
PYTHON
TRITON_INTERPRET=1 "$place/venv/bin/python" "$place/try.py" || { echo "triton behaves differently now"; exit 1; }
echo "as seen with triton 3.7.1: bfloat16 is truncated, float16 is rounded"
