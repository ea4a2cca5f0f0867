"""Strategist: in which directions to search, from where the time goes. Deterministic; it only orders the registry."""

from __future__ import annotations

from tools.levers import Knob, Touches, knobs_for
from tools.measurement.direction import Direction
from tools.measurement.lab import Lab
from tools.profiling.records import Profile

HOST = (Touches.STREAMING, Touches.PROCESS, Touches.LOGGING)
MODEL = (Touches.DECODE, Touches.NUMERICS, Touches.ATTENTION)
CAP = "max_running_requests"
BATCHING = (Touches.SCHEDULING, Touches.PREFILL, Touches.KV_MEMORY)


def directions(lab: Lab, profile: Profile | None) -> list[Direction]:
    """Directions with at least one usable knob; first the one with the largest share times what its knobs promise.

    The host's share is the wall time that no operator covers; the model's is the operators' time. Batching changes how
    the two overlap, so that it can give back at most what both have: it gets their product. Without a profile the
    two are equal. Where the baseline caps its batch below the load, the requests that wait are a direction of their
    own, with their part of the requests in flight as its share.
    """
    knobs, _ = knobs_for(lab.driver.device, lab.known_flags, lab.situation())
    host = min(max(profile.host_share, 0.0), 1.0) if profile else 0.5
    groups = [
        ("host", HOST, host, f"{host:.0%} of the wall time is outside operators"),
        ("model", MODEL, 1 - host, f"{1 - host:.0%} of the wall time is in operators"),
        ("batching", BATCHING, host * (1 - host), "how requests are put together decides how much each pass does"),
    ]
    found = []
    waiting, queue = _waiting(lab)
    if waiting > 0 and any(knob.name == CAP for knob in knobs):
        found.append((waiting, Direction(name="queue", knobs=[CAP], share=waiting, reason=queue)))
    for name, touches, share, reason in groups:
        members = [knob for knob in knobs if _home(knob) in touches and not (waiting > 0 and knob.name == CAP)]
        promise = sum(knob.promise for knob in members)
        if members:
            names = [knob.name for knob in members]
            found.append((share * promise, Direction(name=name, knobs=names, share=share, reason=reason)))
    return [direction for _, direction in sorted(found, key=lambda entry: -entry[0])]


def _waiting(lab: Lab) -> tuple[float, str]:
    """Part of the requests in flight that wait because the baseline caps its batch, and a sentence about it."""
    cap, load = lab.base.flags.get(CAP), lab.workload.concurrency
    if not isinstance(cap, int) or isinstance(cap, bool) or cap >= load:
        return 0.0, ""
    return 1 - cap / load, f"{load - cap} of {load} requests in flight wait: the batch is capped at {cap}"


def _home(knob: Knob) -> Touches:
    """The part a knob acts on first; each knob is searched in one direction only."""
    return knob.touches[0]
