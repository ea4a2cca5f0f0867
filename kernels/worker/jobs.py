"""The jobs by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from bankable.kernels.worker import check, instrument, measure, oracle, overhead, peaks, system
from bankable.kernels.worker.kernelbench import describe, judge

JOBS: dict[str, Callable[[dict[str, Any]], Iterable[dict[str, Any]]]] = {
    "measure": measure.run,
    "attempt": measure.attempt,
    "check": check.run,
    "oracle": oracle.run,
    "captured": oracle.captured,
    "peaks": peaks.run,
    "instrument": instrument.run,
    "overhead": overhead.run,
    "system": system.run,
    "kernelbench_describe": describe.run,
    "kernelbench_judge": judge.run,
}
