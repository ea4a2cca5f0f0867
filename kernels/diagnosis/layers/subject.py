"""Subject of a diagnosis: one implementation of one task at one shape, as data for another process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pydantic import Field

from bankable.kernels.benchmark.candidate import Candidate
from bankable.kernels.benchmark.qualify import parse_dims
from bankable.kernels.build.compiler import CompileError, Compiler
from bankable.kernels.build.render import KernelSource
from bankable.kernels.operators.family import Family
from bankable.kernels.task.folder import TaskFolder, open_task
from bankable.tools.evidence.harness import SourceFile
from bankable.tools.evidence.records import Record

CPP = "cpp"


class Subject(Record):
    """An implementation, where its task lies, and how it is run."""

    root: Path
    """The run folder, absolute."""
    operator: str
    """Operator of the task."""
    implementation: str
    """Id in the rows of an operator benchmark."""
    kind: str
    """How a worker loads it: ``cpp``, ``live``, ``torch``, ``torch_compile``."""
    backend: str
    """What it is made with, as in the rows of an operator benchmark."""
    origin: SourceFile
    """Its source file and digest."""
    text: str = ""
    """Source of a C++ kernel; empty for what is none."""
    flags: tuple[str, ...] = ()
    """Compiler flags of a C++ kernel."""
    choices: dict[str, int] = Field(default_factory=dict)
    """Parameters of the template that it was rendered with."""
    shape: str
    """The shape that is instrumented."""
    threads: int = 1
    """Threads of the process that runs it."""
    python: Path
    """The engine's interpreter."""
    cache: Path | None = None
    """Compiled kernels; ``None``: where all of them are kept."""

    @classmethod
    def of_source(
        cls,
        task: TaskFolder,
        source: KernelSource,
        shape: str,
        python: Path,
        threads: int = 1,
        cache: Path | None = None,
    ) -> Subject:
        """A C++ kernel."""
        place = f"ops/{source.family}/candidates/{source.implementation}.cpp"
        return cls(
            root=task.root.resolve(),
            operator=task.task.operator,
            implementation=source.implementation,
            kind=CPP,
            backend=CPP,
            origin=SourceFile(path=place, digest=source.digest),
            text=source.text,
            flags=source.flags,
            choices=dict(source.choices),
            shape=shape,
            threads=threads,
            python=python,
            cache=cache,
        )

    @classmethod
    def of_candidate(
        cls, task: TaskFolder, candidate: Candidate, shape: str, python: Path, threads: int = 1
    ) -> Subject:
        """Something that is no C++ kernel: the live implementation, torch's."""
        return cls(
            root=task.root.resolve(),
            operator=task.task.operator,
            implementation=candidate.id,
            kind=candidate.kind,
            backend=candidate.backend,
            origin=candidate.source,
            shape=shape,
            threads=threads,
            python=python,
        )

    @property
    def dims(self) -> tuple[int, ...]:
        return parse_dims(self.shape)

    def task(self) -> TaskFolder:
        """Its task. Raises ``UserError`` when the folder no longer exists."""
        return open_task(self.root, self.operator)

    @property
    def family(self) -> Family:
        return self.task().family

    def source(self, march: str = "native") -> KernelSource:
        """The C++ kernel, for this machine or for another kind of it."""
        task = self.task().task
        source = KernelSource(task.family, task.dtype, self.choices, self.text, self.flags)
        if march == "native":
            return source
        old, new = "-march=native", f"-march={march}"
        body, _, last = self.text.rstrip("\n").rpartition("\n")
        flags = tuple(new if flag == old else flag for flag in self.flags)
        return replace(source, text=f"{body}\n{last.replace(old, new)}\n", flags=flags)

    def compiled(self, source: KernelSource | None = None) -> Path:
        """The shared object. Raises ``LayerFailedError`` with the compiler's complaint."""
        answer = Compiler(self.cache).compile(source or self.source())
        if isinstance(answer, CompileError):
            raise LayerFailedError(f"does not compile: {answer.reason[:300]}")
        return answer.binary

    def candidate(self) -> Candidate:
        """As a candidate of the benchmark; a C++ kernel is compiled first."""
        binary = self.compiled() if self.kind == CPP else None
        return Candidate(self.implementation, self.kind, self.backend, self.origin, binary)


class LayerFailedError(Exception):
    """A layer could have run here and failed; the text is one line."""
