"""A time budget for one piece of work, on every platform and in every thread.

In the main thread of a POSIX process a timer signal interrupts the work, also while it sleeps or waits. On Windows and
in other threads a watchdog thread makes the interpreter raise in the working thread: between two bytecodes, so a long
call into C completes first. Where the interpreter has no such function, nothing is interrupted. The clock is always
read at the end, so work that caught the exception or could not be interrupted still exceeds its budget; and the
auditor's process as a whole has a limit that its parent enforces.
"""

from __future__ import annotations

import _thread
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

AGAIN_S = 0.05
"""Seconds after which work that caught the exception is interrupted again."""


class OutOfTimeError(BaseException):
    """Work exceeded its budget. Not an ``Exception``, so that ``except Exception`` does not catch it."""


@contextmanager
def budget(seconds: float) -> Iterator[None]:
    """Raise ``OutOfTimeError`` when the work inside takes longer than ``seconds``."""
    begun = time.monotonic()
    main = threading.current_thread() is threading.main_thread()
    guard = _by_signal if main and hasattr(signal, "setitimer") else _by_watchdog
    with guard(seconds):
        yield
    if time.monotonic() - begun > seconds:
        raise OutOfTimeError


@contextmanager
def _by_signal(seconds: float) -> Iterator[None]:
    armed = True

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        if armed:
            raise OutOfTimeError

    previous = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_S)
        yield
    finally:
        armed = False  # no call comes before this, so no signal handler can run in between
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


@contextmanager
def _by_watchdog(seconds: float) -> Iterator[None]:
    stop, worker = threading.Lock(), threading.get_ident()
    ended = False

    def watch() -> None:
        nonlocal ended
        left = seconds
        while not stop.acquire(timeout=left):
            _raise_in(worker, OutOfTimeError)
            left = AGAIN_S
        ended = True

    stop.acquire()
    try:
        try:
            _thread.start_new_thread(watch, ())  # Thread.start waits, and could be interrupted while it does
        except RuntimeError:  # no thread available: the clock at the end still decides
            ended = True
        yield
    finally:
        while True:  # a pending interruption may raise anywhere in here
            try:
                if stop.locked():
                    stop.release()
                while not ended:
                    time.sleep(0.0)
                time.sleep(0.0)  # the last one raises here at the latest
                break
            except (OutOfTimeError, RuntimeError):
                continue


def _raise_in(thread: int, kind: type[BaseException]) -> None:
    """Make another thread of this interpreter raise at its next bytecode.

    The call that would cancel this is never used: after it CPython 3.11 keeps its check request set, and a traced
    program (coverage, a debugger) enters its next function again and again.
    """
    try:
        import ctypes  # noqa: PLC0415  # only where there is no timer signal; not every build has it

        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(kind))
    except (ImportError, AttributeError):
        return
