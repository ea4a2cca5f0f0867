"""Kernels that cheat or fail, made out of the honest RMSNorm by one edit each."""

from __future__ import annotations

from dataclasses import replace

from bankable.kernels.build.render import KernelSource, render
from bankable.kernels.operators import FAMILIES

WRITE = "to[i] = store(load(in[i]) * scale * load(weight[i]));"
SCALE = "scale = 1.0f / std::sqrt(squares / float(cols) + eps);"
COUNT = "  ++calls_here;\n"
ENTRY = 'extern "C" void bankable_run('
CALL = "  run<0>(x, x_stride, weight, out, rows, cols, eps);"


def edited(*changes: tuple[str, str]) -> KernelSource:
    """The default kernel with texts replaced; each of them must be there."""
    source = render(FAMILIES["rms_norm"], "bfloat16")
    text = source.text
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return replace(source, text=text)


def first(statement: str, header: str = "cstdint") -> KernelSource:
    """The default kernel with a statement before it begins."""
    return edited(
        ("#include <cstdint>", f"#include <cstdint>\n#include <{header}>"), (COUNT, f"{COUNT}  {statement}\n")
    )


CONSTANT = edited((WRITE, "to[i] = store(0.5f);"))
NO_OP = first("return;")
ALIASING = edited((WRITE, "{ " + WRITE + " const_cast<elem*>(in)[i] = 0; }"))
TRUNCATING = edited(("(bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16", "bits >> 16"))
COARSE_SCALE = edited((SCALE, "scale = round_to_elem(1.0f / std::sqrt(squares / float(cols) + eps));"))
WITHOUT_TAIL = edited((f"i < cols; ++i) {WRITE}", f"i < cols / 8 * 8; ++i) {WRITE}"))
OVERRUN = edited((WRITE, WRITE + " to[cols] = store(1.0f);"))
ONE_SHAPE = edited((WRITE, f"if (cols == 64) {WRITE} else to[i] = in[i];"))
POINTER_CACHE = edited(
    (ENTRY, "static const elem* seen = nullptr;\nstatic elem kept[1 << 16];\n" + ENTRY),
    (
        CALL,
        "  if (x == seen) { std::memcpy(out, kept, rows * cols * sizeof(elem)); return; }\n"
        f"{CALL}\n  seen = x; std::memcpy(kept, out, rows * cols * sizeof(elem));",
    ),
)
CRASH = first("*reinterpret_cast<volatile int*>(8) = 1;")
HANG = first("for (;;) usleep(1000);", "unistd.h")
SPIN = first("for (volatile int64_t i = 0;; ++i) {}")
HOG = first("for (;;) { void* more = malloc(1 << 24); if (!more) abort(); std::memset(more, 1, 1 << 24); }", "stdlib.h")
FORGER = edited(
    ("#include <cstdint>", "#include <cstdint>\n#include <cstdio>"),
    (WRITE, "to[i] = store(0.5f);"),
    (COUNT, COUNT + '  std::puts("{\\"shape\\": \\"4x64\\", \\"samples_ns\\": [1]}"); std::fflush(stdout);\n'),
)
BROKEN = edited((WRITE, "to[i] = nothing_like_it(in[i]);"))
WRONG: dict[str, KernelSource] = {
    "constant": CONSTANT,
    "no-op": NO_OP,
    "aliasing": ALIASING,
    "truncating": TRUNCATING,
    "coarse-scale": COARSE_SCALE,
    "without-tail": WITHOUT_TAIL,
    "one-shape": ONE_SHAPE,
    "pointer-cache": POINTER_CACHE,
    "forger": FORGER,
}
"""Those that come back with a wrong answer."""
