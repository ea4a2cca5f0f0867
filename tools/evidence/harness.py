"""The records of an operator's benchmark, one model per file of ``ops/<operator>/``.

The task folder is written once, from the live server: ``task.json``, ``oracle.json`` and ``oracle/*.safetensors``.
Each attempt at a benchmark adds ``bench-<attempt>/`` with ``measurement.json``, ``opbench_runs.jsonl``, ``claim.json``.
Times are Unix seconds, samples and spans nanoseconds, rates per second. Paths are relative to the run folder, or begin
with the name of the installed package; machine paths are not evidence.
"""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from bankable.tools.evidence.records import SCHEMA_VERSION, Digest, Record

TASK_FILES = ("task.json", "oracle.json", "capture.json")
BENCH_FILES = ("measurement.json", "opbench_runs.jsonl", "claim.json")
EARLIER_FOLDER = "earlier"
"""Of a sealed benchmark: the rows of earlier attempts at the same task, a folder for each."""
EARLIER_FILE = "opbench_runs.jsonl"
ORACLE_FOLDER = "oracle"
ORACLE_SUFFIX = ".safetensors"
"""The one format of tensors that is read. Anything that has to be unpickled is refused by name, unopened."""

LaunchMode = Literal["eager", "graph"]
Role = Literal["reference", "candidate"]
MeasurementRole = Literal["harness", "oracle", "timer", "checker"]


MAX_SAMPLES = 100_000
"""Of one row. More of them say no more about a process."""


class BenchRecord(Record):
    """Base of the records here: every number is finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PatchPoint(BenchRecord):
    """Where the live path calls the operator, and where an overlay takes its place."""

    module: str
    """Import path, such as ``sglang.srt.layers.layernorm``."""
    attribute: str
    """Qualified name inside the module, such as ``RMSNorm.forward_native``."""
    branch: str = ""
    """Which calls of the attribute, where it does several operators' work."""


class SourceFile(BenchRecord):
    """A file that code was loaded from."""

    path: str
    """Relative to the run folder, or below the installed package."""
    digest: Digest
    """sha256 over the file."""


class ServedShape(BenchRecord):
    """One combination of input shapes that the live server called the operator with, or one held back from authors."""

    key: str
    """Unique in the task, such as ``4x256:bf16``; rows refer to it."""
    dims: tuple[tuple[int, ...], ...]
    """Of each tensor argument."""
    strides: tuple[tuple[int, ...], ...] = ()
    """In elements; empty for contiguous arguments."""
    dtypes: tuple[str, ...]
    """Of each tensor argument, such as ``bfloat16``."""
    phase: Literal["prefill", "decode", "mixed"]
    """Forward steps in which the server called the operator so."""
    calls: int = Field(ge=0)
    """Counted on the live server over the captured window; 0 for a held-out shape that it never served."""
    held_out: bool = False
    """Never shown to a candidate's author: a candidate that special-cases shapes shows here."""


class Tolerance(BenchRecord):
    """How far an output may be off, and why that far. The error is |got − want| / max(|want|, rms(want)) (Q06)."""

    relative_error: float = Field(ge=0)
    """Largest error of any element; 0 asks for equal bits."""
    mismatch_share: float = Field(default=0.0, ge=0, le=1)
    """Share of elements that may exceed ``relative_error``."""
    reason: str
    """Such as "bf16 accumulates 256 terms: four steps of 2⁻⁸"."""


class Task(BenchRecord):
    """``task.json``: what has to be made faster, as captured on the live server."""

    schema_version: int = SCHEMA_VERSION
    """Version of the run folder that this file belongs to."""
    run_id: str
    """Nonce of the run: evidence with another nonce is stale (R03)."""
    operator: str
    """Name of the operator, such as ``rms_norm``."""
    family: str = ""
    """Operator family, such as ``rms_norm``."""
    seam: PatchPoint
    """Where the live path calls the operator."""
    live_backend: str
    """Name of the implementation that the server runs today: every denominator."""
    live_source: SourceFile
    """File that the live implementation was loaded from."""
    launch_mode: LaunchMode
    """How the server calls it."""
    device: Literal["cpu", "cuda", "rocm"]
    """Kind of device that the server runs on."""
    dtype: str
    """Type of the tensors, such as ``bfloat16``."""
    shapes: tuple[ServedShape, ...]
    """Served shapes, then those held back."""
    tolerance: Tolerance
    """How far a candidate's output may be off."""
    captured_at: float
    """Unix seconds at which the capture ended."""


class OracleFile(BenchRecord):
    """Sampled inputs, and the outputs that the live implementation gave for them."""

    name: str
    """File name below ``oracle/``."""
    sha256: Digest
    """Over the whole file."""
    shape: str
    """Key of the served shape."""


