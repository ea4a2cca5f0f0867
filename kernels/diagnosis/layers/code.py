"""Preparation: compiles the kernel for this machine, and reads its machine code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import Field

from bankable.kernels.build.compiler import CompileError, Compiler
from bankable.kernels.diagnosis.layers.assembly import disassemble, mix_of, parse_instructions, select_innermost
from bankable.kernels.diagnosis.layers.layer import Layer, LayerFinding, text_of
from bankable.kernels.diagnosis.layers.subject import CPP, LayerFailedError, Subject
from bankable.kernels.diagnosis.layers.tool import version_of, x86


class Code(LayerFinding):
    """The kernel's machine code, as it stands in the library: a loop's body counts once."""

    instructions: int | None = None
    """Number of them; ``None`` where the code is not read."""
    by_width: dict[int, int] = Field(default_factory=dict)
    """Instructions by the width in bits of their vector registers."""
    spills: int | None = None
    """Instructions that read or write a place of their own on the stack; ``None`` where the code is not read."""
    loop_spills: float | None = Field(default=None, ge=0, le=1)
    """Share of such instructions in the innermost loops; ``None`` where the code is not read."""
    missing: tuple[str, ...] = ()
    """What could not be measured, and why."""

    def describe(self) -> str:
        if self.instructions is None:
            return f"compiled; instructions and spills unknown: {', '.join(self.missing)}"
        spilled = text_of(self.spills, "{} on the stack", "spills")
        if self.loop_spills is not None:
            spilled += f", {self.loop_spills:.0%} of inner loops"
        widths = ", ".join(f"{count} of {width} bits" for width, count in self.by_width.items() if width)
        return f"{self.instructions} instructions: {widths or 'no vectors'}; {spilled}"

    @property
    def width(self) -> int:
        """Bits of the vectors that most vector instructions work on; 0 without any."""
        vectors = {width: count for width, count in self.by_width.items() if width}
        return max(vectors, key=lambda width: vectors[width], default=0)


class CodeLayer(Layer):
    name, number, title = "compile", 0, "compile"
    measures = "whether the kernel compiles; width of its vectors and spills in its code"
    scope, version = "kernel", 3
    finding_type = Code

    def tools(self, subject: Subject) -> Mapping[str, str]:
        return {"compiler": version_of("g++"), "objdump": version_of("objdump")}

    def absent(self, subject: Subject) -> str:
        return "" if subject.kind == CPP else f"{subject.implementation} is Python: nothing is compiled"

    def instrument(self, subject: Subject, place: Path) -> None:
        source = subject.source()
        answer = Compiler(subject.cache).compile(source)
        if isinstance(answer, CompileError):
            raise LayerFailedError(answer.reason[:300])
        if self._lacks():
            return
        (place / "code.s").write_text(disassemble(answer.binary), encoding="utf-8")

    def collect(self, subject: Subject, place: Path) -> Code:
        if why := self._lacks():
            return Code(missing=(why,))
        code = parse_instructions((place / "code.s").read_text(encoding="utf-8"))
        inner = select_innermost(code)
        mix = mix_of((each, 1.0) for each in code.values())
        return Code(
            instructions=int(mix.instructions),
            by_width={width: int(count) for width, count in mix.vector.items()},
            spills=int(mix.spills),
            loop_spills=sum(instruction.spilled for instruction in inner) / max(1, len(inner)),
        )

    @staticmethod
    def _lacks() -> str:
        if not x86():
            return "the code is not read: not an x86-64 processor"
        return "" if version_of("objdump") else "the code is not read: no objdump (Debian: binutils)"


LAYER = CodeLayer()
