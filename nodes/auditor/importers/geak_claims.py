"""What GEAK's e2e workflow says about its legs: all of it claims, to be held against ``bench_runs.jsonl``.

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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bankable.nodes.auditor.importers.documents import number, part
from bankable.nodes.auditor.reading.launch_args import parse
from bankable.nodes.auditor.reading.reader import Json, Reader
from bankable.tools.evidence.records import Lever, Scalar
from bankable.tools.levers import server_arguments

Side = Literal["reference", "candidate"]
OUTPUT_BASIS = "aggregate_output_tok_s"
_FIGURES: tuple[tuple[Side, str, tuple[tuple[str, ...], ...]], ...] = (
    ("reference", "output_throughput", (("ref_med",), ("e2e", "ref_median_tok_s"), ("baseline_throughput_tok_s",))),
    (
        "candidate",
        "output_throughput",
        (("cand_med",), ("e2e", "cand_median_tok_s"), ("director_verified_throughput_tok_s",)),
    ),
    ("reference", "median_ttft_ms", (("e2e", "ttft_ms_ref"),)),
    ("candidate", "median_ttft_ms", (("e2e", "ttft_ms_cand"),)),
    ("reference", "median_tpot_ms", (("e2e", "tpot_ms_ref"),)),
    ("candidate", "median_tpot_ms", (("e2e", "tpot_ms_cand"),)),
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
_SIDES: Mapping[str, Side] = {"ref": "reference", "base": "reference", "cand": "candidate", "final": "candidate"}
_KERNELS = ("patch", "authored", "patch_candidate")
_MAX_STATED = 200


@dataclass(frozen=True)
class Said:
    """A figure of one leg, or the gain as a fraction (``name`` is ``gain``, no side)."""

    file: str
    name: str
    value: float
    side: Side | None = None


@dataclass(frozen=True)
class Stated:
    """A serving condition that a summary asserts; no side means both legs."""

    file: str
    name: str
    value: str
    side: Side | None = None


@dataclass(frozen=True)
class GeakBenchmark:
    """``opbench_result.json``: an operator's backends timed in isolation. Times in ms."""

    file: str
    winner: str | None
    winner_ms: float | None
    baseline: str | None
    baseline_ms: float | None
    speedup: float | None
    suspect: bool


@dataclass(frozen=True)
class GeakClaims:
    """Everything that the summaries assert."""

    figures: tuple[Said, ...] = ()
    conditions: tuple[Stated, ...] = ()
    lever: Lever | None = None
    kernel: bool = False
    """The change is reported as a kernel's speed-up."""
    isolated: tuple[Said, ...] = ()
    """Isolated speed-ups as factors."""
    share: float | None = None
    """Percent of GPU time of the changed operator."""
    crashed: tuple[str, ...] = ()
    """Summaries that say that the candidate's server died."""
    benchmarks: tuple[GeakBenchmark, ...] = ()


def read_claims(reader: Reader, names: tuple[str, ...]) -> GeakClaims:
    """Put the summaries together. Unknown fields are ignored, null fields are not lies (D06)."""
    figures: list[Said] = []
    conditions: list[Stated] = []
    isolated: list[Said] = []
    crashed: list[str] = []
    benchmarks: list[GeakBenchmark] = []
    lever: Lever | None = None
    share: float | None = None
    kernel = False
    for name in names:
        record = reader.document(name)
        if record is None:
            continue
        if "results" in record and "winner_backend" in record:
            benchmarks.append(_benchmark(name, record))
            continue
        figures += _figures(name, record)
        conditions += _stated(name, record)
        speedup = number(record.get("isolated_speedup"))
        isolated += [Said(name, "isolated_speedup", speedup)] if speedup is not None else []
        share = share if share is not None else number(record.get("pct_gpu_time"))
        kernel = kernel or record.get("winner_kind") in _KERNELS or bool(speedup and speedup > 1)
        lever = lever or _lever(record)
        if record.get("cand_crashed") is True:
            crashed.append(name)
    return GeakClaims(
        tuple(figures), tuple(conditions), lever, kernel, tuple(isolated), share, tuple(crashed), tuple(benchmarks)
    )


def summary_figures(record: Json) -> dict[str, float]:
    """Figures of a ``bench_summary.json``, under the names used here; only those on the basis of output tokens."""
    basis = record.get("metric_basis", OUTPUT_BASIS)
    named = {"median_ttft_ms": "ttft_ms_median", "median_tpot_ms": "tpot_ms_median"}
    if basis == OUTPUT_BASIS:
        named["output_throughput"] = "output_throughput_tok_s_median"
        if number(record.get("output_throughput_tok_s_median")) is None:
            named["output_throughput"] = "throughput_tok_s_median"
    found = {name: number(record.get(field)) for name, field in named.items()}
    return {name: value for name, value in found.items() if value is not None}


def _figures(file: str, record: Json) -> Iterator[Said]:
    for side, name, places in _FIGURES:
        value = next((found for place in places if (found := number(part(record, *place))) is not None), None)
        if value is not None:
            yield Said(file, name, value, side)
    percent = number(record.get("e2e_delta_pct"))
    percent = percent if percent is not None else number(part(record, "e2e", "delta_pct"))
    if percent is not None:
        yield Said(file, "gain", percent / 100.0)
    factor = number(record.get("throughput_speedup"))
    if factor is not None:
        yield Said(file, "gain", factor - 1.0)


def _stated(file: str, record: Json) -> list[Stated]:
    found: list[Stated] = []
    known = server_arguments() | set(_ALIASES.values())
    stack: list[tuple[tuple[str, ...], Any, bool]] = [
        ((key,), value, key in _CONDITIONS) for key, value in record.items()
    ]
    while stack and len(found) < _MAX_STATED:
        path, value, inside = stack.pop()
        if isinstance(value, dict):
            stack += [((*path, str(key)), entry, inside or key in _CONDITIONS) for key, entry in value.items()]
        elif inside and isinstance(value, str | int | float):
            name = _ALIASES.get(path[-1], path[-1])
            if name in known:
                found.append(Stated(file, name, str(value)[:200], _side(path)))
    return sorted(found, key=lambda it: (it.name, it.side or "", it.value))


def _side(path: tuple[str, ...]) -> Side | None:
    words = [word for step in path for word in step.lower().split("_")]
    return next((side for start, side in _SIDES.items() if any(word.startswith(start) for word in words)), None)


def _lever(record: Json) -> Lever | None:
    """Flags and variables that the change consists of. A patched kernel alone declares none, and says so."""
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


def _benchmark(file: str, record: Json) -> GeakBenchmark:
    def name(key: str) -> str | None:
        value = record.get(key)
        return value if isinstance(value, str) and value else None

    return GeakBenchmark(
        file,
        name("winner_backend"),
        number(record.get("winner_ms")),
        name("baseline_backend"),
        number(record.get("baseline_ms")),
        number(record.get("isolated_speedup")),
        record.get("harness_suspect") is True,
    )
