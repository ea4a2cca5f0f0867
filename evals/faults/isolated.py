"""Faults of an isolated number, and of the profile that routes work (H, P)."""

from __future__ import annotations

from random import Random

from bankable.evals.faults.fault import Fault, FaultTarget
from bankable.evals.fixtures.build.benchmark import again
from bankable.evals.fixtures.build.benchmark_edits import HELD_OUT, change_claim, edit_rows, slow_down
from bankable.evals.fixtures.build.files import edit, read, setting
from bankable.evals.fixtures.build.profile import PROFILE, ROUTE, operator

COLLECTIVE = "ncclDevKernel_AllReduce"


def _claimed_ratio(target: FaultTarget, percent: float, _: Random) -> None:
    folder = target.run / "ops" / target.subject
    ratio = read(folder / "bench-1/claim.json")["speedup"]
    change_claim(folder, speedup=ratio * (1 + percent / 100))


def _special_cased(target: FaultTarget, times: float, _: Random) -> None:
    """The winner is slower at the shape that its author has not seen."""
    folder = target.run / "ops" / target.subject
    edit_rows(folder, lambda row: slow_down(row, times), HELD_OUT)
    again(folder)


def _hidden_work(target: FaultTarget, nanoseconds: float, _: Random) -> None:
    """Streams and threads stay busy after every sample of the winner."""
    folder = target.run / "ops" / target.subject
    edit_rows(
        folder,
        lambda document: document.update(span_ns=document["span_ns"] + nanoseconds * len(document["samples_ns"])),
    )


def _impossibly_fast(target: FaultTarget, times: float, _: Random) -> None:
    folder = target.run / "ops" / target.subject
    edit_rows(folder, lambda row: slow_down(row, 1 / times))
    again(folder)


def _blank_shapes(target: FaultTarget, percent: float, _: Random) -> None:
    edit(target.run / PROFILE, setting(blank_shape_share=percent / 100))


def _waiting(target: FaultTarget, skew: float, _: Random) -> None:
    """Half of the operators' time is a collective with this ratio of mean to median; the route knows its share."""
    edit(
        target.run / PROFILE,
        lambda document: document["ops"].__setitem__(0, operator(COLLECTIVE, "communication", 0.5, skew=skew)),
    )
    edit(target.run / PROFILE, lambda document: document["families"][0].update(family="communication"))
    values = {"op": COLLECTIVE, "origin": "runtime", "target": "configuration", "share": 0.25 / skew}
    edit(target.run / ROUTE, lambda document: document["ops"][0].update(values))


FAULTS: tuple[Fault, ...] = (
    Fault(
        "D14-inflated-ratio",
        "% above the measured isolated speed-up",
        "harness_speedup",
        0.4,
        0.6,
        (0, 0.2, 0.4, 0.6, 1, 5, 100),
        _claimed_ratio,
        base="benchmark",
        scope="harness",
    ),
    Fault(
        "H06-special-cased",
        "times slower at the held-out shape",
        "harness_shapes",
        2.4,
        3.2,
        (1, 1.5, 2, 2.4, 2.8, 3.2, 4),
        _special_cased,
        base="benchmark",
        scope="harness",
    ),
    Fault(
        "H12-hidden-work",
        "ns of work past each of the winner's samples",
        "harness_hidden_work",
        700,
        1200,
        (0, 300, 700, 900, 1200, 2000, 20000),
        _hidden_work,
        base="benchmark",
        scope="harness",
    ),
    Fault(
        "H19-impossibly-fast",
        "times faster than measured",
        "harness_roofline",
        1.5,
        2,
        (1, 1.25, 1.5, 1.75, 2, 3, 10),
        _impossibly_fast,
        base="benchmark",
        scope="harness",
    ),
    Fault(
        "P02-waiting-collective",
        "mean over median of a collective's calls",
        "profile_quality",
        3,
        3.1,
        (1, 2, 3, 3.1, 6),
        _waiting,
        base="profile",
        scope="profile",
    ),
    Fault(
        "P03-blank-shapes",
        "% of the operators' time without shapes",
        "profile_quality",
        30,
        31,
        (0, 10, 20, 30, 31, 60, 100),
        _blank_shapes,
        base="profile",
        scope="profile",
    ),
)
