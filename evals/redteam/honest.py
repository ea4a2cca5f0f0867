"""Changes that no rule may accuse: the same run written by another version, on another day or on a busier machine."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import orjson

from bankable.evals.fixtures.build.edits import later
from bankable.evals.fixtures.build.files import Json, edit, edit_each, edit_lines, read, read_lines, write_lines
from bankable.evals.redteam.mutation import MEASURED, OPERATOR, Mutation
from bankable.evals.redteam.rows import pick_requests
from bankable.evals.redteam.scene import (
    HOST,
    INFO,
    LEG,
    LOG,
    OPERATOR_ROWS,
    OUTPUTS,
    ROUNDS,
    InapplicableError,
    Scene,
    each_round,
    rounds_of,
    spans_of,
)

DAYS = 5
_STAMP = re.compile(r"(?m)^\[(\d{4}-\d\d)-(\d\d) ")


def _runs_legs(scene: Scene, name: str = LEG) -> list[Path]:
    """Every launch of the run that has a file: changes of a whole run leave no comparison out."""
    return sorted(path.parent for path in scene.folder.parent.glob(f"*/legs/*/{name}"))


def _reorder_requests(scene: Scene) -> None:
    """Requests of every round are listed in another order."""

    def shuffle(row: Json) -> None:
        order = list(range(len(row["errors"])))
        scene.rng.shuffle(order)
        pick_requests(row, order)

    each_round(scene.both(), shuffle)


def _reorder_rounds(scene: Scene) -> None:
    """Rounds are listed in another order, each with its own index."""
    for leg in scene.both():
        edit_lines(leg / ROUNDS, scene.rng.shuffle)


def _unknown_leg_fields(scene: Scene) -> None:
    name = f"field_{scene.rng.randrange(1000)}"
    for leg in scene.both():
        edit(leg / LEG, lambda record: record.update({name: 1}))


def _unknown_fields_everywhere(scene: Scene) -> None:
    """A later version writes a field more in every record of a launch, of the plan and of the claim."""
    name, value = f"field_{scene.rng.randrange(1000)}", scene.rng.choice((1, "text", [1, 2], {"a": 1.5}, None))
    for leg in scene.both():
        edit(leg / LEG, lambda record: record.update({name: value}))
        edit_each(leg / ROUNDS, lambda row: row.update({name: value}))
        edit_each(leg / ROUNDS, lambda row: row["bankable"].update({name: value}))
        for lines in (HOST, OUTPUTS, "accuracy.jsonl", "engagement.jsonl"):
            if (leg / lines).is_file():
                edit_each(leg / lines, lambda line: line.update({name: value}))
    for file in ("plan.json", "claim.json"):
        edit(scene.folder / file, lambda document: document.update({name: value}))


def _lost_samples(scene: Scene) -> None:
    """A busy machine misses a few samples."""
    for leg in scene.both():
        if (leg / HOST).is_file():
            place = scene.rng.randrange(2, 8)
            samples = read_lines(leg / HOST)
            write_lines(leg / HOST, [*samples[:place], *samples[place + 2 :]])


def _time_zone(scene: Scene) -> None:
    """Logs are written in another time zone, on the same day."""
    for leg in scene.both():
        if not (leg / LOG).is_file():
            continue
        text = (leg / LOG).read_text()
        moved = re.sub(
            r"(?m)^(\[\d{4}-\d\d-\d\d )(\d\d)", lambda match: f"{match[1]}{(int(match[2]) + 1) % 24:02d}", text
        )
        (leg / LOG).write_text(text if re.search(r"(?m)^\[\d{4}-\d\d-\d\d 23", text) else moved)


def _renamed_host(scene: Scene) -> None:
    """The machine has another name throughout the run."""
    name = f"machine-{scene.rng.randrange(1000)}"
    for leg in _runs_legs(scene):
        edit(leg / LEG, lambda record: record.update(host=name))
    for path in scene.folder.parents[1].glob("ops/*/bench-*/measurement.json"):
        edit(path, lambda record: record.update(host=name))


def _another_boot(scene: Scene) -> None:
    """The kernel's id of this boot is another one throughout the run."""
    name = f"{scene.rng.getrandbits(64):016x}"
    for leg in _runs_legs(scene):
        edit(leg / LEG, lambda record: record.update(boot_id=name))


