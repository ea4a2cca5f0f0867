"""Red-team candidates, drawn by a seed: every attack on every family, and honest variants of each template."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bankable.kernels.build.render import KernelSource, every_choice, render
from bankable.kernels.operators import FAMILIES, SHAPES
from bankable.kernels.redteam.attack import load_attacks
from bankable.kernels.redteam.attack_source import read_source, render_attack
from bankable.kernels.task.folder import TaskFolder

HONEST = 14
"""Variants of each family's template."""


@dataclass(frozen=True)
class Stage:
    """Locations of the bench that an attack is given: all of them are the bench's own, and harmless."""

    task: TaskFolder
    decoy: Path
    """A file beside the harness's, which no kernel has a right to write to."""
    port: int
    """Of a listener on the loopback, outside of the network that kernels are in."""
    process_name: str
    """Name of a process that is left behind."""


@dataclass(frozen=True)
class RedTeamCandidate:
    """One kernel of the bench, hostile or honest."""

    id: str
    """``<family>/<technique>``; an honest one has a number."""
    family: str
    technique: str
    """Name of its attack, or ``honest``."""
    modes: tuple[str, ...]
    """Failure modes that it tries; none for an honest one."""
    source: KernelSource
    effect: str = ""
    """What the bench looks at besides the verdict; see ``Attack``."""
    ends_at_a_limit: bool = False

    @property
    def hostile(self) -> bool:
        return bool(self.modes)


def red_team_candidates(stages: Mapping[str, Stage], seed: int, sample: int = 0) -> list[RedTeamCandidate]:
    """All of them, or ``sample`` drawn by the seed; each attack takes other parameters of the template."""
    draw = random.Random(seed)
    candidates = [candidate for family, stage in stages.items() for candidate in _render_family(family, stage, draw)]
    if sample and sample < len(candidates):
        candidates = [candidates[index] for index in sorted(draw.sample(range(len(candidates)), sample))]
    return candidates


def _render_family(family: str, stage: Stage, draw: random.Random) -> Iterator[RedTeamCandidate]:
    served = tuple(int(part) for part in SHAPES[family].attacked[0].split("x"))
    choices = list(every_choice(FAMILIES[family], (served,)))
    dtype, definitions = stage.task.task.dtype, _definitions(family, stage)
    for attack in load_attacks() if FAMILIES[family].native_outputs else ():
        yield RedTeamCandidate(
            id=f"{family}/{attack.name}",
            family=family,
            technique=attack.name,
            modes=attack.modes,
            source=render_attack(family, dtype, draw.choice(choices), read_source(attack.path), definitions),
            effect=attack.effect,
            ends_at_a_limit=attack.ends_at_a_limit,
        )
    for index, choice in enumerate([choices[0], *draw.sample(choices[1:], min(HONEST - 1, len(choices) - 1))]):
        yield RedTeamCandidate(
            f"{family}/honest-{index}", family, "honest", (), render(FAMILIES[family], dtype, choice)
        )


def _definitions(family: str, stage: Stage) -> dict[str, str]:
    """Macros of ``attacks/README.md``, as C++."""
    served, held_out = SHAPES[family].attacked
    offsets = _libc_offsets()
    return {
        "BENCH_SERVED_SIZE": str(_elements(family, served)),
        "BENCH_SECOND_SIZE": str(_elements(family, held_out)),
        "BENCH_SERVED_SHAPE": f'"{served}"',
        "BENCH_DECOY": f'"{stage.decoy}"',
        "BENCH_EXPECTED": f'"{stage.task.oracle_expected(served)}"',
        "BENCH_PORT": str(stage.port),
        "BENCH_PROCESS_NAME": f'"{stage.process_name}"',
        "BENCH_FINALIZE_OFFSET": offsets.get("__cxa_finalize", "0"),
        "BENCH_DLSYM_OFFSET": offsets.get("dlsym", "0"),
    }


def _elements(family: str, key: str) -> int:
    """Of the first output at a shape."""
    return FAMILIES[family].outputs(tuple(int(part) for part in key.split("x")))[0].elements


def _libc_offsets() -> dict[str, str]:
    """Where two functions lie in this machine's C library: what a cheat would ship for a machine that it knows."""
    nm = shutil.which("nm")
    libraries = [*Path("/lib").glob("*/libc.so.6"), Path("/lib64/libc.so.6")]
    if nm is None or not libraries[0].exists():
        return {}
    table = subprocess.run([nm, "-D", str(libraries[0])], capture_output=True, text=True, check=False)
    offsets = {}
    for line in table.stdout.splitlines():
        parts = line.split()
        if len(parts) == 3 and (name := parts[2].split("@")[0]) in ("__cxa_finalize", "dlsym"):
            offsets[name] = f"0x{parts[0].lstrip('0')}"
    return offsets
