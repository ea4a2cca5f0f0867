"""A budget of time for one piece of work, on every platform and in every thread.

In the main thread of a POSIX process a timer signal interrupts the work, also while it sleeps or waits. Elsewhere, as
on Windows or in another thread, a watchdog thread asks the interpreter to raise in the working thread: that happens
between two bytecodes, so that one long call into C ends first. Where the interpreter has no such door, nothing is
interrupted. In each case the clock is read at the end, so that work which swallowed the interruption, or could not be
interrupted, is still over its budget; and the auditor's process as a whole has a limit that its parent enforces.
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
"""Work that swallows the interruption gets another one after this time."""


class OutOfTimeError(BaseException):
    """A piece of work used up its budget. Not an ``Exception``, so that ``except Exception`` does not swallow it."""


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

    def ring(_signal: int, _frame: FrameType | None) -> None:
        if armed:
            raise OutOfTimeError

    previous = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_S)
        yield
    finally:
        armed = False  # nothing is called before this, so that no bell can come between
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
            _thread.start_new_thread(watch, ())  # Thread.start would wait, and the bell may ring while it does
        except RuntimeError:  # no thread to be had: the clock at the end still decides
            ended = True
        yield
    finally:
        while True:  # a bell that is on its way may ring anywhere in here
            try:
                if stop.locked():
                    stop.release()
                while not ended:
                    time.sleep(0.0)
                time.sleep(0.0)  # and the last one here at the latest
                break
            except (OutOfTimeError, RuntimeError):
                continue


def _raise_in(thread: int, kind: type[BaseException]) -> None:
    """Have another thread of this interpreter raise at its next bytecode.

    The interpreter's call that takes this back is never used: CPython 3.11 then keeps its request to look set for good,
    and a traced program (coverage, a debugger) enters its next function over and over.
    """
    try:
        import ctypes  # noqa: PLC0415  # only where there is no timer signal; not every build has it

        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(kind))
    except (ImportError, AttributeError):
        return
