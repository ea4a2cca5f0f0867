"""Figures of a kernel for an AMD GPU, all from the assembly text, where LLVM notes them in comments and metadata."""

from __future__ import annotations

import re
from typing import Any

from bankable.kernels.worker.triton.mix import gcn_mix

REGISTER_BYTES = 4
NOTED = {
    "registers": ("TotalNumVgprs", "NumVgprs"),
    "scalar_registers": ("TotalNumSgprs",),
    "stack_bytes": ("ScratchSize",),
    "occupancy": ("Occupancy",),
}
"""Figures under the names that LLVM gives them; GPUs without accumulation registers have no total of vector ones."""
SPILLED = re.compile(r"^\s+\.[sv]gpr_spill_count:\s+(\d+)", re.MULTILINE)


def figures(assembly: str) -> dict[str, Any]:
    """Registers, scratch memory, spills and occupancy as noted, and the instructions."""
    values: dict[str, Any] = {"missing": [], "mix": gcn_mix(assembly)}
    for name, labels in NOTED.items():
        matches = [re.search(rf"^; {label}: (\d+)", assembly, re.MULTILINE) for label in labels]
        if noted := [int(match[1]) for match in matches if match]:
            values[name] = noted[0]
        else:
            values["missing"].append(f"{name.replace('_', ' ')}: not in the assembly")
    spilled = SPILLED.findall(assembly)
    if spilled:
        values["spill_bytes"] = REGISTER_BYTES * sum(map(int, spilled))
    else:
        values["missing"].append("spills: not in the assembly")
    return values
