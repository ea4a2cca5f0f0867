"""Layers that do all that a layer must not do."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from bankable.kernels.diagnosis.layers.layer import Layer, LayerFinding
from bankable.kernels.diagnosis.layers.subject import LayerFailedError, Subject


class Count(LayerFinding):
    """How often the layer ran."""

    runs: int

    def describe(self) -> str:
        return f"{self.runs} runs"


class Honest(Layer):
    """Counts its runs in its place."""

    name, number, title, measures = "honest", 3, "honest", "how often it ran"
    limit_s, finding_type = 60.0, Count

    def instrument(self, subject: Subject, place: Path) -> None:
        with (place.parent / "runs.txt").open("a", encoding="ascii") as runs:
            runs.write("x")
        print("what a layer prints is no reply")

    def collect(self, subject: Subject, place: Path) -> LayerFinding:
        return Count(runs=len((place.parent / "runs.txt").read_text(encoding="ascii")))


class Second(Honest):
    """Fails once."""

    name, attempts = "second", 2

    def collect(self, subject: Subject, place: Path) -> LayerFinding:
        found = super().collect(subject, place)
        if found.runs < 2:
            raise LayerFailedError("not yet")
        return found


class Raising(Honest):
    name, attempts = "raising", 2

    def instrument(self, subject: Subject, place: Path) -> None:
        super().instrument(subject, place)
        raise RuntimeError("no\nsuch luck")


class Crashing(Honest):
    name = "crashing"

    def instrument(self, subject: Subject, place: Path) -> None:
        os.abort()


class Quitting(Honest):
    name = "quitting"

    def instrument(self, subject: Subject, place: Path) -> None:
        os._exit(0)


class Hanging(Honest):
    """Leaves a process in a group of its own behind."""

    name, limit_s = "hanging", 3.0

    def instrument(self, subject: Subject, place: Path) -> None:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
        (place / "child.txt").write_text(str(child.pid), encoding="ascii")
        time.sleep(600)


class Lying(Honest):
    """Hands back something of another type."""

    name = "lying"

    def collect(self, subject: Subject, place: Path) -> LayerFinding:
        return LayerFinding()


class Shapeless(Honest):
    """What it writes is not what its type says."""

    name = "shapeless"

    def collect(self, subject: Subject, place: Path) -> LayerFinding:
        return Count.model_construct(runs="many")


class Absent(Honest):
    name = "absent"

    def absent(self, subject: Subject) -> str:
        return "this machine has no luck"


class Needy(Honest):
    name, needs = "needy", ("raising",)


class NoLayer:
    """Something else."""
