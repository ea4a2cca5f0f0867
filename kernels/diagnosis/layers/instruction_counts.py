"""The fourth layer where no counter can be read: instructions and data references of one call, on a simulator.

The kernel runs on callgrind's simulated processor, called by a small program without Python, once and then some times
more; the difference is one call. callgrind knows no AVX-512, so what is counted is a build for AVX2: counts are exact
for that build, and only near for another. Misses are those of simulated caches of this machine's sizes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import orjson

from bankable.kernels.diagnosis.layers.assembly import disassemble
from bankable.kernels.diagnosis.layers.call_profile import InstructionCounts, count_call, counted_architecture
from bankable.kernels.diagnosis.layers.callgrind import OPTIONS, compress, read_profile
from bankable.kernels.diagnosis.layers.layer import Layer
from bankable.kernels.diagnosis.layers.programs import program, source_digest
from bankable.kernels.diagnosis.layers.shared_fork_server import lease_fork_server
from bankable.kernels.diagnosis.layers.subject import CPP, LayerFailedError, Subject
from bankable.kernels.diagnosis.layers.tool import version_of, x86
from bankable.kernels.sandbox.limits import JobLimits

FIRST, MORE = 1, 2
"""Calls of the first run, and further ones of the second."""
WITHIN = JobLimits(wall_s=240, cpu_s=200, memory_bytes=4 << 30)


class InstructionCountsLayer(Layer):
    name, number, title = "counters", 4, "hardware counters, simulated"
    measures = "instructions by kind, data references and simulated cache misses of one call (callgrind)"
    limit_s, needs = 300.0, ("compile",)
    finding_type = InstructionCounts

    def tools(self, subject: Subject) -> Mapping[str, str]:
        return {"valgrind": version_of("valgrind"), "driver": source_digest("driver"), "build": counted_architecture()}

    def absent(self, subject: Subject) -> str:
        if subject.kind != CPP:
            return f"{subject.implementation} is Python: the interpreter would be counted"
        return "" if version_of("valgrind") else "no valgrind (Debian: valgrind)"

    def instrument(self, subject: Subject, place: Path) -> None:
        kernel, driver = subject.compiled(subject.source(counted_architecture())), program("driver", subject.cache)
        runs = {name: place / f"{name}.callgrind" for name in ("first", "more")}
        commands = [
            [
                "valgrind",
                *OPTIONS,
                f"--callgrind-out-file={runs[name]}",
                str(driver),
                str(kernel),
                "call.txt",
                str(calls),
            ]
            for name, calls in (("first", FIRST), ("more", FIRST + MORE))
        ]
        task = subject.task().task
        with lease_fork_server(subject) as fork_server:
            answer = fork_server.run(
                "instrument",
                {
                    "family": task.family,
                    "dtype": task.dtype,
                    "dims": subject.dims,
                    "commands": commands,
                    "environment": {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "0"},
                },
                WITHIN,
            )
        for reply in answer.replies:
            if reply["status"] != 0:
                raise LayerFailedError(f"valgrind: exit status {reply['status']}: {_last(reply['complaint'])}")
        if len(answer.replies) < len(commands):
            raise LayerFailedError(f"{answer.ended.end}: {answer.ended.why or 'no answer'}")
        for path in runs.values():
            compress(path)
        (place / "ran.json").write_bytes(orjson.dumps({"kernel": str(kernel), "driver": str(driver)}))
        if x86() and version_of("objdump"):
            (place / "counted.s").write_text(disassemble(kernel), encoding="utf-8")

    def collect(self, subject: Subject, place: Path) -> InstructionCounts:
        first, more = (read_profile(place / f"{name}.callgrind.gz") for name in ("first", "more"))
        code = place / "counted.s"
        listing = code.read_text(encoding="utf-8") if code.is_file() else ""
        ran = orjson.loads((place / "ran.json").read_bytes())
        return count_call(more.minus(first, MORE), ran["kernel"], ran["driver"], listing)


def _last(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1][:200] if lines else "no error output"


LAYER = InstructionCountsLayer()
