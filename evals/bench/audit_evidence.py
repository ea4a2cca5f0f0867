"""Generates evidence of any size for timing the auditor: an honest small run with enlarged rounds, from a seed.

Every leg keeps its record, clocks and order; its rounds get thousands of requests with a time stamp for every token, in
the format of sglang's serving benchmark, the server's report gets hundreds of fields, and the log its lines. Figures
and claim are recomputed, so that the auditor finds an honest run of that size.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from bankable.evals.fixtures.build.files import edit, read, read_lines, write
from bankable.evals.fixtures.build.leg import OUTPUT, PROMPTS, TOLD
from bankable.evals.fixtures.build.run import LEVER, RUN_ID, RunRecipe, enter_all, run_folder
from bankable.tools.evidence.records import Claim, ComparisonKind, LatencySummary, Plan, Side
from bankable.tools.statistics.latency import RoundFigures, figures, summarize
from bankable.tools.statistics.order import pack
from bankable.tools.statistics.paired import block_difference, decide

Json = dict[str, Any]
GAP_S = 0.010
"""Shortest time between two tokens; they spread over twice that."""
INPUT_LEN = 256
TEXTS = 512
SUBJECT = "patch-stream_interval"
FILLERS = 300
"""Fields of the server's report beside those of the small run; sglang 0.5.23 has about that many arguments."""
WORDS = (
    "the",
    "station",
    "opens",
    "at",
    "seven",
    "and",
    "train",
    "leaves",
    "ten",
    "minutes",
    "later",
    "apples",
    "river",
)


@dataclass(frozen=True)
class Size:
    """Amount of evidence: comparison and control have 2 × 6 launches of 3 rounds each."""

    requests: int
    """Requests of one round."""
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
    rate = PROMPTS * OUTPUT / size.seconds
    run = run_folder(
        root,
        RunRecipe(reference_rate=rate, seed=seed),
        RunRecipe(
            name=SUBJECT,
            kind=ComparisonKind.PATCH,
            lever=LEVER,
            gain=0.30,
            reference_rate=rate,
            seed=seed + 1,
            start=2_000_000.0,
        ),
    )
    rng = random.Random(seed)
    texts = [_text(rng, size.output_len) for _ in range(TEXTS)]
    for name in ("control", SUBJECT):
        _comparison(run / "comparisons" / name, size, rng, texts)
    enter_all(run)
    return run


def _comparison(folder: Path, size: Size, rng: random.Random, texts: list[str]) -> None:
    workload = {
        "num_prompts": size.requests,
        "input_len": INPUT_LEN,
        "output_len": size.output_len,
        "concurrency": size.concurrency,
    }
    edit(folder / "plan.json", lambda plan: plan["workload"].update(workload))
    measured: dict[Side, list[list[RoundFigures]]] = {side: [] for side in Side}
    for leg in sorted((folder / "legs").iterdir()):
        measured[Side(read(leg / "leg.json")["side"])].append(_leg(leg, size, rng, texts))
    plan = Plan.model_validate(read(folder / "plan.json"))
    write(folder / "claim.json", _claim(plan, measured).model_dump(mode="json"))


def _leg(leg: Path, size: Size, rng: random.Random, texts: list[str]) -> list[RoundFigures]:
    filler = {f"option_{index:03d}": index if index % 2 else f"value {index}" for index in range(FILLERS)}
    edit(leg / "server_info.json", lambda info: info.update(filler))
    rounds = []
    rows = read_lines(leg / "bench_runs.jsonl")
    with (leg / "bench_runs.jsonl").open("wb") as out:
        for row in rows:
            row["server_info"] |= filler
            row["bankable"]["issued"] = size.requests
            lists = _lists(size, rng, texts)
            rounds.append(_figures(row["duration"], lists))
            out.write(orjson.dumps({**row, **lists, **_summary(size, rounds[-1])}, option=orjson.OPT_APPEND_NEWLINE))
    record = read(leg / "leg.json")
    asked = [leg / name for name in ("outputs.jsonl", "accuracy.jsonl")]
    others = sum(len(read_lines(path)) for path in asked if path.is_file())
    answered = (len(rows) + record["warmups"]) * size.requests + others
    lines = list(_log(size, answered, len(rows) + record["warmups"], rng.randrange(9999)))
    busy = [(span["started"], span["ended"]) for span in record["spans"] if span["kind"] != "start"]
    with (leg / "server.log").open("w") as log:
        for index, line in enumerate(lines):
            moment = datetime.fromtimestamp(_spread(busy, index / len(lines)), UTC)
            log.write(f"[{moment:%Y-%m-%d %H:%M:%S}] {line}")
    return rounds


