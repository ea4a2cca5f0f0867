"""Its layer: the chip's tool writes a table, and the layer reads that."""

from __future__ import annotations

from pathlib import Path

from bankable.kernels.diagnosis.layers.accelerator import AcceleratorFinding, AcceleratorLayer, Figure
from bankable.kernels.diagnosis.layers.subject import LayerFailedError, Subject


class ExampleNpu(AcceleratorLayer):
    name, title = "example_npu", "Example NPU"
    measures = "busy shares of the matrix engine and of the memory"
    version, limit_s, attempts = 2, 30.0, 1

    def absent(self, subject: Subject) -> str:
        return "" if self._device(subject).is_file() else "no Example NPU"

    def instrument(self, subject: Subject, place: Path) -> None:
        """A real one would start the kernel under the chip's profiler here."""
        (place / "busy.csv").write_text(self._device(subject).read_text(encoding="utf-8"), encoding="utf-8")

    def collect(self, subject: Subject, place: Path) -> AcceleratorFinding:
        rows = [line.split(",") for line in (place / "busy.csv").read_text(encoding="utf-8").splitlines()]
        busy = {name: float(share) for name, share in rows}
        if not busy:
            raise LayerFailedError("the profiler wrote an empty table")
        busiest = max(busy, key=lambda name: busy[name])
        figures = tuple(Figure(name=name, value=share, unit="%") for name, share in busy.items())
        return AcceleratorFinding(
            device="Example NPU",
            figures=figures,
            bound="memory" if busiest == "memory" else "compute",
            evidence=(f"{busiest} is busiest",),
        )

    @staticmethod
    def _device(subject: Subject) -> Path:
        return subject.root / "example-npu"


LAYER = ExampleNpu()
