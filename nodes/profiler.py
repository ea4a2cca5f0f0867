"""Profiler: time of the warm server by operator, under the run's own workload."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bankable.tools.errors import UserError
from bankable.tools.evidence.folder import set_leg_aside
from bankable.tools.evidence.records import Failure, Side, Workload
from bankable.tools.measurement.leg import LegWriter, publish
from bankable.tools.measurement.plan import name_attempt
from bankable.tools.measurement.progress import ProgressEvent
from bankable.tools.measurement.run_context import RunContext
from bankable.tools.profiling.aggregate import aggregate
from bankable.tools.profiling.records import Profile
from bankable.tools.profiling.route import route_of
from bankable.tools.serving.driver import LaunchFailed, RoundFailed, RoundLoad

MOST_STEPS = 200
ROUND_SIZE = 4
"""Requests of the traced round, in multiples of the concurrency: the window lies inside it."""


@dataclass(frozen=True)
class ProfileResult:
    """Result of one profile."""

    profile: Profile | None
    failure: Failure | None


def profile_name(attempt: int) -> str:
    """Folder of a profile: ``profile``, then ``profile-2``."""
    return name_attempt("profile", attempt)


def take_profile(context: RunContext, attempt: int) -> ProfileResult:
    """Launch the reference, warm it up and trace it under load; ``profile.json`` holds the time by operator."""
    folder = context.folder.root / profile_name(attempt)
    done = folder / "profile.json"
    if done.is_file():
        return ProfileResult(Profile.model_validate_json(done.read_bytes()), None)
    leg = folder / "legs" / f"profile-{attempt}"
    closed = publish(context, leg)
    if closed is not None:
        traces, failure = sorted((folder / "traces").glob("*.trace.json.gz")), closed.failure
    else:
        if aside := set_leg_aside(leg):
            context.folder.ledger.enter_tree(aside)
        traces, failure = _trace(context, leg, folder / "traces", attempt)
    if failure:
        return ProfileResult(None, failure)
    try:
        profile = aggregate(traces)
    except UserError as problem:
        # A trace without usable content steers nothing, but the run can still be measured.
        return ProfileResult(None, Failure(kind="unsupported", line=str(problem)[:500]))
    context.folder.put(folder / "route.json", route_of(profile).model_dump(mode="json"))
    context.folder.put(done, profile.model_dump(mode="json"))
    return ProfileResult(profile, None)


def _trace(context: RunContext, leg: Path, traces: Path, attempt: int) -> tuple[list[Path], Failure | None]:
    writer = LegWriter(context, leg, "profile", 0, Side.REFERENCE, context.base)
    context.tell(ProgressEvent("launch", "profile: reference", "profile"))
    server = context.driver.launch([writer.request()])[0]
    if isinstance(server, LaunchFailed):
        writer.close(None, context.driver.clock(), server.failure)
        return [], server.failure
    trace_files: list[Path] = []
    failure: Failure | None = None
    try:
        writer.server_info(server)
        seed = context.protocol.seed + 700_000 + attempt
        writer.warm(server, RoundLoad(context.workload, seed, -1), [])
        traces.mkdir(parents=True, exist_ok=True)
        with writer.span("profile"):
            trace_files = server.profile(
                RoundLoad(_shape_trace_load(context.workload), seed + 50, -1), _steps(context.workload), traces
            )
    except RoundFailed as problem:
        failure = problem.failure
    finally:
        stopped = server.close()
    writer.close(server.identity, stopped, failure)
    for trace in trace_files:
        context.folder.ledger.enter(trace)
    return trace_files, failure


def _shape_trace_load(load: Workload) -> Workload:
    return load.model_copy(update={"num_prompts": max(load.num_prompts, ROUND_SIZE * load.concurrency)})


def _steps(load: Workload) -> int:
    """Forward passes that a trace covers: the lifetime of a request, so that prefills are among the decodes."""
    return min(MOST_STEPS, load.output_len + 4)
