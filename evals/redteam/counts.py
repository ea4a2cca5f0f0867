"""Frauds on what is counted: requests, tokens, rounds, windows and blocks are dropped, doubled or exchanged."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from bankable.evals.fixtures.build.files import Json, edit, edit_lines, read, read_lines, write, write_lines
from bankable.evals.redteam.mutation import Mutation
from bankable.evals.redteam.rows import pick_requests, request_spans, scale_latencies, settle
from bankable.evals.redteam.scene import HOST, LEG, LOG, ROUNDS, InapplicableError, Scene, each_round, rounds_of


def _trim_window(scene: Scene) -> None:
    """The rate is taken over a part of each round of the candidate."""
    factor = scene.rng.uniform(0.6, 0.93)
    each_round(scene.legs("candidate"), lambda row: row.update(duration=row["duration"] * factor))


def _stretch_window(scene: Scene) -> None:
    """The reference's rate is taken over more than its rounds."""
    factor = scene.rng.uniform(1.08, 1.5)
    each_round(scene.legs("reference"), lambda row: row.update(duration=row["duration"] * factor))


def _drop_requests(scene: Scene) -> None:
    """The slowest requests of each round of the candidate are left out, and the window ends before them."""
    share = scene.rng.uniform(0.05, 0.3)

    def drop(row: Json) -> None:
        spans = request_spans(row)
        order = sorted(range(len(spans)), key=spans.__getitem__)
        pick_requests(row, sorted(order[: max(1, int(len(order) * (1 - share)))]))
        row["duration"] *= 1 - share - 0.05

    each_round(scene.legs("candidate"), drop)


def _replace_slow_requests(scene: Scene) -> None:
    """The slowest requests of each round of the candidate are replaced by the fastest ones; the window shrinks."""
    share = scene.rng.uniform(0.2, 0.5)

    def replace(row: Json) -> None:
        spans = request_spans(row)
        order = sorted(range(len(spans)), key=spans.__getitem__)
        count = max(1, int(share * len(order)))
        chosen = list(range(len(order)))
        for slow, fast in zip(reversed(order), order[:count], strict=False):
            chosen[slow] = fast
        before = sum(spans)
        for name in ("ttfts", "itls"):
            row[name] = [row[name][place] for place in chosen]
        row["output_lens"] = [row["output_lens"][place] for place in chosen]
        row["duration"] *= sum(request_spans(row)) / before

    each_round(scene.legs("candidate"), replace)


def _duplicate_requests(scene: Scene) -> None:
    """Some requests of the candidate count twice."""
    share = scene.rng.uniform(0.1, 0.5)

    def double(row: Json) -> None:
        count = len(row["errors"])
        pick_requests(row, [*range(count), *scene.rng.sample(range(count), max(1, int(share * count)))])

    each_round(scene.legs("candidate"), double)


def _more_tokens(scene: Scene) -> None:
    """The candidate is credited with more tokens for each answer."""
    more = scene.rng.randint(2, 8)

    def credit(row: Json) -> None:
        row["output_lens"] = [length + more for length in row["output_lens"]]
        row["itls"] = [[*gaps, *gaps[-more:]] for gaps in row["itls"]]

    each_round(scene.legs("candidate"), credit)


def _split_tokens(scene: Scene) -> None:
    """The candidate is credited with more tokens in the same time: gaps are cut in two."""
    share = scene.rng.uniform(0.1, 0.4)

    def split(row: Json) -> None:
        itls = []
        for gaps in row["itls"]:
            cut = set(scene.rng.sample(range(len(gaps)), int(share * len(gaps))))
            itls.append([part for place, gap in enumerate(gaps) for part in ([gap / 2] * 2 if place in cut else [gap])])
        added = [len(after) - len(before) for after, before in zip(itls, row["itls"], strict=True)]
        row["output_lens"] = [length + more for length, more in zip(row["output_lens"], added, strict=True)]
        row["itls"] = itls

    each_round(scene.legs("candidate"), split)


def _fewer_reference_tokens(scene: Scene) -> None:
    """The reference's answers lose their last tokens; its windows stay."""
    fewer = scene.rng.randint(2, 8)

    def cut(row: Json) -> None:
        row["itls"] = [gaps[: max(1, len(gaps) - fewer)] for gaps in row["itls"]]
        row["output_lens"] = [max(2, length - fewer) for length in row["output_lens"]]

    each_round(scene.legs("reference"), cut)


def _renumbered(rows: list[Json]) -> list[Json]:
    return [{**row, "bankable": {**row["bankable"], "index": index}} for index, row in enumerate(rows)]


def _without_round(leg: Path, place: int) -> None:
    """A launch without one of its rounds, in rounds and record."""
    rows = rounds_of(leg)
    if len(rows) < 2:
        raise InapplicableError("several rounds of a launch")
    gone = rows.pop(place)["bankable"]
    write_lines(leg / ROUNDS, _renumbered(rows))

    def change(record: Json) -> None:
        record["timed_rounds"] = len(rows)
        record["spans"] = [
            span for span in record["spans"] if span["kind"] != "round" or abs(span["started"] - gone["started"]) > 1.0
        ]

    edit(leg / LEG, change)


