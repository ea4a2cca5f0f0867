"""Joules per output token of both sides of a comparison, from the meters that were read while rounds ran."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import Any

from bankable.tools.objective.energy import NVML, RAPL, MeteredRound, MeterSample, TokenEnergy, find_energy
from bankable.tools.report.model import SIDES, ReportSetting
from bankable.tools.report.reading import mapping, number, sequence, whole

FIGURES = ("joules_per_token", "watts")
NO_METER = "no meter: neither RAPL nor NVML was read on this machine, and nothing is estimated"


def find_leg_energy(host: Sequence[dict[str, Any]], rounds: Sequence[MeteredRound | None]) -> tuple[TokenEnergy, ...]:
    """Energy of one launch by each meter that covers its rounds. ``host``: its samples; a round may lack its times."""
    samples = [sample for raw in host if (sample := _read_sample(raw)) is not None]
    usable = [each for each in rounds if each is not None]
    return find_energy(samples, usable) if usable and len(usable) == len(rounds) else ()


def describe_energy(legs: Sequence[tuple[str, tuple[TokenEnergy, ...]]]) -> Iterator[ReportSetting]:
    """One line a side and meter: mean over the launches. ``legs``: side and energies of each launch."""
    if not any(energies for _, energies in legs):
        if legs:
            yield ReportSetting(name="energy", value=NO_METER)
        return
    for side in SIDES:
        mine = [energies for name, energies in legs if name == side]
        for meter in (RAPL, NVML):
            metered = [energy for energies in mine for energy in energies if energy.meter == meter]
            if metered:
                joules, watts = (fmean(getattr(energy, name) for energy in metered) for name in FIGURES)
                part = f", in {len(metered)} of {len(mine)} launches" if len(metered) < len(mine) else ""
                value = f"{joules:.4g} J an output token, {watts:.4g} W ({meter}{part})"
                yield ReportSetting(name=f"energy, {side}", value=value)


def _read_sample(raw: dict[str, Any]) -> MeterSample | None:
    t = number(raw.get("t"))
    if t is None:
        return None
    watts = [number(mapping(gpu).get("power_w")) for gpu in sequence(raw.get("gpu"), 64)]
    powers = [power for power in watts if power is not None]
    complete = bool(powers) and len(powers) == len(watts)
    return MeterSample(t, number(raw.get("package_joules")), sum(powers) if complete else None)


def read_metered_round(record: dict[str, Any]) -> MeteredRound | None:
    """Times and tokens of a line of ``bench_runs.jsonl``; ``None`` without them."""
    stamp = mapping(record.get("bankable"))
    started, ended = number(stamp.get("started")), number(stamp.get("ended"))
    tokens = whole(record.get("total_output_tokens"))
    if started is None or ended is None or tokens is None or ended <= started:
        return None
    return MeteredRound(started, ended, tokens)
