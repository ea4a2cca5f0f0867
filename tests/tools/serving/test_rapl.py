"""The RAPL meter over a folder like ``/sys/class/powercap``."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bankable.tools.evidence.records import HostSample
from bankable.tools.serving.rapl import RaplMeter


def domain(folder: Path, number: str, name: str, counter: int, span: int = 1_000_000) -> Path:
    place = folder / f"intel-rapl:{number}"
    place.mkdir(exist_ok=True)
    for file, value in (("name", name), ("energy_uj", counter), ("max_energy_range_uj", span)):
        (place / file).write_text(f"{value}\n")
    return place


def test_packages_are_summed_and_their_parts_are_not(tmp_path: Path) -> None:
    domain(tmp_path, "0", "package-0", 100)
    domain(tmp_path, "1", "package-1", 200)
    domain(tmp_path, "0:0", "core", 50)
    domain(tmp_path, "2", "psys", 50)
    meter = RaplMeter(tmp_path)
    assert (meter.packages, meter.read()) == (2, 0.0)
    domain(tmp_path, "0", "package-0", 500_100)
    domain(tmp_path, "1", "package-1", 300_200)
    domain(tmp_path, "2", "psys", 999_999)
    assert meter.read() == pytest.approx(0.8)


def test_a_counter_that_wraps_goes_on(tmp_path: Path) -> None:
    domain(tmp_path, "0", "package-0", 900_000)
    meter = RaplMeter(tmp_path)
    domain(tmp_path, "0", "package-0", 100_000)
    assert meter.read() == pytest.approx(0.2)


def test_without_counters_that_can_be_read_there_is_no_meter(tmp_path: Path) -> None:
    assert RaplMeter(tmp_path / "none").read() is None
    place = domain(tmp_path, "0", "package-0", 1)
    (place / "energy_uj").unlink()
    assert (RaplMeter(tmp_path).packages, RaplMeter(tmp_path).read()) == (0, None)


def test_a_meter_that_goes_away_is_no_figure(tmp_path: Path) -> None:
    place = domain(tmp_path, "0", "package-0", 1)
    meter = RaplMeter(tmp_path)
    (place / "energy_uj").unlink()
    assert meter.read() is None


def test_a_sample_without_a_meter_is_written_as_before() -> None:
    sample = HostSample(t=time.time(), cpu_percent=1.0, load_1m=1.0, mem_available_bytes=1)
    assert "package_joules" not in sample.model_dump(mode="json")
    metered = sample.model_copy(update={"package_joules": 3.5})
    assert HostSample.model_validate(metered.model_dump(mode="json")).package_joules == 3.5
