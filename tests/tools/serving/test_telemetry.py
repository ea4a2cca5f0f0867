"""Host samples: who is busy, and who listens."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from bankable.tools.evidence.records import HostSample
from bankable.tools.serving.host import HostReader, parse_gpu_row
from bankable.tools.serving.telemetry import HostSampler

BURN = """
import os
if os.fork():
    os._exit(0)
os.setsid()
print(os.getpid(), flush=True)
while True:
    pass
"""


@pytest.fixture
def stranger() -> Iterator[int]:
    """Pid of a busy process in a session of its own that is no child of ours; being alone there, it leads its group."""
    popen = subprocess.Popen([sys.executable, "-c", BURN], stdout=subprocess.PIPE)
    assert popen.stdout is not None
    pid = int(popen.stdout.readline())
    popen.wait(10)
    yield pid
    subprocess.run(["kill", "-9", str(pid)], check=False)
    popen.stdout.close()


def tenants(reader: HostReader, seconds: float = 1.0) -> dict[int, float]:
    reader.sample()
    time.sleep(seconds)
    return {tenant.pid: tenant.cpu_percent for tenant in reader.sample().tenants}


def test_a_busy_stranger_is_a_tenant(stranger: int) -> None:
    found: dict[int, float] = {}
    deadline = time.monotonic() + 10  # on a loaded machine it may get less than 15 % of a core for a while
    while stranger not in found and time.monotonic() < deadline:
        found = tenants(HostReader(set))
    assert 15 < found[stranger] < 150


def test_a_process_of_the_run_is_no_tenant(stranger: int) -> None:
    assert stranger not in tenants(HostReader(lambda: {stranger}))


def test_our_own_children_are_no_tenants() -> None:
    child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        assert child.pid not in tenants(HostReader(set))
    finally:
        child.kill()
        child.wait(10)


def test_a_sample_describes_the_machine() -> None:
    sample = HostReader(set).sample()
    assert abs(sample.t - time.time()) < 5
    assert 0 <= sample.cpu_percent <= 100
    assert sample.mem_available_bytes > 1_000_000
    assert sample.gpu == []


def test_values_that_a_gpu_does_not_report_are_left_out() -> None:
    row = parse_gpu_row("0, 97, 40213, 341.20, 1980, [N/A]")
    assert row == {"index": 0, "util_percent": 97, "memory_used_mib": 40213, "power_w": 341.2, "sm_mhz": 1980}
    assert parse_gpu_row("") == {}


def test_a_listener_that_raises_does_not_end_the_sampling() -> None:
    seen: list[HostSample] = []

    def bad(sample: HostSample) -> None:
        raise RuntimeError("full disk")

    sampler = HostSampler(lambda: HostReader(set), period_s=0.05)
    sampler.listen(bad)
    forget = sampler.listen(seen.append)
    deadline = time.monotonic() + 10
    while len(seen) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    forget()
    sampler.close()
    assert len(seen) >= 3