class OracleManifest(BenchRecord):
    """``oracle.json``: the task's tensors. Only safetensors; nothing is ever unpickled."""

    schema_version: int = SCHEMA_VERSION
    """Version of the run folder that this file belongs to."""
    run_id: str
    """Nonce of the run: evidence with another nonce is stale (R03)."""
    operator: str
    """Name of the operator, such as ``rms_norm``."""
    files: tuple[OracleFile, ...]
    """All files below ``oracle/``."""


class MeasurementFile(BenchRecord):
    """A file that the measurement rests on, hashed before the first process and after the last one (H05)."""

    role: MeasurementRole
    """What the file is for."""
    path: str
    """Relative to the run folder, or below the installed package."""
    before: Digest
    """sha256 before the first process was started."""
    after: Digest
    """sha256 after the last process had ended."""


class TimingProtocol(BenchRecord):
    """How every process of the operator benchmark measures, reference and candidates alike."""

    timer: str
    """Id of the timer, such as ``perf_counter_ns`` or ``cuda_event``."""
    warmup_calls: int = Field(ge=0)
    """Calls of each row before its first timed one."""
    timed_calls: int = Field(ge=1)
    """Samples of each row."""
    calls_per_sample: int = Field(default=1, ge=1)
    """Calls between two readings of the timer; each on inputs of its own."""
    cache: Literal["flushed", "rotated"]
    """``flushed``: overwritten before each sample. ``rotated``: inputs go round in a set larger than the caches."""
    rounds: int = Field(ge=1)
    """Fresh processes of each implementation, interleaved."""
    floor: float = Field(default=0.01, ge=0)
    """Smallest gain worth a serving test, as a fraction."""


class Peaks(BenchRecord):
    """What the device can do, measured in this operator benchmark."""

    copy_bandwidth: float = Field(gt=0)
    """Bytes per second, read plus written, of a large copy."""
    flop_rate: float = Field(gt=0)
    """Floating-point operations per second of a large matrix product in the task's dtype."""
    cache_bytes: int = Field(gt=0)
    """Size of the last-level cache (GPU: L2): what has to be flushed or exceeded."""
    measured_at: float
    """Unix seconds."""


class Measurement(BenchRecord):
    """``measurement.json``: with what the operator benchmark was measured, written when it was over."""

    schema_version: int = SCHEMA_VERSION
    """Version of the run folder that this file belongs to."""
    run_id: str
    """Nonce of the run: evidence with another nonce is stale (R03)."""
    operator: str
    """Name of the operator, such as ``rms_norm``."""
    attempt: int = Field(ge=1)
    """Attempt at this benchmark, 1-based."""
    protocol: TimingProtocol
    """How every process measured."""
    files: tuple[MeasurementFile, ...]
    """Files that the measurement rests on."""
    peaks: Peaks
    """What the device can do."""
    host: str
    """Name of the machine."""
    device: str
    """The device in words, such as its architecture and the number of threads used."""
    started: float
    """Unix seconds at which the first process was started."""
    ended: float
    """Unix seconds at which the last process had ended."""


class Intact(BenchRecord):
    """Objects whose identity was taken before a candidate's module was imported, and compared after its last call."""

    clock: bool
    """The timer's clock is the same object."""
    synchronize: bool
    """The device's synchronize function is the same object."""
    checker: bool
    """The functions that compare outputs are the same objects."""


class Correctness(BenchRecord):
    """What the checker found in the outputs of *timed* calls. Written by another process than the one that ran them."""

    pid: int
    """Of the checking process."""
    checked_calls: int = Field(ge=0)
    """Timed calls whose outputs were compared, chosen after the fact."""
    secret_seeds: int = Field(ge=0)
    """Distinct secret seeds that the inputs of those calls came from (H13)."""
    elements: int = Field(ge=0)
    """Elements compared in all."""
    relative_error: float | None
    """Largest |got − want| / max(|want|, rms(want)); ``None`` when an output is not finite where the oracle is."""
    mismatch_share: float = Field(ge=0, le=1)
    """Share of elements beyond the task's relative error."""
    error_vs_live: float | None = None
    """The same error against the live implementation's output: exactly 0.0 may be the live implementation (E05)."""
    poison_intact: bool | None
    """Output buffers were poisoned first: every element was written, and nothing beyond them (H14)."""
    ran_before_expected: bool | None
    """The candidate ran before any expected output existed in memory that it could reach (H14)."""
    changes_with_input: bool | None
    """Another input gave another output (H16)."""
    same_pointer_recheck: bool | None
    """New contents under the same data pointer gave the new answer (H13)."""


