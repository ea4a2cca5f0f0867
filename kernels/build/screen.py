"""Screens a compiled kernel before it is loaded: its calls, its actions at load time, and its persistent state.

A kernel computes its outputs from its arguments and needs memory, OpenMP and mathematics for that. One that asks the
system or the interpreter for anything else, has a constructor, or keeps state from call to call is refused, whatever
it does with it. The one thing that every kernel keeps is the count of its calls, which its text may only count up.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

LIMIT_S = 60.0
NEEDED = re.compile(
    r"mem(cpy|move|set|cmp)|_Zn[wa]m\w*|_Zd[la]Pv\w*|malloc|free|aligned_alloc|posix_memalign"
    r"|GOMP_(parallel|loop|barrier|single|critical|atomic|sections)\w*|omp_get_(num_threads|thread_num|max_threads)"
    r"|(sqrt|exp|exp2|log|log2|pow|tanh|erf|fmax|fmin|fabs|floor|ceil|round|nearbyint|rint|fma|sin|cos)(f|l)?"
    r"|_ZSt\d+__throw_\w+|_Unwind_Resume|__gxx_personality_v0|__cxa_(finalize|begin_catch|end_catch|rethrow)"
    r"|__stack_chk_fail|__gmon_start__|_ITM_\w+|__libc_single_threaded"
)
"""Symbols that a kernel may take from elsewhere."""
ROOM = {".bss": 16, ".data": 16, ".tbss": 0, ".tdata": 0, ".init_array": 8, ".fini_array": 8, ".ctors": 0, ".dtors": 0}
"""Bytes of these sections in a kernel that keeps a count of its calls and has neither constructor nor destructor."""
FORBIDDEN = frozenset(
    {
        "syscall",
        "sysenter",
        "int",
        "int80",
        "rdtsc",
        "rdtscp",
        "cpuid",
        "rdpid",
        "rdpmc",
        "wrpkru",
        "rdfsbase",
        "rdgsbase",
        "wrfsbase",
        "wrgsbase",
    }
)
"""Instructions that reach the system or a clock without a call."""
COUNTING = ("static int64_t calls_here = 0;", "return calls_here;", "++calls_here;")
"""All that a source may do with the count of its calls."""
BANNED = {
    r"calls_here": "uses the count of its calls",
    r"##": "joins names with ##",
    r"\basm\b|\b__asm": "has assembly",
    r"\b__attribute__\s*\(\(.*\b(constructor|destructor|section|alias|ifunc|weak)": "has an attribute that hides code",
}
_SYMBOL = re.compile(r"^\s*\d+: [0-9a-f]+\s+\S+\s+\S+\s+\S+\s+\S+\s+UND[ \t]+([^\s@]+)", re.MULTILINE)
_SECTION = re.compile(r"^\s*\[\s*\d+\]\s+(\.\S+)\s+\S+\s+[0-9a-f]+\s+[0-9a-f]+\s+([0-9a-f]+)\s", re.MULTILINE)
_INSTRUCTION = re.compile(r"^\s*[0-9a-f]+:\s+(?:(?:lock|rep\w*|bnd|notrack)\s+)*([a-z]\w*)", re.MULTILINE)


def complaints(binary: Path, text: str | None = None) -> list[str]:
    """Objections to a kernel, worst first; empty for one that only computes.

    ``text`` is its source, where available. A file that cannot be read is an objection of its own.
    """
    problems = list(_of_text(text)) if text is not None else []
    return [*_of_binary(binary), *problems]


@lru_cache(maxsize=4096)
def _of_binary(binary: Path) -> tuple[str, ...]:
    try:
        symbols, sections = (
            _run_tool("readelf", "-W", "--dyn-syms", str(binary)),
            _run_tool("readelf", "-WS", str(binary)),
        )
        code = _run_tool("objdump", "-d", "--no-show-raw-insn", str(binary))
    except (OSError, subprocess.SubprocessError) as problem:
        return (f"cannot be read: {type(problem).__name__}",)
    return (*_imports(symbols), *_sections(sections), *_instructions(code))


def _imports(table: str) -> Iterator[str]:
    strange = sorted(name for name in set(_SYMBOL.findall(table)) if not NEEDED.fullmatch(name))
    if strange:
        yield f"calls {', '.join(strange[:6])}"


def _sections(table: str) -> Iterator[str]:
    sizes = {name: int(size, 16) for name, size in _SECTION.findall(table)}
    for name, room in ROOM.items():
        if sizes.get(name, 0) > room:
            what = "keeps state from call to call" if name in (".bss", ".data", ".tbss", ".tdata") else "runs unasked"
            yield f"{what}: {sizes[name]} bytes of {name}"


def _instructions(code: str) -> Iterator[str]:
    instructions = sorted(set(_INSTRUCTION.findall(code)) & FORBIDDEN)
    if instructions:
        yield f"has instructions {', '.join(instructions)}"


def _of_text(text: str) -> Iterator[str]:
    for part in COUNTING:
        text = text.replace(part, "")
    for pattern, what in BANNED.items():
        if re.search(pattern, text):
            yield what


def _run_tool(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, timeout=LIMIT_S, check=True)
    return done.stdout.decode("utf-8", "replace")
