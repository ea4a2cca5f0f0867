"""Measures how often the whole pipeline banks a change without effect, over replayed A/A recordings.

Each trial replays recorded A/A blocks, drawn without replacement and with legs swapped at random, through the real
command line: control, claim, audits and all. The lever under test sets a flag to the engine's own default, so every
gain that is banked is false.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import orjson

from bankable.tools.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
LEVER = "stream_interval=1"


@dataclass(frozen=True)
class NullRun:
    """One trial."""

    seed: int
    verdict: str
    claimed: bool
    """Whether the producer claimed a gain before any audit."""
    passes: int
    """PASS or FLAG verdicts of scopes patch and bundle: each one is false."""


@dataclass(frozen=True)
class NullResult:
    """All trials."""

    runs: tuple[NullRun, ...]

    @property
    def false_passes(self) -> int:
        """Trials in which a change without effect was signed off."""
        return sum(run.passes > 0 for run in self.runs)

    def table(self) -> str:
        """Summary for people: the count with its exact 95 % interval (Clopper and Pearson, 1934)."""
        from scipy.stats import binomtest  # noqa: PLC0415 - takes two seconds to import, which other commands need not wait for

        n, k = len(self.runs), self.false_passes
        low, high = binomtest(k, n).proportion_ci(method="exact")
        lines = [
            f"seed {run.seed:3d}  {run.verdict}{'  (a gain was claimed)' if run.claimed else ''}" for run in self.runs
        ]
        claimed = sum(run.claimed for run in self.runs)
        return "\n".join([*lines, f"{k} false of {n} runs [{low:.1%}, {high:.1%}]; claimed by the producer: {claimed}"])


def run_null(recording: Path, count: int) -> NullResult:
    """Replay ``count`` null runs with seeds 1, 2, … Raises ``UserError`` when the recording cannot be replayed."""
    return NullResult(tuple(_one(recording, seed) for seed in range(1, count + 1)))


def _one(recording: Path, seed: int) -> NullRun:
    with tempfile.TemporaryDirectory(prefix="bankable-null-") as folder:
        out = Path(folder) / "run"
        words = ["--replay", str(recording), "--draw", str(seed), "--only", LEVER, "--out", str(out), "--json"]
        done = subprocess.run(
            [sys.executable, "-m", "graph", "run", *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=1800,
            check=False,
        )
        if done.returncode != 0:
            raise UserError(
                f"Cannot replay the recording: {done.stderr.strip()[-300:]}", str(recording), "check the file"
            )
        outcome = orjson.loads(done.stdout)
        verdicts = [orjson.loads(path.read_bytes()) for path in out.glob("audits/*/verdict.json")]
        claims = [orjson.loads(path.read_bytes()) for path in out.glob("comparisons/patch-*/claim.json")]
    return NullRun(
        seed=seed,
        verdict=outcome["verdict"],
        claimed=any(claim["decision"] == "real" for claim in claims),
        passes=sum(verdict["scope"] in ("patch", "bundle") and verdict["verdict"] != "FAIL" for verdict in verdicts),
    )
