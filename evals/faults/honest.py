"""Honest changes: the same measurement in another representation. They must not change any verdict."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import orjson

from bankable.evals.faults.fault import FaultTarget
from bankable.evals.fixtures.build.edits import info, later, record
from bankable.evals.fixtures.build.files import Json, edit, edit_each, read, read_lines, setting, write_lines
from bankable.evals.fixtures.build.run import enter_all

PER_REQUEST = ("input_lens", "output_lens", "ttfts", "itls", "errors", "cached_tokens", "generated_texts")
JSON_LINES = ("bench_runs.jsonl", "host.jsonl", "outputs.jsonl", "accuracy.jsonl", "engagement.jsonl")


@dataclass(frozen=True)
class Honest:
    """One honest change."""

    name: str
    change: Callable[[FaultTarget, Random], FaultTarget | None]
    """Changes the run in place; returns the subject's name where that has changed."""

    def apply(self, target: FaultTarget, seed: int) -> FaultTarget:
        """Apply it, enter the changed files into the ledger, and return what is to be judged."""
        changed = self.change(target, Random(f"{self.name}-{seed}")) or target
        enter_all(target.run)
        return changed


def _legs(target: FaultTarget) -> list[Path]:
    """Launches of the judged comparison, and of the control."""
    names = dict.fromkeys((target.subject, target.control))
    return [leg for name in names for leg in sorted((target.run / "comparisons" / name).glob("legs/*"))]


def _requests_in_another_order(target: FaultTarget, rng: Random) -> None:
    for leg in _legs(target):
        lines = read_lines(leg / "bench_runs.jsonl")
        for row in lines:
            order = rng.sample(range(len(row["output_lens"])), len(row["output_lens"]))
            for name in PER_REQUEST:
                if isinstance(row.get(name), list) and len(row[name]) == len(order):
                    row[name] = [row[name][index] for index in order]
        write_lines(leg / "bench_runs.jsonl", lines)


def _probes_in_another_order(target: FaultTarget, rng: Random) -> None:
    for leg in _legs(target):
        for name in ("outputs.jsonl", "accuracy.jsonl", "engagement.jsonl"):
            if (leg / name).is_file():
                lines = read_lines(leg / name)
                rng.shuffle(lines)
                write_lines(leg / name, lines)


def _unknown_fields(target: FaultTarget, rng: Random) -> None:
    """Fields that a later engine or load generator might add. Records of this project have a strict version."""
    value = {"nested": [rng.random(), None, {"text": "ünïcode"}]}
    for leg in _legs(target):
        edit_each(leg / "bench_runs.jsonl", lambda row: row.update(of_a_later_version=value))
        info(leg, of_a_later_version=value)


def _other_ports(target: FaultTarget, rng: Random) -> None:
    for leg in _legs(target):
        before, now = str(read(leg / "server_info.json").get("port")), rng.randrange(20_000, 60_000)
        info(leg, port=now, random_seed=rng.getrandbits(20))
        argv = [str(now) if word == before else word for word in read(leg / "leg.json")["argv"]]
        record(leg, setting(argv=argv))


def _another_day(target: FaultTarget, rng: Random) -> None:
    shift = float(rng.randrange(1, 300) * 86_400)
    for leg in (path for folder in (target.run / "comparisons").iterdir() for path in sorted(folder.glob("legs/*"))):
        later(leg, shift)


def _another_host(target: FaultTarget, rng: Random) -> None:
    name = f"node-{rng.randrange(1000)}"
    for leg in _legs(target):
        record(leg, lambda document: document.update(host=name, boot_id="another-boot"))


def _keys_in_another_order(target: FaultTarget, rng: Random) -> None:
    """Every object of every record with its keys shuffled, as another JSON writer may write them."""
    del rng
    for leg in _legs(target):
        for path in leg.iterdir():
            if path.suffix == ".json":
                path.write_bytes(orjson.dumps(_turned(read(path))))
            elif path.name in JSON_LINES:
                write_lines(path, [_turned(line) for line in read_lines(path)])


def _turned(value: Json) -> Json:
    return {name: _turned(part) if isinstance(part, dict) else part for name, part in reversed(value.items())}


def _other_json_writer(target: FaultTarget, rng: Random) -> None:
    """Spaces, escapes in place of letters, and some blank lines; the same values."""
    for leg in _legs(target):
        for name in JSON_LINES:
            if (leg / name).is_file():
                lines = [json.dumps(line, ensure_ascii=True) for line in read_lines(leg / name)]
                text = "".join(f"{line}\n" + ("\n" if rng.random() < 0.3 else "") for line in lines)
                (leg / name).write_text(text, encoding="ascii")


def _another_run_id(target: FaultTarget, rng: Random) -> None:
    name = f"run-{rng.getrandbits(32):08x}"
    edit(target.run / "run.json", lambda document: document.update(run_id=name))
    for path in (target.run / "comparisons").glob("*/*.json"):
        edit(path, lambda document: document.update(run_id=name))
    for path in (target.run / "comparisons").glob("*/legs/*/leg.json"):
        edit(path, lambda document: document.update(run_id=name))


def _renamed_comparison(target: FaultTarget, rng: Random) -> FaultTarget:
    """The subject under another name, changed in every record."""
    name = f"{target.subject}-{rng.randrange(1000)}"
    folder = target.run / "comparisons" / target.subject
    edit(folder / "plan.json", lambda document: document.update(name=name))
    edit(folder / "claim.json", lambda document: document.update(comparison=name))
    for leg in folder.glob("legs/*"):
        record(leg, lambda document: document.update(comparison=name))
    folder.rename(folder.with_name(name))
    return replace(target, subject=name)


HONEST: tuple[Honest, ...] = (
    Honest("requests-in-another-order", _requests_in_another_order),
    Honest("probes-in-another-order", _probes_in_another_order),
    Honest("unknown-fields", _unknown_fields),
    Honest("other-ports", _other_ports),
    Honest("another-day", _another_day),
    Honest("another-host", _another_host),
    Honest("keys-in-another-order", _keys_in_another_order),
    Honest("other-json-writer", _other_json_writer),
    Honest("another-run-id", _another_run_id),
    Honest("renamed-comparison", _renamed_comparison),
)
