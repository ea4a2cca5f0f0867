"""Instructions of a compiled kernel by what they do, from its disassembly; the same classes for NVIDIA and AMD."""

from __future__ import annotations

import re
from collections import Counter

SASS = re.compile(r"^\s*/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+\s+)?([A-Z][A-Z0-9_]*)", re.MULTILINE)
"""An address, perhaps a predicate, an opcode; what follows its first dot are variants."""
GCN = re.compile(r"^\t([a-z]+_[a-z0-9_]+)", re.MULTILINE)

SASS_CLASSES = (
    ("global load", r"LDG|LD|LDGSTS|UTMALDG"),
    ("global store", r"STG|ST|RED|ATOM|ATOMG|UTMASTG"),
    ("shared memory", r"LDS|STS|LDSM|STSM|ATOMS"),
    ("local memory", r"LDL|STL"),
    ("constants", r"U?LDC"),
    ("exchange", r"SHFL|VOTE|VOTEU|REDUX|MATCH"),
    ("matrix", r"\w*MMA"),
    ("conversion", r"F2\w*|I2F\w*|FRND"),
    (
        "float",
        r"F(ADD|MUL|FMA|MNMX|SEL|SET|SETP|CHK|SWZADD)\w*|H(ADD|MUL|FMA|MNMX|SET|SETP)\w*|D(ADD|MUL|FMA|SETP)|MUFU",
    ),
    ("control", r"BRA|BRX|EXIT|BSSY|BSYNC|BREAK|BAR|CALL|RET|WARPSYNC|DEPBAR|SYNCS|MEMBAR|ERRBAR|YIELD|KILL"),
    ("", r"NOP"),
)
GCN_CLASSES = (
    ("global load", r"(buffer|global|flat)_load\w*"),
    ("global store", r"(buffer|global|flat)_(store|atomic)\w*"),
    ("exchange", r"ds_(bpermute|permute|swizzle)\w*|v_permlane\w*|v_readlane\w*|v_readfirstlane\w*"),
    ("shared memory", r"ds_\w+"),
    ("local memory", r"scratch_\w+"),
    ("constants", r"s_(buffer_)?load\w*"),
    ("matrix", r"v_(mfma|smfmac|wmma)\w*"),
    ("conversion", r"v_cvt\w*"),
    ("float", r"v_\w*_b?f(16|32|64)\w*"),
    ("control", r"s_(waitcnt|barrier|branch|cbranch|endpgm|setpc|swappc|sleep)\w*"),
    ("", r"s_nop"),
)
REST = "integer"
"""What is none of the others: addresses, predicates, moves, bit fields."""


def sass_mix(text: str) -> dict[str, int]:
    """Of what ``nvdisasm`` prints; the jump to itself after the end is not counted."""
    opcodes = SASS.findall(text)
    ends = [place for place, opcode in enumerate(opcodes) if opcode == "BRA"]
    if ends and "EXIT" in opcodes and all(opcode == "NOP" for opcode in opcodes[ends[-1] + 1 :]):
        del opcodes[ends[-1] :]
    return _count(opcodes, SASS_CLASSES)


def gcn_mix(text: str) -> dict[str, int]:
    """Of the assembly text that LLVM writes."""
    return _count(GCN.findall(text), GCN_CLASSES)


def _count(opcodes: list[str], classes: tuple[tuple[str, str], ...]) -> dict[str, int]:
    patterns = [(name, re.compile(pattern)) for name, pattern in classes]
    counts: Counter[str] = Counter()
    for opcode in opcodes:
        counts[next((name for name, pattern in patterns if pattern.fullmatch(opcode)), REST)] += 1
    return {name: count for name, count in sorted(counts.items()) if name}
