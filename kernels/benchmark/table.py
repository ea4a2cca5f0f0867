"""Results of an operator benchmark as a table for a terminal: times, ratios, and the share of the machine's roof."""

from __future__ import annotations

from collections import defaultdict
from statistics import median

from rich.table import Table

from bankable.kernels.benchmark.benchmark import OperatorBenchmark
from bankable.kernels.benchmark.candidate import LIVE
from bankable.tools.evidence.harness import OpRun, Peaks


def roof_ns(row: OpRun, peaks: Peaks) -> float:
    """The least time that the operator's bytes and operations take on this machine, in nanoseconds."""
    return 1e9 * max((row.bytes_moved or 0) / peaks.copy_bandwidth, (row.flops or 0) / peaks.flop_rate)


def build_table(result: OperatorBenchmark) -> Table:
    """One line for each implementation and shape; times are medians over rounds of medians over samples."""
    cells: dict[tuple[str, str], list[float]] = defaultdict(list)
    rows: dict[tuple[str, str], OpRun] = {}
    for row in result.rows:
        samples = [value for value in row.samples_ns if value is not None]
        if row.raised is None and samples:
            cells[row.shape, row.implementation].append(median(samples))
            rows[row.shape, row.implementation] = row
    shown = Table("shape", "implementation", "µs", "live / this", "of the roof", "bound by", box=None)
    for (shape, name), values in sorted(cells.items()):
        taken, row = median(values), rows[shape, name]
        live = cells.get((shape, LIVE))
        by_bytes = (row.bytes_moved or 0) / result.peaks.copy_bandwidth
        by_flops = (row.flops or 0) / result.peaks.flop_rate
        shown.add_row(
            shape,
            name,
            f"{taken / 1e3:.2f}",
            f"{median(live) / taken:.2f}" if live else "–",
            f"{roof_ns(row, result.peaks) / taken:.2%}",
            "bytes" if by_bytes >= by_flops else "operations",
        )
    return shown
