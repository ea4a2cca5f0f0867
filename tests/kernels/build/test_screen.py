"""A kernel is read before it is loaded: honest ones pass, whatever reaches beyond its arguments does not."""

from __future__ import annotations

from itertools import islice

import pytest

from bankable.kernels.benchmark.candidate import kernel_candidate
from bankable.kernels.benchmark.qualify import qualify, read_kernel
from bankable.kernels.build.compiler import Compiled, Compiler
from bankable.kernels.build.render import KernelSource, every_choice, render
from bankable.kernels.build.screen import complaints
from bankable.kernels.operators import FAMILIES
from tests.kernels.taken_over import HONEST, taken_over

WRONG = "call.outputs()[0].data[0] = 0;"
BODIES = {
    'extern "C" int puts(const char*);|puts("x"); HONEST': "calls puts",
    "#include <thread>|std::thread([call] { HONEST }).join();": "calls ",
    "static float kept[64];|HONEST kept[calls() & 63] += 1.0f; if (kept[3] > 1e9f) WRONG": "keeps state from ",
    "static thread_local int64_t turn;|++turn; HONEST if (turn > 9) WRONG": "keeps state from call to call: ",
    "struct E { E() { __builtin_trap(); } }; static E e;|HONEST": "runs unasked: 16 bytes of .init_array",
    "|HONEST if (__builtin_ia32_rdtsc() & 1) WRONG": "has instructions rdtsc",
    '|asm volatile("syscall" ::: "memory"); HONEST': "has instructions syscall",
    "|HONEST if (calls_here > 9) WRONG": "uses the count of its calls",
    "#define PASTED(a, b) a##b\n|HONEST if (PASTED(calls, _here) > 9) WRONG": "joins names with ##",
}


def built(compiler: Compiler, source: KernelSource) -> Compiled:
    compiled = compiler.compile(source)
    assert isinstance(compiled, Compiled), compiled
    return compiled


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_stands_against_any_variant_of_a_template(family, compiler):
    shape = tuple(range(4, 4 + 2 * len(FAMILIES[family].axes), 2))
    for choices in islice(every_choice(FAMILIES[family], (shape,)), 0, None, 61):
        assert (
            read_kernel(kernel_candidate(built(compiler, render(FAMILIES[family], FAMILIES[family].usual, choices))))
            == []
        )


@pytest.mark.parametrize("given", BODIES)
def test_what_reaches_further_is_named(given, compiler):
    above, body = given.split("|")
    body = body.replace("calls()", "bankable_calls()").replace("HONEST", HONEST).replace("WRONG", WRONG)
    source = taken_over(body, above=above)
    said = read_kernel(kernel_candidate(built(compiler, source)))
    assert any(entry.startswith(BODIES[given]) for entry in said), said


def test_a_wrapper_that_adds_nothing_is_honest(compiler):
    for family in FAMILIES:
        assert read_kernel(kernel_candidate(built(compiler, taken_over(HONEST, family=family)))) == []


def test_what_is_no_library_cannot_be_read(tmp_path):
    path = tmp_path / "kernel.so"
    path.write_bytes(b"\x7fELF nothing")
    assert complaints(path)[0].startswith("cannot be read")


def test_a_kernel_with_a_complaint_is_never_loaded(compiler, fork_server, norm_task):
    body = f'FILE* to = fopen("{norm_task.path}/was-here", "w"); if (to) fclose(to); {HONEST}'
    kernel = kernel_candidate(built(compiler, taken_over(body, above="#include <cstdio>\n")))
    said = qualify(norm_task, kernel, fork_server, ["4x64"], 1)
    assert (said.ok, said.why) == (False, "not loaded: calls fclose, fopen")
