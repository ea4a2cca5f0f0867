"""Figures of a kernel for an NVIDIA GPU, by the tools in Triton's wheel; figures that no tool gives are missing."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bankable.kernels.worker.triton.mix import sass_mix

LIMIT_S = 120.0
USAGE = re.compile(r"REG:(\d+) STACK:(\d+)")
SPILLED = re.compile(r"(\d+) bytes spill stores, (\d+) bytes spill loads")
USED = re.compile(r"Used (\d+) registers")
ARCH = re.compile(r"^\.target (sm_(\d+)\w*)", re.MULTILINE)
BLACKWELL = 100


def figures(cubin: bytes, ptx: str, tools: Path) -> dict[str, Any]:
    """Registers and stack of the binary itself, spills as its assembler tells them, and its instructions."""
    values: dict[str, Any] = {"missing": []}
    with tempfile.TemporaryDirectory() as folder:
        binary, source = Path(folder) / "kernel.cubin", Path(folder) / "kernel.ptx"
        binary.write_bytes(cubin)
        source.write_text(ptx, encoding="utf-8")
        usage = _run_tool(values, "registers and stack", tools / "cuobjdump", "-res-usage", str(binary))
        if match := USAGE.search(usage):
            values["registers"], values["stack_bytes"] = int(match[1]), int(match[2])
        arch = ARCH.search(ptx)
        log = _assemble(values, [tools / name for name in assemblers(ptx)], arch[1] if arch else "", source)
        used, spilled = USED.search(log), SPILLED.search(log)
        if used and spilled:
            # Assembled once more to get the report on spills: that of another kernel would be meaningless.
            if int(used[1]) == values.get("registers", int(used[1])):
                values["spill_bytes"] = int(spilled[1])
            else:
                values["missing"].append(f"spills: assembled again, {used[1]} registers and not {values['registers']}")
        listing = _run_tool(values, "instructions", tools / "nvdisasm", "-c", str(binary))
        if listing:
            values["mix"] = sass_mix(listing)
    return values


def assemblers(ptx: str) -> tuple[str, ...]:
    """Assemblers of the wheel that may take a kernel. The one for GPUs from Blackwell on is newer: it also takes
    kernels for older GPUs whose version of PTX the other one refuses."""
    arch = ARCH.search(ptx)
    return ("ptxas-blackwell",) if arch and int(arch[2]) >= BLACKWELL else ("ptxas", "ptxas-blackwell")


def _assemble(values: dict[str, Any], tools: Sequence[Path], arch: str, source: Path) -> str:
    """The report of the first assembler that takes the source; what the first one said where none does."""
    refusals: list[str] = []
    for tool in tools:
        attempt: dict[str, Any] = {"missing": []}
        output = str(source.with_name("again.cubin"))
        log = _run_tool(attempt, "spills", tool, "-v", f"--gpu-name={arch}", str(source), "-o", output)
        if log:
            return log
        refusals += attempt["missing"]
    values["missing"] += refusals[:1]
    return ""


def _run_tool(values: dict[str, Any], what: str, *command: str | Path) -> str:
    """The output of a tool, on either stream; where it cannot be run that is noted, and the output is empty."""
    name = Path(command[0]).name
    try:
        done = subprocess.run(
            list(map(str, command)),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LIMIT_S,
            check=False,
        )
    except OSError as problem:
        values["missing"].append(f"{what}: {name} does not run: {problem.strerror}")
        return ""
    except subprocess.TimeoutExpired:
        values["missing"].append(f"{what}: {name} timed out after {LIMIT_S:.0f} s")
        return ""
    if done.returncode != 0:
        values["missing"].append(f"{what}: {name} says {(done.stderr.strip() or 'nothing').splitlines()[0][:200]}")
        return ""
    return done.stdout + done.stderr