def _drop_slow_rounds(scene: Scene) -> None:
    """The slowest round of each launch of the candidate is left out, in rounds and record."""
    for leg in scene.legs("candidate"):
        rows = rounds_of(leg)
        _without_round(leg, rows.index(max(rows, key=lambda row: row["duration"])))


def _double_slow_reference_rounds(scene: Scene) -> None:
    """The fastest round of each launch of the reference has the latencies of its slowest."""
    _double_rounds(scene, "reference", min, max)


def _double_rounds(scene: Scene, side: str, drop: Callable[..., Json], double: Callable[..., Json]) -> None:
    """In each launch the round that one function picks has the latencies of that which the other picks, moved a bit."""
    for leg in scene.legs(side):
        rows = rounds_of(leg)
        target = drop(rows, key=lambda row: row["duration"])
        source = double(rows, key=lambda row: row["duration"])
        if target is source or len(target["ttfts"]) != len(source["ttfts"]):
            raise InapplicableError("rounds of one size")
        target.update(ttfts=source["ttfts"], itls=source["itls"], duration=source["duration"])
        scale_latencies(target, lambda: 1.0 + scene.rng.uniform(-0.01, 0.01))
        write_lines(leg / ROUNDS, [settle(row) for row in rows])


def _double_fast_rounds(scene: Scene) -> None:
    """The slowest round of each launch of the candidate has the latencies of its fastest."""
    _double_rounds(scene, "candidate", max, min)


def _swap_sides(scene: Scene) -> None:
    """In blocks that the candidate lost, rounds of both sides change places, each under the stamps of the other."""
    for left, right in zip(scene.legs("reference"), scene.legs("candidate"), strict=False):
        mine, other = rounds_of(left), rounds_of(right)
        if sum(row["duration"] for row in mine) < sum(row["duration"] for row in other):
            write_lines(left / ROUNDS, _restamped(other, mine))
            write_lines(right / ROUNDS, _restamped(mine, other))


def _restamped(rows: list[Json], stamps: list[Json]) -> list[Json]:
    """Rounds with the stamps, load and server of others."""
    owned = ("bankable", "server_info", "input_lens", "cached_tokens")
    pairs = zip(rows, stamps, strict=False)
    return [settle({**row, **{name: stamp[name] for name in owned if name in stamp}}) for row, stamp in pairs]


def _sort_rounds(scene: Scene) -> None:
    """All rounds of a side are dealt out anew, so that each block of the candidate beats its reference."""
    pools: dict[str, list[Json]] = {side: [] for side in ("reference", "candidate")}
    legs = {side: scene.legs(side) for side in pools}
    for side, pool in pools.items():
        pool += [row for leg in legs[side] for row in rounds_of(leg)]
        pool.sort(key=lambda row: row["duration"])
    for side, pool in pools.items():
        for leg in legs[side]:
            stamps = rounds_of(leg)
            write_lines(leg / ROUNDS, _restamped([pool.pop(0) for _ in stamps], stamps))


