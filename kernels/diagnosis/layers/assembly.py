"""Classifies the instructions of a compiled kernel, from the text that ``objdump -d`` prints (x86-64, AT&T)."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bankable.tools.serving.environment import inherit_environment

LIMIT_S = 60.0
FUNCTION = re.compile(r"^[0-9a-f]+ <([^>]+)>:$")
LINE = re.compile(r"^\s+([0-9a-f]+):\t([a-z0-9]+)(?:\s+(.*))?$")
PREFIXES = ("lock", "rep", "repz", "repnz", "notrack", "bnd", "data16", "cs", "ds")
SCAFFOLD = ("_init", "_fini", "deregister_tm_clones", "register_tm_clones", "__do_global_dtors_aux", "frame_dummy")
"""Functions that a linker adds to every library."""
ON_STACK = re.compile(r"-?0x[0-9a-f]+\(%r(sp|bp)\)|(?<!\w)\(%rsp\)")
"""A place of its own on the stack. With an index it is an array that the source asked for."""
FUSED = re.compile(r"vf(n?m(add|sub)|maddsub|msubadd)\d+(ps|pd|ss|sd)")
PLAIN = re.compile(r"v?(add|sub|mul|div|sqrt|max|min|rcp14|rsqrt14|rcp|rsqrt)(ps|pd|ss|sd)")
JUMP = re.compile(r"([0-9a-f]+) <")
TURNS = re.compile(r"v?(dpbf16ps|dpwssds?|dpbusds?)")


@dataclass(frozen=True)
class Instruction:
    """One line of a disassembly."""

    function: str
    mnemonic: str
    operands: str
    locked: bool = False
    framed: bool = False
    """Its function keeps the start of its frame in ``rbp``; elsewhere that register is like any other."""

    @property
    def width(self) -> int:
        """Bits of the widest vector register that it names; 0 where it names none."""
        return next((bits for name, bits in (("%zmm", 512), ("%ymm", 256), ("%xmm", 128)) if name in self.operands), 0)

    @property
    def spilled(self) -> bool:
        """Whether it reads or writes a place of its own on the stack."""
        if self.mnemonic.startswith(("push", "pop", "lea", "call", "ret", "nop")):
            return False
        place = ON_STACK.search(self.operands)
        return place is not None and (place[1] != "bp" or self.framed)

    @property
    def flops(self) -> int:
        """Floating-point operations: a fused product and sum are two, for each lane."""
        fused = FUSED.fullmatch(self.mnemonic)
        plain = PLAIN.fullmatch(self.mnemonic)
        kind = fused[3] if fused else plain[2] if plain else ""
        if kind:
            lanes = 1 if kind[0] == "s" else self.width // (32 if kind == "ps" else 64)
            return lanes * (2 if fused else 1)
        return self.width // 8 if TURNS.fullmatch(self.mnemonic) else 0


def disassemble(binary: Path) -> str:
    """Text of ``objdump``. Raises ``OSError`` where that does not run."""
    done = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", str(binary)],
        env=inherit_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=LIMIT_S,
        check=True,
    )
    return done.stdout


def parse_instructions(text: str) -> dict[int, Instruction]:
    """Instructions of a kernel's own functions by address."""
    code: dict[int, Instruction] = {}
    function = ""
    for line in text.splitlines():
        if match := FUNCTION.match(line):
            function = match[1]
        elif function and not function.endswith("@plt") and function not in SCAFFOLD and (match := LINE.match(line)):
            mnemonic, operands, locked = match[2], match[3] or "", False
            while mnemonic in PREFIXES:
                locked |= mnemonic == "lock"
                mnemonic, _, operands = operands.strip().partition(" ")
            code[int(match[1], 16)] = Instruction(function, mnemonic, operands.strip(), locked)
    framed = {
        instruction.function
        for instruction in code.values()
        if (instruction.mnemonic, instruction.operands) == ("mov", "%rsp,%rbp")
    }
    return {
        address: replace(instruction, framed=instruction.function in framed) for address, instruction in code.items()
    }


def select_innermost(code: Mapping[int, Instruction]) -> list[Instruction]:
    """Instructions of loops that have no other loop inside: where a kernel spends its time."""
    spans = []
    for address, instruction in code.items():
        target = JUMP.match(instruction.operands) if instruction.mnemonic.startswith("j") else None
        start = int(target[1], 16) if target else address + 1
        if start <= address and start in code and code[start].function == instruction.function:
            spans.append((start, address))
    inner = [(start, end) for start, end in spans if not any(start <= a and b < end for a, b in spans)]
    return [
        instruction for address, instruction in code.items() if any(start <= address <= end for start, end in inner)
    ]


@dataclass(frozen=True)
class Mix:
    """Sums over instructions, each as often as it counts."""

    instructions: float
    vector: Mapping[int, float]
    """Instructions by the width in bits of the vector registers that they use; 0: none."""
    spills: float
    """Reads and writes of places on the stack."""
    flops: float
    locked: float


def mix_of(counted: Iterable[tuple[Instruction, float]]) -> Mix:
    """The mix of instructions that count so often."""
    total = spills = flops = locked = 0.0
    vector: dict[int, float] = {}
    for instruction, count in counted:
        total += count
        vector[instruction.width] = vector.get(instruction.width, 0.0) + count
        spills += count * instruction.spilled
        flops += count * instruction.flops
        locked += count * (instruction.locked or (instruction.mnemonic == "xchg" and "(" in instruction.operands))
    return Mix(total, dict(sorted(vector.items(), reverse=True)), spills, flops, locked)