def _later_in_the_month(scene: Scene) -> None:
    """The whole run took place some days later: records, rounds, telemetry and logs."""
    days = scene.rng.randint(1, DAYS)
    legs = _runs_legs(scene)
    if any(not (leg / HOST).is_file() or read(leg / LEG)["ready_at"] is None for leg in legs):
        raise InapplicableError("telemetry of every launch")
    stamps = [match for leg in _runs_legs(scene, LOG) for match in _STAMP.finditer((leg / LOG).read_text())]
    if any(int(match[2]) + days > 30 for match in stamps):
        raise InapplicableError("days within a month")
    for leg in legs:
        later(leg, 86_400.0 * days)
        if (leg / LOG).is_file():
            text = (leg / LOG).read_text()
            (leg / LOG).write_text(_STAMP.sub(lambda match: f"[{match[1]}-{int(match[2]) + days:02d} ", text))


def _spaced_json(scene: Scene) -> None:
    """Records are written with other spaces, and keys in another order."""
    for leg in scene.both():
        for name in (LEG, INFO):
            if (leg / name).is_file():
                document = orjson.loads((leg / name).read_bytes())
                keys = list(document)
                scene.rng.shuffle(keys)
                (leg / name).write_bytes(orjson.dumps({key: document[key] for key in keys}))
        rows = [orjson.dumps(row, option=orjson.OPT_SORT_KEYS) for row in read_lines(leg / ROUNDS)]
        (leg / ROUNDS).write_bytes(b"\n\n".join(rows) + b"\n")


def _rounded_latencies(scene: Scene) -> None:
    """The load generator writes latencies in whole microseconds."""

    def rounded(row: Json) -> None:
        row["ttfts"] = [round(value, 6) for value in row["ttfts"]]
        row["itls"] = [[round(value, 6) for value in gaps] for gaps in row["itls"]]

    each_round(scene.both(), rounded)


def _talkative_log(scene: Scene) -> None:
    """Logs have lines more that say nothing of the load."""
    words = ("cache statistics are fine", "no error so far", "the watchdog is idle", "heartbeat")
    for leg in scene.both():
        if (leg / LOG).is_file():
            lines = (leg / LOG).read_text().splitlines(keepends=True)
            for _ in range(20):
                place = scene.rng.randrange(1, len(lines) + 1)
                stamp = lines[place - 1][:21] if lines[place - 1].startswith("[") else ""
                lines.insert(place, f"{stamp} {scene.rng.choice(words)}\n" if stamp else "heartbeat\n")
            (leg / LOG).write_text("".join(lines))


def _small_tenants(scene: Scene) -> None:
    """Other programs use three hundredths of a core on both sides."""
    tenant = {"pid": 77, "name": "cron", "cpu_percent": 3.0}
    for leg in scene.both():
        if (leg / HOST).is_file():
            edit_each(leg / HOST, lambda sample: sample.update(tenants=[*sample["tenants"], tenant]))


def _no_clocks(scene: Scene) -> None:
    """The system reports no clock and no temperature, on either side."""
    for leg in scene.both():
        if (leg / HOST).is_file():
            edit_each(leg / HOST, lambda sample: sample.update(cpu_mhz=None, temperature_c=None))


def _wandering_clock(scene: Scene) -> None:
    """The processor's clock wanders by two per cent, on both sides."""
    for leg in scene.both():
        if (leg / HOST).is_file():
            edit_each(
                leg / HOST,
                lambda sample: sample.update(
                    cpu_mhz=sample["cpu_mhz"] * scene.rng.uniform(0.98, 1.02) if sample.get("cpu_mhz") else None
                ),
            )


