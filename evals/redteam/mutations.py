"""The kinds of mutations: frauds that were known while rules were written, frauds that were held out, honest changes.

Each changes one comparison of a run folder in place. Frauds favour the candidate or hide what spoils a measurement; all
of them settle the figures of the records that they touch, so that only relations between records can show them.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile
from typing import Literal

from bankable.evals.fixtures.build.files import Json, edit, edit_lines, read_lines, write_lines
from bankable.evals.redteam.rows import pick_requests, scale_latencies, settle

Group = Literal["told", "held_out", "honest"]
ROUNDS, HOST, LOG, LEG = "bench_runs.jsonl", "host.jsonl", "server.log", "leg.json"


@dataclass(frozen=True)
class Scene:
    """One comparison that is mutated."""

    folder: Path
    """The comparison's folder."""
    rng: random.Random
    """Source of every choice."""

    def legs(self, side: str) -> list[Path]:
        """Complete launches of one side, in block order."""
        return [leg for leg in sorted((self.folder / "legs").glob(f"b*-{side}")) if (leg / ROUNDS).is_file()]


@dataclass(frozen=True)
class Mutation:
    """One kind of change."""

    name: str
    group: Group
    apply: Callable[[Scene], object]


def _each_round(legs: list[Path], change: Callable[[Json], object]) -> None:
    for leg in legs:
        rows = read_lines(leg / ROUNDS)
        for row in rows:
            change(row)
        write_lines(leg / ROUNDS, [settle(row) for row in rows])


def _faster(row: Json, factor: float) -> None:
    scale_latencies(row, lambda: factor)
    row["duration"] *= factor


def _scale_candidate(scene: Scene) -> None:
    factor = scene.rng.uniform(0.6, 0.9)
    _each_round(scene.legs("candidate"), lambda row: _faster(row, factor))


def _scale_reference(scene: Scene) -> None:
    factor = scene.rng.uniform(1.1, 1.6)
    _each_round(scene.legs("reference"), lambda row: _faster(row, factor))


def _drop_requests(scene: Scene) -> None:
    """The slowest requests of each round of the candidate are left out, and the window ends before them."""
    share = scene.rng.uniform(0.05, 0.3)

    def drop(row: Json) -> None:
        spans = [ttft + sum(gaps) for ttft, gaps in zip(row["ttfts"], row["itls"], strict=True)]
        order = sorted(range(len(spans)), key=spans.__getitem__)
        pick_requests(row, sorted(order[: max(1, int(len(order) * (1 - share)))]))
        row["duration"] *= 1 - share - 0.05

    _each_round(scene.legs("candidate"), drop)


def _duplicate_requests(scene: Scene) -> None:
    """Some requests of the candidate count twice."""
    share = scene.rng.uniform(0.1, 0.5)

    def double(row: Json) -> None:
        count = len(row["errors"])
        pick_requests(row, [*range(count), *scene.rng.sample(range(count), max(1, int(share * count)))])

    _each_round(scene.legs("candidate"), double)


def _trim_window(scene: Scene) -> None:
    """The rate is taken over a part of each round of the candidate."""
    factor = scene.rng.uniform(0.6, 0.9)

    def trim(row: Json) -> None:
        row["duration"] *= factor

    _each_round(scene.legs("candidate"), trim)


def _take_latencies(row: Json, source: Json) -> None:
    for name in ("ttfts", "itls", "duration"):
        row[name] = source[name]


def _copy_fastest(scene: Scene) -> None:
    """All rounds of the candidate are its fastest one, a little scaled."""
    legs = scene.legs("candidate")
    source = min((row for leg in legs for row in read_lines(leg / ROUNDS)), key=lambda row: float(row["duration"]))

    def copy(row: Json) -> None:
        _take_latencies(row, source)
        _faster(row, scene.rng.uniform(0.99, 1.01))

    _each_round(legs, copy)


def _copy_with_jitter(scene: Scene) -> None:
    """The candidate's rounds are the reference's, scaled, each latency moved by up to two per cent."""
    factor = scene.rng.uniform(0.7, 0.9)
    for left, right in zip(scene.legs("reference"), scene.legs("candidate"), strict=False):
        sources = read_lines(left / ROUNDS)
        rows = read_lines(right / ROUNDS)
        for row, source in zip(rows, sources, strict=False):
            _take_latencies(row, source)
            scale_latencies(row, lambda: factor * scene.rng.uniform(0.98, 1.02))
            row["duration"] *= factor
        write_lines(right / ROUNDS, [settle(row) for row in rows])


def _swap_blocks(scene: Scene) -> None:
    """Rounds of two launches of the candidate change places, under the stamps of the other."""
    first, second = scene.rng.sample(scene.legs("candidate"), 2)
    mine, other = read_lines(first / ROUNDS), read_lines(second / ROUNDS)
    write_lines(first / ROUNDS, _restamped(other, mine))
    write_lines(second / ROUNDS, _restamped(mine, other))


def _restamped(rows: list[Json], stamps: list[Json]) -> list[Json]:
    return [{**row, "bankable": stamp["bankable"]} for row, stamp in zip(rows, stamps, strict=False)]


def _transplant_log(scene: Scene) -> None:
    first, second = scene.rng.sample(scene.legs("candidate"), 2)
    copyfile(first / LOG, second / LOG)


