"""Compares ``audit`` with inference-doctor on the same files: what each calls a proven gain, and what it takes.

Both are started in turns, as a user starts them, so that a slow minute of the machine hits both. Wall and CPU seconds
are those of the process with its children; memory is the peak of all its processes together, pages that they share
counted once, sampled in a run that is not timed. Where the rival is better, the table says so like anything else.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import orjson

from bankable.evals.bench import rival
from bankable.evals.bench.audit import MB, Memory
from bankable.evals.bench.duel_fixtures import (
    FIXTURES,
    LAUNCHES,
    RATE,
    Launch,
    Variant,
    write_vllm,
)
from bankable.evals.fixtures.build import tool_results
from bankable.nodes.auditor.verdict import Severity, Verdict, Word
from bankable.tools.errors import UserError
from bankable.tools.package import FOLDER
from bankable.tools.statistics.latency import figures

CODES = {0, 10, 20, 21, 22, 23, 24}
"""Exit codes of ``audit`` with a verdict of any kind."""
REQUESTS, TOKENS = 15_600, 400
"""Of a large file: 167 MB as ``vllm bench serve --save-detailed`` writes it."""
LAUNCH_SD = 0.02
GAINS = {"no change": 0.0, "a gain of 5 %": 0.05}
"""What is simulated, by name."""
POLL_S = 0.01


@dataclass(frozen=True)
class Cost:
    """What one process took."""

    wall: float
    """Seconds."""
    cpu: float
    """User and system seconds, of its children too."""


@dataclass(frozen=True)
class Race:
    """Both tools on the same files."""

    name: str
    megabytes: float
    ours: tuple[Cost, ...]
    theirs: tuple[Cost, ...]
    memory: tuple[int, int]
    """Peak bytes, ours and theirs."""

    def lines(self) -> list[str]:
        """Rows of a Markdown table: medians, and the median of the ratios within a repeat."""
        rows = []
        for what in ("wall", "cpu"):
            pairs = [(getattr(a, what), getattr(b, what)) for a, b in zip(self.ours, self.theirs, strict=True)]
            ratios = sorted(a / b for a, b in pairs)
            ours, theirs = (median(pair[side] for pair in pairs) for side in (0, 1))
            rows.append(
                f"| {self.name} ({self.megabytes:.3g} MB) | {what} s | {ours:.2f} | {theirs:.2f} "
                f"| {median(ratios):.2f} [{ratios[0]:.2f}, {ratios[-1]:.2f}] |"
            )
        ours_mb, theirs_mb = (held / MB for held in self.memory)
        rows.append(
            f"| {self.name} ({self.megabytes:.3g} MB) | memory, MB | {ours_mb:.0f} | {theirs_mb:.0f} "
            f"| {ours_mb / theirs_mb:.2f} |"
        )
        return rows


@dataclass(frozen=True)
class DuelAnswer:
    """What both tools say of one comparison."""

    name: str
    proven: bool | None
    """The right answer; ``None`` where it is not known."""
    ours: str
    theirs: str

    def is_right(self, said: str) -> bool:
        """Whether an answer is the right one: a gain that is there is called proven, and no other."""
        return (said == rival.PROVEN) is self.proven


def audit_command(reference: Path, candidate: Path) -> list[str]:
    """``audit`` as a user starts it."""
    return [sys.executable, "-m", "graph", "audit", str(reference), str(candidate)]


def ask_audit(reference: Path, candidate: Path) -> str:
    """Whether ``audit`` calls the candidate faster by at least the floor."""
    done = subprocess.run(
        [*audit_command(reference, candidate), "--json"], cwd=FOLDER, capture_output=True, check=False
    )
    return rival.REFUSED if done.returncode not in CODES else find_answer(Verdict.model_validate_json(done.stdout))


def find_answer(verdict: Verdict) -> str:
    """What a verdict says of the question."""
    if verdict.verdict is not Word.FAIL and ", real" in verdict.headline:
        return rival.PROVEN
    reasons = {finding.code for finding in verdict.findings if finding.severity is Severity.FAIL}
    return rival.UNSURE if reasons <= {"undecided"} else rival.NOT


def race(name: str, python: Path, reference: Path, candidate: Path, repeats: int) -> Race:
    """Time both tools on two folders of runs. Raises ``UserError`` when one of them gives no answer."""
    commands = (audit_command(reference, candidate), rival.command(python, reference, candidate))
    accepted = (CODES, {0, 1, 2})
    held = tuple(_hold(command) for command in commands)
    costs = [tuple(map(_spend, commands, accepted)) for _ in range(repeats)]
    size = sum(path.stat().st_size for leg in (reference, candidate) for path in leg.rglob("*") if path.is_file())
    return Race(name, size / MB, tuple(pair[0] for pair in costs), tuple(pair[1] for pair in costs), (held[0], held[1]))


def _environment() -> dict[str, str]:
    """This process's, with compiled modules kept as an installed package has them: the untimed run writes them."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(rival.default_cache() / "compiled")}


