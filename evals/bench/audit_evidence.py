"""Evidence of any size for timing the auditor: an honest small run whose rounds are blown up, from a seed.

Every leg keeps its record, clocks and order; its rounds get thousands of requests with a time stamp for every token,
in the format of sglang's serving benchmark, the server's report gets its hundreds of fields, and the log its lines.
Figures and claim are recomputed, so that the auditor finds an honest run of that size.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from evals.fixtures.build.files import edit, read, read_lines, write
from evals.fixtures.build.run import RUN_ID, Recipe, enter_all, plan_of, run_folder, standard_run
from tools.evidence.records import Claim, Kind, LatencySummary, Plan, Side
from tools.statistics.latency import RoundFigures, figures, summarize
from tools.statistics.paired import block_difference, decide

Json = dict[str, Any]
GAP_S = 0.010
"""Shortest time between two tokens; they spread over twice that."""
INPUT_LEN = 256
FILLERS = 300
"""Fields of the server's report beside those of the small run; sglang 0.5.23 has about that many arguments."""
WORDS = (
    "the station opens at seven and first train leaves ten minutes later she bought three apples two pears so has five "
    "pieces of fruit a river runs past old mill before it reaches village he counted chairs twice wrote number on door"
).split()


@dataclass(frozen=True)
class Size:
    """How much evidence: comparison and control have 2 × 6 launches of 3 rounds each."""

    requests: int
    """Of one round."""
    output_len: int = 128
    """Tokens of one answer."""

    @property
    def concurrency(self) -> int:
        return max(4, self.requests // 50)

    @property
    def seconds(self) -> float:
        """Duration of a round: requests in waves of ``concurrency``, each a little longer than its tokens take."""
        waves = self.requests / self.concurrency
        return 1.2 * waves * (0.1 + 2 * GAP_S * self.output_len)


def big_run(root: Path, size: Size, seed: int = 1) -> Path:
    """An honest run: an A/A control and one patch with a gain of 30 %."""
    run = standard_run(root, seed=seed + 1)
    rng = random.Random(seed)
    for folder in sorted((run / "comparisons").iterdir()):
        _comparison(folder, size, rng)
    enter_all(run)
    return run