def _transplant_telemetry(scene: Scene) -> None:
    """The telemetry of one launch stands in for another's, its times moved."""
    first, second = scene.rng.sample(scene.legs("candidate"), 2)
    samples, own = read_lines(first / HOST), read_lines(second / HOST)
    shift = own[0]["t"] - samples[0]["t"]
    write_lines(second / HOST, [{**sample, "t": sample["t"] + shift} for sample in samples])


def _drop_telemetry(scene: Scene) -> None:
    """Samples of the timed rounds are missing from the candidate's telemetry."""
    for leg in scene.legs("candidate"):
        spans = [(row["bankable"]["started"], row["bankable"]["ended"]) for row in read_lines(leg / ROUNDS)]
        outside = [
            sample
            for sample in read_lines(leg / HOST)
            if not any(started - 2 <= sample["t"] <= ended + 2 for started, ended in spans)
        ]
        write_lines(leg / HOST, outside)


def _more_tokens(scene: Scene) -> None:
    """The candidate is credited with more tokens for each answer."""
    more = scene.rng.randint(2, 8)

    def credit(row: Json) -> None:
        row["output_lens"] = [length + more for length in row["output_lens"]]
        row["itls"] = [[*gaps, *gaps[-more:]] for gaps in row["itls"]]

    _each_round(scene.legs("candidate"), credit)


def _other_answers(scene: Scene) -> None:
    """The candidate's answers are those to other prompts."""

    def shift(row: Json) -> None:
        row["generated_texts"] = [text[::-1] for text in row["generated_texts"]]

    _each_round(scene.legs("candidate"), shift)


def _hidden_requests(scene: Scene) -> None:
    """The log of each launch of the candidate shows requests that no record has."""
    for leg in scene.legs("candidate"):
        lines = (leg / LOG).read_text().splitlines(keepends=True)
        extra = [line for line in lines if "POST /generate" in line][-scene.rng.randint(4, 24) :]
        (leg / LOG).write_text("".join([*lines[:-3], *extra, *lines[-3:]]))


def _less_processor(scene: Scene) -> None:
    """The server of the candidate is said to have used no processor time."""

    def idle(row: Json) -> None:
        row["bankable"]["cpu_s"] = 0.0

    _each_round(scene.legs("candidate"), idle)


def _reorder_requests(scene: Scene) -> None:
    """Requests of every round are listed in another order."""

    def shuffle(row: Json) -> None:
        order = list(range(len(row["errors"])))
        scene.rng.shuffle(order)
        pick_requests(row, order)

    _each_round([*scene.legs("reference"), *scene.legs("candidate")], shuffle)


def _reorder_rounds(scene: Scene) -> None:
    for leg in [*scene.legs("reference"), *scene.legs("candidate")]:
        edit_lines(leg / ROUNDS, scene.rng.shuffle)


def _unknown_fields(scene: Scene) -> None:
    name = f"field_{scene.rng.randrange(1000)}"
    for leg in [*scene.legs("reference"), *scene.legs("candidate")]:
        edit(leg / LEG, lambda record: record.update({name: 1}))


def _lost_samples(scene: Scene) -> None:
    """A busy machine misses a few samples."""
    for leg in [*scene.legs("reference"), *scene.legs("candidate")]:
        place = scene.rng.randrange(2, 8)
        samples = read_lines(leg / HOST)
        write_lines(leg / HOST, [*samples[:place], *samples[place + 2 :]])


def _time_zone(scene: Scene) -> None:
    """Logs are written in another time zone, on the same day."""
    for leg in [*scene.legs("reference"), *scene.legs("candidate")]:
        text = (leg / LOG).read_text()
        moved = re.sub(
            r"(?m)^(\[\d{4}-\d\d-\d\d )(\d\d)", lambda match: f"{match[1]}{(int(match[2]) + 1) % 24:02d}", text
        )
        (leg / LOG).write_text(text if re.search(r"(?m)^\[\d{4}-\d\d-\d\d 23", text) else moved)


def _renamed_host(scene: Scene) -> None:
    """The machine has another name throughout the run."""
    for path in scene.folder.parent.glob(f"*/legs/*/{LEG}"):
        edit(path, lambda record: record.update(host="another-name"))


MUTATIONS: tuple[Mutation, ...] = (
    Mutation("scale_candidate", "told", _scale_candidate),
    Mutation("drop_requests", "told", _drop_requests),
    Mutation("trim_window", "told", _trim_window),
    Mutation("copy_fastest", "told", _copy_fastest),
    Mutation("transplant_log", "told", _transplant_log),
    Mutation("other_answers", "told", _other_answers),
    Mutation("hidden_requests", "told", _hidden_requests),
    Mutation("scale_reference", "held_out", _scale_reference),
    Mutation("duplicate_requests", "held_out", _duplicate_requests),
    Mutation("copy_with_jitter", "held_out", _copy_with_jitter),
    Mutation("swap_blocks", "held_out", _swap_blocks),
    Mutation("transplant_telemetry", "held_out", _transplant_telemetry),
    Mutation("drop_telemetry", "held_out", _drop_telemetry),
    Mutation("more_tokens", "held_out", _more_tokens),
    Mutation("less_processor", "held_out", _less_processor),
    Mutation("reorder_requests", "honest", _reorder_requests),
    Mutation("reorder_rounds", "honest", _reorder_rounds),
    Mutation("unknown_fields", "honest", _unknown_fields),
    Mutation("lost_samples", "honest", _lost_samples),
    Mutation("time_zone", "honest", _time_zone),
    Mutation("renamed_host", "honest", _renamed_host),
)
"""Nobody who writes rules looks at what the held-out kinds pass with."""
