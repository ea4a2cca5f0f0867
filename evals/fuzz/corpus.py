"""Seed inputs of a fuzzer: the files of an honest run, and the same with one extreme value."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import orjson

from bankable.evals.fixtures.build.run import standard_run
from bankable.evals.fuzz.targets import LINES, TARGETS, WHOLE, strange
from bankable.nodes.auditor.engine import evaluate
from bankable.tools.evidence.seal import seal

KINDS = sorted({**WHOLE, **LINES})


def write_corpus(folder: Path, name: str, seed: int = 1) -> None:
    """Inputs for one target, by code from a seed."""
    rng = random.Random(seed)
    run = standard_run(folder / "run")
    inputs = folder / "corpus"
    inputs.mkdir()
    for index, data in enumerate(_texts(run, name)):
        (inputs / f"honest-{index:03d}").write_bytes(data)
        for turn in range(3):
            (inputs / f"strange-{index:03d}-{turn}").write_bytes(mutate_json(data, rng, name))


def _texts(run: Path, name: str) -> list[bytes]:
    leg = run / "comparisons/patch-stream_interval/legs/b00-candidate"
    comparison = leg.parent.parent
    rounds = (leg / "bench_runs.jsonl").read_bytes()
    summary = {key: value for key, value in orjson.loads(rounds.splitlines()[0]).items() if not isinstance(value, list)}
    texts = {
        "rounds": [rounds, rounds.splitlines()[0]],
        "records": [
            bytes([KINDS.index(path.name)]) + path.read_bytes()[:4000]
            for path in (*sorted(leg.iterdir()), *sorted(comparison.glob("*.json")), run / "ledger.jsonl")
            if path.name in KINDS
        ],
        "arguments": [(leg / "server_info.json").read_bytes()],
        "log": [(leg / "server.log").read_bytes()],
        "tensors": [_tensors({}), _tensors({"__metadata__": {"a": "b"}})],
        "verdicts": [_verdict(run), (comparison / "claim.json").read_bytes()],
        "foreign": [
            rounds,
            orjson.dumps(summary),
            (comparison / "claim.json").read_bytes(),
            b"Metric,avg,min,max,p99,p50\nTime to First Token (ms),1.0,1.0,1.0,1.0,1.0\n\nMetric,Value\n"
            b"Output Token Throughput (tokens/sec),100.0\n",
            b'{"metadata":{"request_start_ns":1,"request_end_ns":2000000},"metrics":{}}\n',
            b'{"benchmarks":[{"metrics":{}}]}',
        ],
    }
    assert set(texts) == set(TARGETS)
    return texts[name]


def _tensors(more: dict[str, Any]) -> bytes:
    header = orjson.dumps({"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, **more})
    return len(header).to_bytes(8, "little") + header + bytes(8)


def _verdict(run: Path) -> bytes:
    sealed = seal(run, "patch", "patch-stream_interval", 1, run.parent / "sealed")
    try:
        return evaluate(sealed.folder).to_bytes()
    finally:
        sealed.discard()


def mutate_json(data: bytes, rng: random.Random, name: str) -> bytes:
    """One value of one JSON text replaced, doubled or dropped; bytes that are no JSON stay as they are."""
    head, body = (data[:1], data[1:]) if name == "records" else (b"", data)
    lines = body.split(b"\n")
    place = rng.randrange(len(lines))
    for text, put in ((body, None), (lines[place], place)):
        try:
            value = orjson.loads(text)
        except ValueError:
            continue
        if not isinstance(value, dict | list) or not value:
            continue
        _change(value, rng)
        changed = _doubled(orjson.dumps(value), rng)
        return head + (changed if put is None else b"\n".join([*lines[:put], changed, *lines[put + 1 :]]))
    return data


def _change(value: Any, rng: random.Random) -> None:
    place = rng.choice(list(value) if isinstance(value, dict) else range(len(value)))
    if isinstance(value[place], dict | list) and value[place] and rng.random() < 0.7:
        _change(value[place], rng)
    elif rng.random() < 0.1:
        del value[place]
    else:
        value[place] = rng.choice(strange())


def _doubled(text: bytes, rng: random.Random) -> bytes:
    """Occasionally duplicate the first key, and insert a number that only text can hold."""
    if rng.random() < 0.1 and text.startswith(b'{"'):
        text = text[:-1] + b"," + text[1 : text.find(b":")] + b":1}"
    return text.replace(b":1,", b":1e400,", 1) if rng.random() < 0.05 else text