def _spend(command: Sequence[str], codes: set[int]) -> Cost:
    before, begun = os.times(), time.perf_counter()
    code = subprocess.run(command, cwd=FOLDER, env=_environment(), capture_output=True, check=False).returncode
    wall, after = time.perf_counter() - begun, os.times()
    if code not in codes:
        raise UserError(f"Cannot time the command: exit code {code}", " ".join(command), "run it by hand to see why")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(wall, cpu)


def _hold(command: Sequence[str]) -> int:
    """Peak bytes of all processes of a command."""
    memory = Memory()
    nowhere = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=FOLDER, env=_environment(), stdout=nowhere, stderr=nowhere)
    while process.poll() is None:
        memory.look(process.pid)
        time.sleep(POLL_S)
    return memory.together


def write_large(folder: Path, rate: float, seed: int, requests: int = REQUESTS, tokens: int = TOKENS) -> None:
    """One result of ``vllm bench serve`` with details, consistent, of ``requests`` × ``tokens``."""
    rng = np.random.default_rng(seed)
    seconds = requests * tokens / rate
    itls = rng.gamma(4.0, 0.003, (requests, tokens - 1))
    ttfts = rng.gamma(4.0, 0.05, requests)
    inputs, outputs, errors = [512] * requests, [tokens] * requests, [""] * requests
    words = rng.choice(["station", "the", "opens", "at", "seven", "river", "and", "leaves", "ten", "later"], 4_000)
    texts = [" ".join(words[start : start + 3 * tokens // 4]) for start in rng.integers(0, 4_000 - tokens, requests)]
    found = figures(seconds, inputs, outputs, ttfts.tolist(), itls.sum(axis=1).tolist(), itls.tobytes(), errors)
    record = tool_results.vllm(rate) | {
        name: getattr(found, name) for name in found.__dataclass_fields__ if name.endswith(("_ms", "_throughput"))
    }
    record |= {
        "num_prompts": requests,
        "completed": requests,
        "max_concurrency": 256,
        "duration": seconds,
        "total_input_tokens": sum(inputs),
        "total_output_tokens": sum(outputs),
        "input_lens": inputs,
        "output_lens": outputs,
        "ttfts": ttfts,
        "itls": list(itls),
        "generated_texts": texts,
        "errors": errors,
        "start_times": np.sort(rng.uniform(0.0, seconds, requests)),
    }
    record.pop("latencies", None)
    folder.mkdir(parents=True)
    text = orjson.dumps(record, option=orjson.OPT_SERIALIZE_NUMPY)
    (folder / "result.json").write_bytes(text.replace(b",", b", ").replace(b'":', b'": '))


def compare_fixtures(python: Path, place: Path, tell: Callable[[str], object] = print) -> list[DuelAnswer]:
    """Both tools' answers on the forty fixtures."""
    answers = []
    for number, fixture in enumerate(FIXTURES):
        legs = fixture.build(place / f"{number:02d}")
        answers.append(DuelAnswer(fixture.name, fixture.proven, ask_audit(*legs), rival.ask(python, *legs)))
        tell(f"  {fixture.name}: {answers[-1].ours} / {answers[-1].theirs}")
    return answers


def compare_cases(python: Path, cases: Path) -> list[DuelAnswer]:
    """Both tools' answers on a folder of cases, each with ``ref`` and ``cand`` as a file or a folder."""
    answers = []
    for case in sorted(path for path in cases.iterdir() if path.is_dir()):
        legs = [next(iter(sorted(case.glob(f"{name}*"))), None) for name in ("ref", "cand")]
        if legs[0] is None or legs[1] is None:
            continue
        answers.append(DuelAnswer(case.name, None, ask_audit(legs[0], legs[1]), rival.ask(python, legs[0], legs[1])))
    return answers


def compare_simulated(python: Path, place: Path, pairs: int, seed: int = 0) -> dict[str, tuple[int, int]]:
    """How many of ``pairs`` simulated comparisons each tool calls proven gains, ours and theirs, by what is true."""
    rng = np.random.default_rng(seed)
    counts = {}
    for name, gain in GAINS.items():
        ours = theirs = 0
        for pair in range(pairs):
            legs = []
            for side in range(2):
                leg = place / f"{name}-{pair}-{side}"
                for number in range(LAUNCHES):
                    rate = RATE * (1.0 + side * gain) * float(np.exp(rng.normal(0.0, LAUNCH_SD)))
                    launch = Launch(rate, 1_000 * pair + 10 * side + number, LAUNCHES * side + number)
                    write_vllm(leg / f"launch-{number}", launch, Variant())
                legs.append(leg)
            ours += ask_audit(legs[0], legs[1]) == rival.PROVEN
            theirs += rival.ask(python, legs[0], legs[1]) == rival.PROVEN
        counts[name] = (ours, theirs)
    return counts


def duel_report(
    python: Path, repeats: int, pairs: int, cases: Path | None, tell: Callable[[str], object] = print
) -> str:
    """The whole comparison as Markdown."""
    parts = [f"audit against {rival.NAME} {rival.VERSION}, {repeats} repeats in turns, Python {sys.version.split()[0]}"]
    with tempfile.TemporaryDirectory(prefix="bench-duel-") as name:
        place = Path(name)
        for side, rate in (("a", 4000.0), ("b", 4400.0)):
            write_large(place / "large" / side, rate, ord(side))
            write_vllm(place / "small" / side, Launch(RATE, ord(side), ord(side)), Variant())
        races = [
            race(f"two {kind} vLLM results", python, place / kind / "a", place / kind / "b", repeats)
            for kind in ("large", "small")
        ]
        table = [line for each in races for line in each.lines()]
        head = ["| files | | audit | rival | audit / rival |", "| --- | --- | ---: | ---: | ---: |"]
        parts.append("\n".join([*head, *table]))
        parts.append(_describe_answers("forty fixtures", compare_fixtures(python, place / "fixtures", tell)))
        if cases is not None:
            parts.append(_describe_answers("cases", compare_cases(python, cases)))
        if pairs:
            counts = compare_simulated(python, place / "simulated", pairs)
            parts += [
                f"{what}, {LAUNCHES} launches a side that scatter by {LAUNCH_SD:.0%}: proven in {ours} of {pairs} by "
                f"audit, in {theirs} of {pairs} by the rival"
                for what, (ours, theirs) in counts.items()
            ]
    return "\n\n".join(parts)


def _describe_answers(name: str, answers: Iterable[DuelAnswer]) -> str:
    listed = list(answers)
    known = [answer for answer in listed if answer.proven is not None]
    lines = [f"| {name} | right | audit | rival |", "| --- | --- | --- | --- |"]
    for answer in listed:
        right = "" if answer.proven is None else rival.PROVEN if answer.proven else rival.NOT
        lines.append(f"| {answer.name} | {right} | {answer.ours} | {answer.theirs} |")
    if known:
        ours, theirs = (sum(answer.is_right(getattr(answer, side)) for answer in known) for side in ("ours", "theirs"))
        lines.append(f"| right answers of {len(known)} | | {ours} | {theirs} |")
    return "\n".join(lines)
