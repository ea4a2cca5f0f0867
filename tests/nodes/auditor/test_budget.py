"""Time is up: interrupted where the platform can, noticed in any case."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from bankable.nodes.auditor import budget as module
from bankable.nodes.auditor.budget import OutOfTimeError, budget

ROOT = Path(__file__).resolve().parents[3]
SHORT = 0.05


def _spin(seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(100))


def _swallow() -> None:
    """What a rule with a too broad guard does; the bare one swallows even what is no ``Exception``."""
    end = time.monotonic() + 10.0
    while time.monotonic() < end:
        try:
            _spin()
        except Exception:
            return
        except:  # noqa: E722  # as bare as a careless rule may have it
            if time.monotonic() > end - 10.0 + 3 * SHORT:
                return


def _elsewhere(work: Callable[[], None]) -> None:
    """Run in another thread; what it raises is raised here."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as cause:
            raised.append(cause)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()
    for cause in raised:
        raise cause


def _within(work: Callable[[], None], seconds: float = SHORT) -> None:
    with budget(seconds):
        work()


@pytest.mark.parametrize("work", [_spin, _swallow, lambda: time.sleep(10)], ids=["spins", "swallows", "sleeps"])
def test_the_main_thread_is_interrupted(work: Callable[[], None]) -> None:
    begun = time.monotonic()
    with pytest.raises(OutOfTimeError):
        _within(work)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("work", [_spin, _swallow], ids=["spins", "swallows"])
def test_another_thread_is_interrupted(work: Callable[[], None]) -> None:
    begun = time.monotonic()
    with pytest.raises(OutOfTimeError):
        _elsewhere(lambda: _within(work))
    assert time.monotonic() - begun < 5


def test_a_platform_without_timer_signals_has_a_watchdog(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(signal, "setitimer")
    monkeypatch.delattr(signal, "SIGALRM")
    begun = time.monotonic()
    with pytest.raises(OutOfTimeError):
        _within(_spin)
    assert time.monotonic() - begun < 5


def test_a_traced_program_goes_on_after_an_interruption() -> None:
    """CPython 3.11 looks for interruptions at the start of every traced function: nothing may be left to look for."""
    program = (
        "import signal, sys, time\n"
        "del signal.setitimer\n"
        "from bankable.nodes.auditor.budget import OutOfTimeError, budget\n"
        "def trace(*_): return trace\n"
        "def spin():\n"
        "    while True: sum(range(100))\n"
        "sys.settrace(trace)\n"
        "for work in (spin, lambda: None):\n"
        "    try:\n"
        f"        with budget({SHORT}): work()\n"
        "    except OutOfTimeError: print('interrupted')\n"
        "(lambda: print('went on'))()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "interrupted\nwent on\n"), done.stderr


def test_without_a_thread_to_be_had_the_clock_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(module, "_thread", SimpleNamespace(start_new_thread=refuse))
    monkeypatch.delattr(signal, "setitimer")
    _within(lambda: None, 5.0)
    with pytest.raises(OutOfTimeError):
        _within(lambda: time.sleep(3 * SHORT))


def test_what_cannot_be_interrupted_is_over_its_budget_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_raise_in", lambda *_: None)
    with pytest.raises(OutOfTimeError):
        _elsewhere(lambda: _within(lambda: time.sleep(3 * SHORT)))


def test_work_in_time_is_left_alone() -> None:
    before = signal.getsignal(signal.SIGALRM)
    _within(lambda: None, 5.0)
    _elsewhere(lambda: _within(lambda: None, 5.0))
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_an_exception_of_the_work_passes_through() -> None:
    with pytest.raises(KeyError):
        _within(lambda: {}["x"], 5.0)
    with pytest.raises(KeyError):
        _elsewhere(lambda: _within(lambda: {}["x"], 5.0))


def test_no_interruption_arrives_after_the_work_is_done() -> None:
    """The bell rings while the work ends, again and again: it is heard inside or not at all."""

    def once() -> None:
        try:
            _within(lambda: _spin(0.002), 0.002)
        except OutOfTimeError:
            return

    def many() -> None:
        for _ in range(50):
            once()
        _spin(2 * SHORT)

    many()
    _elsewhere(many)