class OpRun(BenchRecord):
    """One line of ``opbench_runs.jsonl``: one implementation at one shape in one process."""

    schema_version: int = SCHEMA_VERSION
    """Version of the run folder that this file belongs to."""
    run_id: str
    """Nonce of the run: evidence with another nonce is stale (R03)."""
    operator: str
    """Name of the operator, such as ``rms_norm``."""
    role: Role
    """Reference, or one of the candidates."""
    backend: str
    """Kind of implementation: ``live``, ``torch_compile``, ``cpp``, ``triton``, ``vendor``, …"""
    implementation: str
    """Id, unique in the operator benchmark."""
    source: SourceFile
    """What was registered."""
    resolved: SourceFile | None
    """What the process really imported; ``None`` when it raised before that."""
    executed: str | None
    """Implementation id as reported by the branch that ran; ``None`` when none did."""
    shape: str
    """Key of the served shape in the task."""
    round: int = Field(ge=0)
    """Reference and candidates of one round ran next to each other."""
    pid: int
    """Process id of the worker."""
    started: float
    """Unix seconds at which the process began this row."""
    ended: float
    """Unix seconds at which it had finished it."""
    launch_mode: LaunchMode
    """How the implementation was called in this row."""
    timer: str
    """Id of the timer."""
    warmup_calls: int = Field(ge=0)
    """Calls before the first timed one."""
    timed_calls: int = Field(ge=0)
    """Samples that were taken."""
    calls_per_sample: int = Field(default=1, ge=1)
    """Calls between two readings of the timer."""
    samples_ns: tuple[float | None, ...] = Field(default=(), max_length=MAX_SAMPLES)
    """Nanoseconds of each timed sample, raw; ``None`` for one that was not timed, which is a finding."""
    span_ns: float | None = None
    """The same samples from first launch until every stream and thread was idle, added up (H12)."""
    pointers: tuple[int, ...] = Field(default=(), max_length=MAX_SAMPLES)
    """Data pointer of the first input of each sample."""
    generations: tuple[int, ...] = Field(default=(), max_length=MAX_SAMPLES)
    """Id of the input contents of each sample; equal ids are equal contents."""
    cache: Literal["flushed", "rotated", "warm"]
    """State of the caches at each sample; ``warm``: neither flushed nor rotated."""
    cache_bytes: int = Field(default=0, ge=0)
    """Bytes overwritten before each sample, or of the whole rotated set."""
    import_ns: float | None = None
    """Time to import and build the implementation."""
    first_call_ns: float | None = None
    """Compilation and other one-off work shows here."""
    prewarmed: bool = False
    """The implementation brings a hook that does its first call before the server takes requests."""
    threads_before: int | None = None
    """Threads of the process, framework pools already started, before the implementation was imported."""
    threads_after: int | None = None
    """After the last timed call."""
    intact: Intact | None = None
    """``None`` when the process ended before its last call."""
    bytes_moved: int | None = Field(default=None, ge=0)
    """Bytes that one call has to read and write, by the operator's definition; not by the candidate's word."""
    flops: int | None = Field(default=None, ge=0)
    """Operations that one call has to do, by the operator's definition."""
    correctness: Correctness | None = None
    """``None`` when nothing was compared."""
    raised: str | None = None
    """Exception type and first line; such a row is no measurement."""


class BenchmarkClaim(BenchRecord):
    """``claim.json`` of an operator benchmark: what the benchmarker says came out. The auditor derives it again."""

    schema_version: int = SCHEMA_VERSION
    """Version of the run folder that this file belongs to."""
    run_id: str
    """Nonce of the run: evidence with another nonce is stale (R03)."""
    operator: str
    """Name of the operator, such as ``rms_norm``."""
    outcome: Literal["winner", "no_win", "harness_error"]
    """``harness_error``: nothing could be measured, which says nothing about the candidates."""
    winner: str | None
    """Implementation id; ``None`` without one."""
    winner_backend: str | None
    """Kind of the winning implementation; ``None`` without one."""
    baseline: str
    """Implementation id of the reference rows."""
    baseline_backend: str
    """Kind of the reference implementation: the task's ``live_backend``."""
    speedup: float | None
    """Σ calls·t(live) / Σ calls·t(winner) over the served shapes: geometric mean over rounds, t the median of a row."""
    interval: tuple[float, float] | None
    """One-sided 95 % bounds of ``speedup`` over the rounds."""
    shapes: dict[str, float] = Field(default={})
    """Ratio at each benched shape."""
    headline: str
    """The sentence that the benchmarker would print."""
