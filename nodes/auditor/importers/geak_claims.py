"""Reads the claims of GEAK's e2e workflow about its legs, to be compared with ``bench_runs.jsonl``.

Format: AMD-AGI/GEAK, directory ``e2e_workflow``. ``roles/e2e_integrator.md`` (commit 0165d32a) names the fields of
``integrate_result.json``; ``interface/test_run_e2e_recovery.py`` shows that they also come nested under ``e2e`` and
``accepted_config``. ``roles/director.md`` (commit 0a3da739) names those of ``director_e2e_validation.json``.
``scripts/bench_summarize.py`` (commit 0505c497) writes ``bench_summary.json``, ``scripts/op_bench.py`` (commit
1f6a410e) ``opbench_result.json`` and ``scripts/parse_profile.py`` (commit 368b4884) ``profile_topN.json``.

Not known: language models write the first two files, so more fields than documented appear. Where the director states
serving conditions (reported as ``serving_invariant``; the tests have ``serving_config``) has no schema: any scalar
under such a key whose name is a server argument is taken as a statement about both legs, unless its path names one.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from bankable.nodes.auditor.importers.documents import number, part
from bankable.nodes.auditor.reading.claims import BenchmarkSummary, StatedCondition, StoredClaim
from bankable.nodes.auditor.reading.launch_args import parse
from bankable.nodes.auditor.reading.reader import Json, Reader
from bankable.tools.evidence.records import Lever, Scalar, Side
from bankable.tools.levers import server_arguments

OUTPUT_BASIS = "aggregate_output_tok_s"
OPERATOR = "operator"
"""Name of the changed operator where a summary gives none."""
_FIGURES: tuple[tuple[Side, str, tuple[tuple[str, ...], ...]], ...] = (
    (Side.REFERENCE, "output_throughput", (("ref_med",), ("e2e", "ref_median_tok_s"), ("baseline_throughput_tok_s",))),
    (
        Side.CANDIDATE,
        "output_throughput",
        (("cand_med",), ("e2e", "cand_median_tok_s"), ("director_verified_throughput_tok_s",)),
    ),
    (Side.REFERENCE, "median_ttft_ms", (("e2e", "ttft_ms_ref"),)),
    (Side.CANDIDATE, "median_ttft_ms", (("e2e", "ttft_ms_cand"),)),
    (Side.REFERENCE, "median_tpot_ms", (("e2e", "tpot_ms_ref"),)),
    (Side.CANDIDATE, "median_tpot_ms", (("e2e", "tpot_ms_cand"),)),
)
_ALIASES = {
    "mem": "mem_fraction_static",
    "mem_fraction": "mem_fraction_static",
    "tp": "tp_size",
    "ep": "ep_size",
    "dp": "dp_size",
    "kv_tokens": "max_total_num_tokens",
    "max_total_num_tokens": "max_total_num_tokens",
}
_CONDITIONS = ("serving_invariant", "serving_config", "serving_conditions", "invariant", "invariants")
_SIDES: Mapping[str, Side] = {
    "ref": Side.REFERENCE,
    "base": Side.REFERENCE,
    "cand": Side.CANDIDATE,
    "final": Side.CANDIDATE,
}
_KERNELS = ("patch", "authored", "patch_candidate")
_MAX_STATED = 200


def read_claims(reader: Reader, names: tuple[str, ...]) -> tuple[tuple[StoredClaim, ...], tuple[BenchmarkSummary, ...]]:
    """Claims and operator benchmarks of these files. Unknown fields are ignored; null fields claim nothing (D06)."""
    claims: list[StoredClaim] = []
    benchmarks: list[BenchmarkSummary] = []
    for name in names:
        record = reader.document(name)
        if record is None:
            continue
        if "results" in record and "winner_backend" in record:
            benchmarks.append(_benchmark(name, record))
        else:
            claims.append(_claim(name, record))
    return tuple(claims), tuple(benchmarks)


def summary_figures(record: Json) -> dict[str, float]:
    """Figures of a ``bench_summary.json``, under the names used here; only those on the basis of output tokens."""
    if "all_throughput" not in record:
        return {}
    basis = record.get("metric_basis", OUTPUT_BASIS)
    named = {"median_ttft_ms": "ttft_ms_median", "median_tpot_ms": "tpot_ms_median"}
    if basis == OUTPUT_BASIS:
        named["output_throughput"] = "output_throughput_tok_s_median"
        if number(record.get("output_throughput_tok_s_median")) is None:
            named["output_throughput"] = "throughput_tok_s_median"
    figures = {name: number(record.get(field)) for name, field in named.items()}
    return {name: value for name, value in figures.items() if value is not None}


def _claim(file: str, record: Json) -> StoredClaim:
    operator = _name(record, "short_name") or OPERATOR
    speedup, share = number(record.get("isolated_speedup")), number(record.get("pct_gpu_time"))
    return StoredClaim(
        file,
        _figures(record),
        _delta(record),
        tuple(_read_stated(record)),
        isolated={} if speedup is None else {operator: speedup},
        shares={} if share is None else {operator: share / 100.0},
        lever=_lever(record),
        kernel=record.get("winner_kind") in _KERNELS or bool(speedup and speedup > 1),
        crashed=record.get("cand_crashed") is True,
    )


def _figures(record: Json) -> dict[Side, dict[str, float | None]]:
    figures: dict[Side, dict[str, float | None]] = {side: {} for side in Side}
    for side, name, places in _FIGURES:
        value = next(
            (found_value for place in places if (found_value := number(part(record, *place))) is not None), None
        )
        if value is not None:
            figures[side][name] = value
    return figures


def _delta(record: Json) -> float | None:
    """The gain as a fraction."""
    percent = number(record.get("e2e_delta_pct"))
    percent = percent if percent is not None else number(part(record, "e2e", "delta_pct"))
    factor = number(record.get("throughput_speedup"))
    if percent is not None:
        return percent / 100.0
    return factor - 1.0 if factor is not None else None


def _read_stated(record: Json) -> list[StatedCondition]:
    conditions: list[StatedCondition] = []
    arguments = server_arguments() | set(_ALIASES.values())
    stack: list[tuple[tuple[str, ...], Any, bool]] = [
        ((key,), value, key in _CONDITIONS) for key, value in record.items()
    ]
    while stack and len(conditions) < _MAX_STATED:
        path, value, inside = stack.pop()
        if isinstance(value, dict):
            stack += [((*path, str(key)), entry, inside or key in _CONDITIONS) for key, entry in value.items()]
        elif inside and isinstance(value, str | int | float):
            name = _ALIASES.get(path[-1], path[-1])
            if name in arguments:
                conditions.append(StatedCondition(name, str(value)[:200], _side(path)))
    return sorted(conditions, key=lambda item: (item.name, item.side or "", item.value))


def _side(path: tuple[str, ...]) -> Side | None:
    words = [word for step in path for word in step.lower().split("_")]
    return next((side for start, side in _SIDES.items() if any(word.startswith(start) for word in words)), None)


def _lever(record: Json) -> Lever | None:
    """Flags and variables of the change. A patched kernel alone declares none, which the claim states."""
    accepted = record.get("accepted_config")
    place: Json = accepted if isinstance(accepted, dict) else record
    flags = _text(place, "apply_flags", "flags")
    env = _text(place, "apply_env", "env")
    if not flags and not env and "winner_kind" not in record:
        return None
    names: dict[str, Scalar] = {}
    for name, value in parse(_words(flags))[0].items():
        names[_ALIASES.get(name, name)] = value or True
    pairs = dict(word.split("=", 1) for word in _words(env) if "=" in word)
    return Lever(flags=names, env=pairs)


def _text(record: Json, *names: str) -> str:
    return next((value for name in names if isinstance(value := record.get(name), str) and value), "")


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text[:10_000])
    except ValueError:
        return text[:10_000].split()


def _benchmark(file: str, record: Json) -> BenchmarkSummary:
    return BenchmarkSummary(
        file,
        _name(record, "winner_backend"),
        number(record.get("winner_ms")),
        _name(record, "baseline_backend"),
        number(record.get("baseline_ms")),
        number(record.get("isolated_speedup")),
        record.get("harness_suspect") is True,
    )


def _name(record: Json, key: str) -> str | None:
    value = record.get(key)
    return value[:200] if isinstance(value, str) and value else None
