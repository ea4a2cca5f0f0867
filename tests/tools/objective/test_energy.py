"""Energy over rounds: from meters that cover them, and never made up."""

from __future__ import annotations

import pytest

from bankable.tools.objective.energy import NVML, RAPL, MeteredRound, MeterSample, find_energy


def samples(count: int = 20, *, rapl: float | None = 50.0, gpu: float | None = None) -> list[MeterSample]:
    """One a second; the package draws ``rapl`` watts."""
    return [MeterSample(100.0 + t, None if rapl is None else rapl * t, gpu) for t in range(count)]


def test_the_counter_is_interpolated_between_samples() -> None:
    (energy,) = find_energy(samples(), [MeteredRound(102.5, 106.5, 400)])
    assert (energy.meter, energy.watts) == (RAPL, pytest.approx(50.0))
    assert energy.joules_per_token == pytest.approx(4 * 50.0 / 400)


def test_power_is_integrated_and_rounds_are_added() -> None:
    ramp = [MeterSample(100.0 + t, None, 10.0 * t) for t in range(20)]
    (energy,) = find_energy(ramp, [MeteredRound(102.0, 104.0, 30), MeteredRound(106.0, 108.0, 70)])
    assert energy.meter == NVML
    assert energy.joules_per_token == pytest.approx((2 * 30.0 + 2 * 70.0) / 100)
    assert energy.watts == pytest.approx(50.0)


def test_two_meters_are_told_apart() -> None:
    meters = [energy.meter for energy in find_energy(samples(gpu=300.0), [MeteredRound(102.0, 104.0, 30)])]
    assert meters == [RAPL, NVML]


@pytest.mark.parametrize(
    ("series", "rounds"),
    [
        (samples(rapl=None), [MeteredRound(102.0, 104.0, 30)]),
        ([], [MeteredRound(102.0, 104.0, 30)]),
        (samples(), [MeteredRound(99.0, 104.0, 30)]),
        (samples(), [MeteredRound(102.0, 125.0, 30)]),
        (samples(), [MeteredRound(102.0, 104.0, 30), MeteredRound(118.0, 121.0, 30)]),
        ([*samples()[:4], *samples()[12:]], [MeteredRound(102.0, 115.0, 30)]),
        (samples(), [MeteredRound(102.0, 104.0, 0)]),
        (samples(), []),
        (samples(rapl=0.0), [MeteredRound(102.0, 104.0, 30)]),
    ],
)
def test_without_a_meter_that_covers_every_round_there_is_no_figure(
    series: list[MeterSample], rounds: list[MeteredRound]
) -> None:
    assert find_energy(series, rounds) == ()