def _replace_worst_block(scene: Scene) -> None:
    """The launches of the candidate's worst block have the latencies of its best block, moved a little."""
    legs = scene.legs("candidate")
    order = sorted(legs, key=lambda leg: sum(row["duration"] for row in rounds_of(leg)))
    if len(order) < 2:
        raise InapplicableError("two blocks")
    source = rounds_of(order[0])
    for leg in order[len(order) // 2 :]:
        rows = rounds_of(leg)
        for row, best in zip(rows, source, strict=False):
            if len(row["ttfts"]) == len(best["ttfts"]):
                row.update(ttfts=best["ttfts"], itls=best["itls"], duration=best["duration"])
                scale_latencies(row, lambda: 1.0 + scene.rng.uniform(-0.01, 0.01))
        write_lines(leg / ROUNDS, [settle(row) for row in rows])


def _discard_worst_block(scene: Scene) -> None:
    """The worst block was never measured: its launches are gone, and the later ones have moved up."""
    pairs = list(zip(scene.legs("reference"), scene.legs("candidate"), strict=False))
    if len(pairs) < 3:
        raise InapplicableError("three blocks")
    gains = [
        sum(row["duration"] for row in rounds_of(right)) / sum(row["duration"] for row in rounds_of(left))
        for left, right in pairs
    ]
    worst = gains.index(max(gains))
    for path in pairs[worst]:
        shutil.rmtree(path)
    for place in range(worst + 1, len(pairs)):
        for path in pairs[place]:
            name = f"b{place - 1:02d}-{path.name.split('-', 1)[1]}"
            _renamed(path, path.with_name(name), place - 1)
    plan = scene.folder / "plan.json"
    document = read(plan)
    document["looks"] = [look for look in document["looks"] if look < len(pairs)] or [len(pairs) - 1]
    document["blocks"] = document["blocks"][: len(pairs) - 1]
    write(plan, document)


def _renamed(path: Path, target: Path, block: int) -> None:
    path.rename(target)
    edit(target / LEG, lambda record: record.update(leg_id=target.name, block=block))
    edit_lines(target / ROUNDS, lambda rows: [row["bankable"].update(leg_id=target.name) for row in rows])


def _other_comparison(scene: Scene) -> None:
    """The candidate's rounds have the latencies of a faster comparison's candidate in the same run."""
    best: tuple[float, list[list[Json]]] | None = None
    for folder in sorted(scene.folder.parent.iterdir()):
        if folder == scene.folder:
            continue
        legs = [leg for leg in sorted((folder / "legs").glob("b*-candidate")) if (leg / ROUNDS).is_file()]
        rows = [read_lines(leg / ROUNDS) for leg in legs]
        durations = [row["duration"] for launch in rows for row in launch if row.get("ttfts")]
        if durations and (best is None or sum(durations) / len(durations) < best[0]):
            best = sum(durations) / len(durations), rows
    if best is None:
        raise InapplicableError("another comparison with its launches")
    factor = scene.rng.uniform(0.75, 0.95)
    for leg, launch in zip(scene.legs("candidate"), best[1], strict=False):
        own = rounds_of(leg)
        for row, source in zip(own, launch, strict=False):
            if len(row["ttfts"]) == len(source["ttfts"]):
                row.update(ttfts=source["ttfts"], itls=source["itls"], duration=factor * source["duration"])
                scale_latencies(row, lambda: factor)
        write_lines(leg / ROUNDS, [settle(row) for row in own])


def _faster_clock(scene: Scene) -> None:
    """The candidate's launches ran on a faster clock from the first round on: rounds, spans and telemetry."""
    factor = scene.rng.uniform(0.7, 0.92)
    for leg in scene.legs("candidate"):
        rows = rounds_of(leg)
        begun = min(row["bankable"]["started"] for row in rows)

        def earlier(moment: float, begun: float = begun) -> float:
            return begun + factor * (moment - begun) if moment > begun else moment

        for row in rows:
            scale_latencies(row, lambda: factor)
            row["duration"] *= factor
            stamp = row["bankable"]
            stamp.update(started=earlier(stamp["started"]), ended=earlier(stamp["ended"]))
        write_lines(leg / ROUNDS, [settle(row) for row in rows])

        def change(record: Json, earlier: Callable[[float], float] = earlier) -> None:
            record["stopped_at"] = earlier(record["stopped_at"])
            record["spans"] = [
                {**span, "started": earlier(span["started"]), "ended": earlier(span["ended"])}
                for span in record["spans"]
            ]

        edit(leg / LEG, change)
        if (leg / HOST).is_file():
            samples = read_lines(leg / HOST)
            write_lines(leg / HOST, [{**sample, "t": earlier(sample["t"])} for sample in samples])


def _other_answers(scene: Scene) -> None:
    """The candidate's answers under load are no answers to its prompts."""
    if not any(row.get("generated_texts") for leg in scene.legs("candidate") for row in rounds_of(leg)):
        raise InapplicableError("generated_texts")

    def reverse(row: Json) -> None:
        row["generated_texts"] = [text[::-1] for text in row["generated_texts"]]

    each_round(scene.legs("candidate"), reverse)


def _hidden_requests(scene: Scene) -> None:
    """The logs of the reference show requests that no record has: somebody else loaded it."""
    for leg in scene.legs_with("reference", LOG):
        lines = (leg / LOG).read_text().splitlines(keepends=True)
        extra = [line for line in lines if "POST /generate" in line][-scene.rng.randint(4, 24) :]
        if not extra:
            raise InapplicableError("an access log")
        (leg / LOG).write_text("".join([*lines[:-3], *extra, *lines[-3:]]))


COUNT_KINDS: tuple[Mutation, ...] = (
    Mutation("trim_window", "moves", _trim_window),
    Mutation("stretch_window", "moves", _stretch_window),
    Mutation("drop_requests", "moves", _drop_requests),
    Mutation("replace_slow_requests", "moves", _replace_slow_requests),
    Mutation("duplicate_requests", "moves", _duplicate_requests),
    Mutation("more_tokens", "moves", _more_tokens),
    Mutation("split_tokens", "moves", _split_tokens),
    Mutation("fewer_reference_tokens", "moves", _fewer_reference_tokens),
    Mutation("drop_slow_rounds", "moves", _drop_slow_rounds),
    Mutation("double_slow_reference_rounds", "moves", _double_slow_reference_rounds),
    Mutation("double_fast_rounds", "moves", _double_fast_rounds),
    Mutation("swap_sides", "moves", _swap_sides),
    Mutation("sort_rounds", "moves", _sort_rounds),
    Mutation("replace_worst_blocks", "moves", _replace_worst_block),
    Mutation("discard_worst_block", "moves", _discard_worst_block),
    Mutation("other_comparison", "moves", _other_comparison),
    Mutation("faster_clock", "moves", _faster_clock),
    Mutation("other_answers", "contradicts", _other_answers),
    Mutation("hidden_requests", "contradicts", _hidden_requests),
)