def _spread(busy: list[tuple[float, float]], share: float) -> float:
    """The time at which this share (0–1) of all busy time is over."""
    left = share * sum(ended - started for started, ended in busy)
    for started, ended in busy:
        if left <= ended - started:
            return float(started + left)
        left -= ended - started
    return busy[-1][1]


def _lists(size: Size, rng: random.Random, texts: list[str]) -> Json:
    uniform, count = rng.random, size.requests
    return {
        "input_lens": [INPUT_LEN] * count,
        "output_lens": [size.output_len] * count,
        "ttfts": [0.05 + 0.05 * uniform() for _ in range(count)],
        "itls": [[GAP_S + GAP_S * uniform() for _ in range(size.output_len - 1)] for _ in range(count)],
        "generated_texts": [f" {index}. {texts[index % TEXTS]}" for index in range(count)],
        "errors": [""] * count,
        "cached_tokens": [0] * count,
    }


def _figures(duration: float, lists: Json) -> RoundFigures:
    decodes = [math.fsum(gaps) for gaps in lists["itls"]]
    gaps = b"".join(map(pack, lists["itls"]))
    return figures(duration, lists["input_lens"], lists["output_lens"], lists["ttfts"], decodes, gaps, lists["errors"])


def _summary(size: Size, round_figures: RoundFigures) -> Json:
    return {
        **{name: getattr(round_figures, name) for name in (*LatencySummary.model_fields, "p99_tpot_ms")},
        "completed": size.requests,
        "total_input_tokens": size.requests * INPUT_LEN,
        "total_output_tokens": size.requests * size.output_len,
        "max_concurrency": size.concurrency,
        "random_input_len": INPUT_LEN,
        "random_output_len": size.output_len,
    }


def _claim(plan: Plan, measured: dict[Side, list[list[RoundFigures]]]) -> Claim:
    rates = {side: [[round_.output_throughput for round_ in launch] for launch in measured[side]] for side in Side}
    pairs = zip(rates[Side.REFERENCE], rates[Side.CANDIDATE], strict=True)
    decision = decide([block_difference(*pair) for pair in pairs], plan.alpha, plan.floor, plan.looks)
    return Claim(
        comparison=plan.name,
        run_id=RUN_ID,
        lever=plan.lever,
        metric=plan.metric,
        reference=summarize(measured[Side.REFERENCE]),
        candidate=summarize(measured[Side.CANDIDATE]),
        delta=decision.gain,
        interval=decision.gain_interval,
        blocks=decision.n,
        decision=decision.verdict,
        headline=f"output throughput {decision.gain:+.1%}",
    )


def _text(rng: random.Random, tokens: int) -> str:
    """Text of about the length of an answer with that many tokens, with punctuation and line breaks."""
    words = [rng.choice(WORDS) for _ in range(tokens)]
    for mark in (":", ' "so"', "\n", ","):
        words[rng.randrange(tokens)] += mark
    return " ".join(words)


def _log(size: Size, answered: int, flushes: int, first_port: int) -> Iterator[str]:
    """A line per answered request and flush, per prefill batch of four and per forty decode steps."""
    running = size.concurrency
    yield "Ignore import error when loading sglang.srt.models.grok: no attribute\n"
    yield f"{TOLD}\n"
    for _ in range(flushes):
        yield 'INFO:     127.0.0.1:30001 - "POST /flush_cache HTTP/1.1" 200 OK\n'
    for index in range(answered):
        yield f'INFO:     127.0.0.1:{30000 + (first_port + index) % 9999} - "POST /generate HTTP/1.1" 200 OK\n'
        if index % 4 == 0:
            yield (
                f"Prefill batch, #new-seq: 4, #new-token: 1024, #cached-token: 0, token usage: "
                f"0.31, #running-req: {running - 4}, #queue-req: 0, cuda graph: False, input throughput: 3.02\n"
            )
    for _ in range(answered * size.output_len // running // 40):
        yield (
            f"Decode batch, #running-req: {running}, #token: 9600, token usage: 0.41, "
            "cuda graph: True, gen throughput (token/s): 400.00, #queue-req: 0\n"
        )
