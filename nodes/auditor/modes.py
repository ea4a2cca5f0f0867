"""Every known way in which a claimed win turns out false, and the record that decides it.

``key`` is what the mode does to a verdict: ``F`` the measurement is invalid or unsafe, ``g`` the win may be real and
the headline is wrong, ``u`` it cannot be decided from such evidence, ``-`` it is harmless once it is shown to be so.
Which rule decides a mode is not written here: rules name their modes, and the index joins the two.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from bankable.nodes.auditor.rule import Rule

Key = Literal["F", "g", "u", "-", "F/g"]


@dataclass(frozen=True)
class Mode:
    """One failure mode."""

    id: str
    """Letter of its group and two digits."""
    key: Key
    title: str
    record: str
    """The record that decides it."""


_INFO = "resolved server arguments of both legs"
_ARGV = "command line and environment of every leg"
_ROUNDS = "per-request lists of every round"
_MARKERS = "engagement markers from the executed branch, per worker"
_BENCH = "rows of the isolated benchmark with what each leg ran"

MODES: tuple[Mode, ...] = (
    Mode("C01", "F", "reference starved of KV memory", f"{_INFO}, server logs, conditions that the claim states"),
    Mode("C02", "-", "larger KV pool that was never used", "scheduler counters in the server logs of both legs"),
    Mode("C03", "F", "warm candidate against cold reference", "warm-up spans and life-cycle of every leg"),
    Mode("C04", "F", "flags dropped on one leg", f"{_ARGV}; {_INFO}"),
    Mode("C05", "F", "reference from another session", "start and end of every leg and round"),
    Mode("C06", "F", "one old reference for many candidates", "start and end of every leg, its comparison and run"),
    Mode("C07", "F", "warm server against fresh server", "life-cycle of every leg, and an A/A control"),
    Mode("C08", "F", "legs were asked different things", "request digests, lengths and load-generator arguments"),
    Mode("C09", "F", "flag or variable given twice", "command line, environment and raw JSON of every leg"),
    Mode("C10", "F", "flag asked for and ignored", _INFO),
    Mode("C11", "F", "two servers loaded at once", "round times on one device set, CPU time of the idle server"),
    Mode("C12", "F", "installed engine edited in place", "digest of the installed engine tree per leg and control"),
    Mode("C13", "F", "a cache took KV memory on one leg", "KV-token counts and pool use of both legs"),
    Mode("C14", "F", "parallelism or offload changed on one leg", f"{_ARGV}; {_INFO}"),
    Mode("C15", "F", "other tenants, throttling, power caps", "samples of processes, steal, clocks once a second"),
    Mode("C16", "F", "legs on different machines or devices", "host, boot id and device set of every leg"),
    Mode("C17", "F", "prefix cache in another state", "cached-token counts, flush record, seeds of the rounds"),
    Mode("C18", "F", "legs on different versions", "version block of every leg"),
    Mode("C19", "g", "weak reference: fallback, few threads, lowered default", f"{_ARGV}; plan, server log, profile"),
    Mode("D01", "F", "ranges overlap, median is up", _ROUNDS),
    Mode("D02", "F", "one sample, so spread is zero", "number of launches and rounds"),
    Mode("D03", "F/g", "rounds of one server taken for replication", "launches of every leg"),
    Mode("D04", "F", "rounds too far apart to use", _ROUNDS),
    Mode("D05", "F", "a faulted repeat carries the gain", f"{_ROUNDS}, errors, server log"),
    Mode("D06", "F", "evidence is null or absent", f"{_ROUNDS} of both legs"),
    Mode("D07", "F", "warm-up outlier inside a noisy baseline", "rounds of the A/A control"),
    Mode("D08", "F", "gain above what the operator could give", "profile shares and the isolated speed-up claimed"),
    Mode("D09", "F", "best of many trials", "ledger of the run, plan and claim of every confirmation"),
    Mode("D10", "F", "stopped when it looked good", "plan written before the first launch, blocks taken"),
    Mode("D11", "F", "rows dropped on one side", "issued, finished and failed requests of every round"),
    Mode(
        "D12",
        "F",
        "percentages over different baselines added up",
        "throughput of bundle and baseline, claims of the parts",
    ),
    Mode("D13", "g", "throughput bought with latency", _ROUNDS),
    Mode("D14", "F", "reported number is not the raw number", f"claim, {_ROUNDS}"),
    Mode("D15", "F", "baseline figure is not the reference's", "reference rounds of control and comparison"),
    Mode("E01", "F", "change bound to something nothing calls", f"{_MARKERS}; {_INFO}"),
    Mode("E02", "F", "engaged with other parameters than tuned", "live launch parameters in the markers"),
    Mode("E03", "F", "tuned table never hit", "look-ups and hits of the table, per worker"),
    Mode("E04", "F", "second overlay directory is dead", "every sitecustomize on the workers' path"),
    Mode("E05", "F", "silent fallback to the original", f"{_MARKERS}, error against the live implementation"),
    Mode("E06", "F", "eager fallback or hang under graph capture", "markers from inside the capture, server log"),
    Mode("E07", "F", "bundle lost the change", "levers of the parts, engagement of the assembled bundle"),
    Mode("E08", "F", "both legs ran the change", "digest of the resolved modules, arguments of both legs"),
    Mode("A01", "g", "speculative decoding sold as a kernel", "declared lever, knob registry, headline"),
    Mode("A02", "g", "serving lever inside a kernel headline", "declared lever, overlay source, headline"),
    Mode("A03", "F", "two changes in one patch", "declared lever"),
    Mode("A04", "g", "bundle credited to one part", "plans, claims and verdicts of the parts"),
    Mode("A05", "F", "one change counted twice", "levers and gains of the parts"),
    Mode("A06", "F", "validated without any accepted change", "declared lever, verdicts of the parts"),
    Mode("H01", "F/g", "kernel compared with itself", f"{_BENCH}: digests of what each leg ran"),
    Mode("H02", "F", "graph replay against eager", f"{_BENCH}: launch mode, and that of the server"),
    Mode("H03", "F", "straw-man written by the author", f"{_BENCH}: where the baseline's source lies"),
    Mode("H04", "F", "legs swapped", f"{_BENCH}: resolved path of each leg"),
    Mode("H05", "F", "harness, oracle or timer edited", "sha256 of every measurement file before and after"),
    Mode("H06", "F", "shapes that are never served", "histogram of served shapes, benched shapes"),
    Mode("H07", "F", "untimed or zero results", f"{_BENCH}: every timing"),
    Mode("H08", "F", "harness error recorded as no win", f"{_BENCH}: what was raised"),
    Mode("H09", "F", "buffers reused so that misses vanish", f"{_BENCH}: data pointers, flushes"),
    Mode("H10", "F", "timers or warm-ups differ", f"{_BENCH}: timer and counts of each leg"),
    Mode("H11", "F", "eager straw-man as the reference", f"{_BENCH}: mode and backend of reference and server"),
    Mode("H12", "F", "work moved out of the timed span", f"{_BENCH}: first call, span over streams, threads"),
    Mode("H13", "F", "answer cached by pointer or shape", f"{_BENCH}: contents changed under one pointer"),
    Mode("H14", "F", "reads the reference's freed output", f"{_BENCH}: poisoned buffers, candidate first"),
    Mode("H15", "F", "clock or checker patched", f"{_BENCH}: identities before import, verdict of another process"),
    Mode("H16", "F", "output does not depend on the input", f"{_BENCH}: outputs over perturbed inputs"),
    Mode("H17", "F", "crashes the live server", "server log after ready, missing rounds"),
    Mode("H18", "F", "isolated gain, end-to-end loss", "isolated speed-up claimed, rounds of both legs"),
    Mode("H19", "F", "faster than the device can be", f"{_BENCH}: bytes and operations, peak of the device"),
    Mode("Q01", "u", "reference decodes gibberish", "decoded text of the reference's probes"),
    Mode("Q02", "F", "tokens differ without a reason", "greedy token ids, reference asked twice"),
    Mode("Q03", "-", "rounding changes tokens harmlessly", "paired answers to the same questions"),
    Mode("Q04", "F", "parity against the previous leg only", "greedy token ids of the true baseline"),
    Mode("Q05", "F", "request errors graded as answers", "errors, predictions and grading of every answer"),
    Mode("Q06", "F", "close on average, wrong in places", "element-wise error of the operator against its oracle"),
    Mode("Q07", "F", "shorter, cut or repeated answers", "answers, their lengths, finish reasons and texts"),
    Mode("Q08", "F", "requested tokens credited", "streamed pieces of every request"),
    Mode("Q09", "F", "failed requests left out of the rate", "issued, finished and failed requests of every round"),
    Mode("Q10", "F", "another checkpoint or a smaller model", "digest of config and weights, identity arguments"),
    Mode("P01", "F", "one operator split over many names", "aggregated operators and chains of the profile"),
    Mode("P02", "F", "a waiting collective looks dominant", "mean and median of every operator's calls"),
    Mode("P03", "F", "most time has no shapes or phase", "share of unattributed time"),
    Mode("P04", "F", "editable kernel tagged as library", "symbols of every operator, route with origins"),
    Mode("P05", "F", "dominant operator left out of the route", "route with corrected shares"),
    Mode("P06", "F", "names collapsed, kernels merged", "full symbols"),
    Mode("P07", "F", "prefill ramp profiled", "step counts per phase of the window"),
    Mode("R01", "F", "two reports of one run disagree", "claims, verdicts and raw of one run"),
    Mode("R02", "F", "remembered numbers shown as measured", "rounds of this run, host and driver of every leg"),
    Mode("R03", "F", "stale artefact", "run nonce, times, ledger of the run"),
    Mode("R04", "F", "green because nothing was checked", "what every gate compared, and that it could have failed"),
)


def uncovered(rules: Iterable[Rule]) -> list[Mode]:
    """Modes that none of these rules decides."""
    decided = {name for rule in rules for name in rule.modes}
    return [entry for entry in MODES if entry.id not in decided]
