"""Candidates of the hostile bench, drawn by a seed: every attack on every family, honest variants of each template."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bankable.kernels.build.render import Source, every_choice, render
from bankable.kernels.operators import FAMILIES, SHAPES
from bankable.kernels.redteam.attacks import ATTACKS
from bankable.kernels.redteam.wrapped import wrapped
from bankable.kernels.task.folder import TaskFolder

HONEST = 14
"""Variants of each family's template."""


@dataclass(frozen=True)
class Stage:
    """What a technique has to be told about the bench: all of it harmless places of the bench's own."""

    task: TaskFolder
    decoy: Path
    """A file beside the harness's, which no kernel has a right to write to."""
    port: int
    """Of a listener on the loopback, outside of the network that kernels are in."""
    mark: str
    """Name of a process that is left behind."""


@dataclass(frozen=True)
class RedTeamCandidate:
    """One candidate of the bench."""

    id: str
    family: str
    technique: str
    modes: tuple[str, ...]
    """Failure modes that it tries; none for an honest one."""
    source: Source
    effect: str = ""
    quick: bool = False

    @property
    def hostile(self) -> bool:
        return bool(self.modes)


def red_team_candidates(stages: Mapping[str, Stage], seed: int, sample: int = 0) -> list[RedTeamCandidate]:
    """All of them, or ``sample`` drawn by the seed; each technique takes other parameters of the template."""
    draw = random.Random(seed)
    found = [it for family, stage in stages.items() for it in _of_family(family, stage, draw)]
    if sample and sample < len(found):
        found = [found[index] for index in sorted(draw.sample(range(len(found)), sample))]
    return found


def _of_family(family: str, stage: Stage, draw: random.Random) -> Iterator[RedTeamCandidate]:
    served = tuple(int(part) for part in SHAPES[family].attacked[0].split("x"))
    choices = list(every_choice(FAMILIES[family], (served,)))
    places = _places(family, stage)
    for attack in ATTACKS if FAMILIES[family].native_outputs else ():
        source = wrapped(
            family,
            stage.task.task.dtype,
            draw.choice(choices),
            _placed(attack.body, places),
            above=_placed(attack.above, places),
        )
        yield RedTeamCandidate(
            f"{family}/{attack.name}", family, attack.name, attack.modes, source, attack.effect, attack.quick
        )
    for index, choice in enumerate([choices[0], *draw.sample(choices[1:], min(HONEST - 1, len(choices) - 1))]):
        source = render(FAMILIES[family], stage.task.task.dtype, choice)
        yield RedTeamCandidate(f"{family}/honest-{index}", family, "honest", (), source)


def _places(family: str, stage: Stage) -> dict[str, str]:
    served, other = SHAPES[family].attacked
    offsets = _offsets()
    return {
        "SERVED": str(_elements(family, served)),
        "SECOND": str(_elements(family, other)),
        "KEY": served,
        "DECOY": str(stage.decoy),
        "EXPECTED": str(stage.task.oracle_expected(served)),
        "PORT": str(stage.port),
        "MARK": stage.mark,
        "FINALIZE": offsets.get("__cxa_finalize", "0"),
        "DLSYM": offsets.get("dlsym", "0"),
    }


def _elements(family: str, key: str) -> int:
    return FAMILIES[family].outputs(tuple(int(part) for part in key.split("x")))[0].elements


def _placed(text: str, places: Mapping[str, str]) -> str:
    for name, value in places.items():
        text = text.replace(name, value)
    return text


def _offsets() -> dict[str, str]:
    """Where two functions lie in this machine's C library: what a cheat would ship for a machine that it knows."""
    nm = shutil.which("nm")
    libraries = [*Path("/lib").glob("*/libc.so.6"), Path("/lib64/libc.so.6")]
    if nm is None or not libraries[0].exists():
        return {}
    done = subprocess.run([nm, "-D", str(libraries[0])], capture_output=True, text=True, check=False)
    found = {}
    for line in done.stdout.splitlines():
        parts = line.split()
        if len(parts) == 3 and (name := parts[2].split("@")[0]) in ("__cxa_finalize", "dlsym"):
            found[name] = f"0x{parts[0].lstrip('0')}"
    return found
