"""Starts a fresh process for every job by forking, under the engine's interpreter; its argument is REPLY-FD.

Importing torch takes seconds, so it is imported once, with the code of all jobs, and each job runs in a fork of a
process that has never loaded an implementation, made an input, or seen an output. Jobs are JSON lines on standard
input; how each of them ended is a JSON line on REPLY-FD. What a job itself has to say goes to ``replies.jsonl`` in its
own folder; its standard output and error go to ``output.txt`` there, and nobody reads results from them.

A job has limits of CPU time, address space, file size and wall time, and no network where the kernel lets it go. One
that loads a kernel is restricted by Landlock beforehand, and leaves no process behind.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import resource
import signal
import sys
import time
from pathlib import Path

from bankable.kernels.worker.landlock import restrict, supported
from bankable.kernels.worker.messages import ForkServerReady, JobEnded, JobRequest
from bankable.kernels.worker.protocol import decode, send

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SET_CHILD_SUBREAPER = 36
POLL_S = 0.002
MOST_FILE_BYTES = 1 << 30
GRACE_S = 5.0
"""CPU seconds between the limit that can be caught and the one that cannot."""


def leave_network() -> str:
    """Move into an empty network namespace; returns ``off``, or why that was not possible."""
    library = ctypes.CDLL(None, use_errno=True)
    for flags in (CLONE_NEWNET, CLONE_NEWUSER | CLONE_NEWNET):
        if library.unshare(flags) == 0:
            return "off"
    return f"on: {os.strerror(ctypes.get_errno())}"


def serve(replies: int) -> None:
    """Run jobs until standard input ends."""
    for line in sys.stdin:
        send(replies, run_job(decode(line, JobRequest), replies))


def run_job(job: JobRequest, replies: int) -> JobEnded:
    """One job in a process of its own; how that process ended."""
    folder = Path(job.folder)
    sys.stdout.flush()
    sys.stderr.flush()
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os.close(replies)
        _child(job, folder)
    ended = _wait(pid, started + job.wall_s)
    timed_out = ended is None
    _kill_group(pid)
    status, usage = ended or os.wait4(pid, 0)[1:]
    _kill_adopted()
    return JobEnded(
        id=job.id,
        pid=pid,
        timed_out=timed_out,
        signal=os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
        exit=os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
        max_rss_bytes=usage.ru_maxrss * 1024,
        cpu_s=usage.ru_utime + usage.ru_stime,
        wall_s=time.monotonic() - started,
    )


def _wait(pid: int, deadline: float) -> tuple[int, resource.struct_rusage] | None:
    """Exit status and usage; ``None`` when the time is over."""
    while time.monotonic() < deadline:
        ended_pid, status, usage = os.wait4(pid, os.WNOHANG)
        if ended_pid:
            return status, usage
        time.sleep(POLL_S)
    return None


def _kill_group(pid: int) -> None:
    """Whatever the job left behind; the child made a group of its own first of all."""
    for kill in (os.killpg, os.kill):  # a process that has not come to its own group yet is killed by its id
        try:
            kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def _adopt() -> None:
    """Make processes whose parents have ended children of this one, whatever session they moved to."""
    ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _kill_adopted() -> None:
    """Kill what a job left in another group than its own. A child that is killed leaves its own ones here: again."""
    while left := _children():
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        for pid in left:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _children() -> list[int]:
    """Processes whose parent this one is."""
    children = []
    for place in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            if place.name.isdecimal():
                parent = (place / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1]
                children += [int(place.name)] * (int(parent) == os.getpid())
    return children


def _child(job: JobRequest, folder: Path) -> None:
    """Never returns."""
    code = 1
    try:
        os.setsid()
        os.chdir(folder)
        _redirect()
        _limit(job)
        _restrict(job, folder)
        import torch  # noqa: PLC0415 - there already: imported when the network was gone

        from bankable.kernels.worker.jobs import JOBS  # noqa: PLC0415 - there already, as torch is
        from bankable.kernels.worker.measure import write_replies  # noqa: PLC0415 - there already, as torch is

        with torch.inference_mode():
            write_replies(JOBS[job.kind](job.arguments), folder / "replies.jsonl")
        code = 0
    except BaseException as problem:
        (folder / "raised.txt").write_text(f"{type(problem).__name__}: {problem}".splitlines()[0][:300])
    finally:
        os._exit(code)


def _redirect() -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open("output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(nothing)
    os.close(output)


def _limit(job: JobRequest) -> None:
    """The job's own limits; memory counts from what the parent had mapped already."""
    mapped = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    cpu = job.cpu_s
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + int(GRACE_S)))
    resource.setrlimit(resource.RLIMIT_AS, (mapped + job.memory_bytes,) * 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_FILE_BYTES, MOST_FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _restrict(job: JobRequest, folder: Path) -> None:
    """A job that loads an untrusted kernel reaches only its own folder, its binary, and its inputs."""
    source_entry = job.arguments.get("implementation") or {}
    if source_entry.get("binary"):
        oracles = [Path(shape["oracle"]) for shape in job.arguments.get("shapes", ()) if shape.get("oracle")]
        binaries = [
            Path(entry["binary"]).parent
            for entry in (source_entry, job.arguments.get("empty") or {})
            if entry.get("binary")
        ]
        restrict(folder, [*binaries, *oracles])


def _inherited_bytes() -> int:
    """Resident memory that a fork has from its first moment; of files that are mapped it has only what it touches."""
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon:"))


def main() -> None:
    replies = int(sys.argv[1])
    os.set_inheritable(replies, False)
    network = leave_network()
    _adopt()
    import torch  # noqa: PLC0415 - after the network is gone; a fork is possible while no thread runs

    import bankable.kernels.worker.jobs  # noqa: F401, PLC0415 - jobs find their code imported, as they find torch
    from bankable.kernels.worker.live_source import own_kernels  # noqa: PLC0415 - it imports torch

    own_kernels()  # the engine's kernel package is imported once, as torch is
    gc.collect()
    gc.freeze()  # a collection in a job looks at its own objects only, and copies no page of these
    with torch.inference_mode():
        send(replies, ForkServerReady(network, supported(), torch.__version__, _inherited_bytes()))
    serve(replies)