def _without_texts(scene: Scene) -> None:
    """The load generator keeps no answers, on either side."""
    for leg in scene.both():
        rows = rounds_of(leg)
        for row in rows:
            row.pop("generated_texts", None)
        write_lines(leg / ROUNDS, rows)


def _one_failed(scene: Scene) -> None:
    """One request of one round failed on each launch."""

    for leg in scene.both():
        rows = rounds_of(leg)
        row = scene.rng.choice(rows)
        place = scene.rng.randrange(len(row["errors"]))
        row["errors"][place] = "connection reset"
        row["output_lens"][place], row["ttfts"][place], row["itls"][place] = 0, 0.0, []
        if row.get("generated_texts"):
            row["generated_texts"][place] = ""
        write_lines(leg / ROUNDS, rows)
        each_round([leg], lambda _: None)


def _slow_client(scene: Scene) -> None:
    """The load generator takes a little longer to start, on both sides."""
    stamps = sorted(span for leg in scene.both() for span in spans_of(leg))
    gaps = [after[0] - before[1] for before, after in pairwise(stamps) if after[0] > before[1]]
    seconds = min(0.15, 0.5 * min(gaps, default=0.0))
    if seconds < 0.01:
        raise InapplicableError("pauses between rounds")
    for leg in scene.both():
        started = {row["bankable"]["started"] for row in rounds_of(leg)}
        edit_each(leg / ROUNDS, lambda row: row["bankable"].update(started=row["bankable"]["started"] - seconds))

        def earlier(record: Json, started: set[float] = started) -> None:
            for span in record["spans"]:
                if span["kind"] == "round" and any(abs(span["started"] - moment) < 1.0 for moment in started):
                    span["started"] -= seconds

        edit(leg / LEG, earlier)


def _rows_in_other_order(scene: Scene) -> None:
    """Rows of an operator's benchmark are listed in another order."""
    edit_lines(scene.bench / OPERATOR_ROWS, scene.rng.shuffle)


def _spaced_rows(scene: Scene) -> None:
    rows = [orjson.dumps(row, option=orjson.OPT_SORT_KEYS) for row in read_lines(scene.bench / OPERATOR_ROWS)]
    (scene.bench / OPERATOR_ROWS).write_bytes(b"\n".join(rows) + b"\n")


def _longer_rows(scene: Scene) -> None:
    """Rows take some milliseconds longer around their samples."""
    milliseconds = scene.rng.uniform(0.1, 0.9)
    edit_each(scene.bench / OPERATOR_ROWS, lambda row: row.update(started=row["started"] - milliseconds / 1000.0))


_CHANGES: tuple[tuple[str, Callable[[Scene], object]], ...] = (
    ("requests-in-another-order", _reorder_requests),
    ("rounds-in-another-order", _reorder_rounds),
    ("unknown-fields-of-launches", _unknown_leg_fields),
    ("unknown-fields-everywhere", _unknown_fields_everywhere),
    ("samples-lost", _lost_samples),
    ("another-time-zone", _time_zone),
    ("another-host-name", _renamed_host),
    ("another-boot", _another_boot),
    ("some-days-later", _later_in_the_month),
    ("other-spaces-and-keys", _spaced_json),
    ("latencies-rounded", _rounded_latencies),
    ("talkative-logs", _talkative_log),
    ("small-tenants", _small_tenants),
    ("no-clocks", _no_clocks),
    ("wandering-clocks", _wandering_clock),
    ("no-texts", _without_texts),
    ("one-failed-request-on-each-launch", _one_failed),
    ("slow-client", _slow_client),
)

HONEST_KINDS: tuple[Mutation, ...] = (
    *(Mutation(name, "honest", apply, None, MEASURED) for name, apply in _CHANGES),
    Mutation("operator-rows-in-another-order", "honest", _rows_in_other_order, None, OPERATOR),
    Mutation("operator-rows-with-other-spaces", "honest", _spaced_rows, None, OPERATOR),
    Mutation("operator-rows-a-little-longer", "honest", _longer_rows, None, OPERATOR),
)
