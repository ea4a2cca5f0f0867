"""Forged records of an operator benchmark, one edit each of an honest one: they claim more than was measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Row = dict[str, Any]
"""A record as JSON: a forgery is not restricted to our types."""
OTHER_DIGEST = "d" * 64


@dataclass
class Records:
    """The files of one attempt, as JSON; a forgery changes them in place."""

    task: Row
    rows: list[Row]
    measurement: Row
    claim: Row

    def of(self, role: Literal["candidate", "reference"]) -> list[Row]:
        """Rows of one side."""
        return [row for row in self.rows if row["role"] == role]


Forge = Callable[[Records], None]
RowEdit = Callable[[Row], None]


@dataclass(frozen=True)
class Forgery:
    """One way to forge the records."""

    name: str
    modes: tuple[str, ...]
    """Failure modes that it shows, by their ids in the auditor's index."""
    forge: Forge


def edit_rows(edit: RowEdit, role: Literal["candidate", "reference"] = "candidate") -> Forge:
    """Edit every row of one side."""

    def forge(records: Records) -> None:
        for row in records.of(role):
            edit(row)

    return forge


def set_fields(role: Literal["candidate", "reference"], **values: Any) -> Forge:
    """Set fields of every row of one side."""
    return edit_rows(lambda row: row.update(values), role)


def set_check(**values: Any) -> Forge:
    """Set the checker's result of every candidate row."""
    return edit_rows(lambda row: row["correctness"].update(values))


def compare_live_with_itself(records: Records) -> None:
    """The candidate is the live implementation under another id."""
    live = records.of("reference")[0]
    for row in records.of("candidate"):
        row.update(source=live["source"], resolved=live["resolved"], backend=live["backend"])
    records.claim.update(winner_backend=records.claim["baseline_backend"])


def divide_by_a_naive_kernel(records: Records) -> None:
    """The reference is a naive kernel of our own, three times as slow as what the server runs."""
    source = {"path": f"ops/{records.task['operator']}/candidates/naive.py", "digest": OTHER_DIGEST}
    for row in records.of("reference"):
        row.update(source=source, resolved=source, samples_ns=[3 * sample for sample in row["samples_ns"]])
    records.claim["speedup"] *= 3


def swap_legs(records: Records) -> None:
    """Each side resolved to the other side's source."""
    live, candidate = records.of("reference")[0]["resolved"], records.of("candidate")[0]["resolved"]
    for row in records.rows:
        row["resolved"] = candidate if row["role"] == "reference" else live


def edit_the_harness(records: Records) -> None:
    """A file that measures was another one after the measurement."""
    records.measurement["files"][0]["after"] = OTHER_DIGEST


def drop_a_served_shape(records: Records) -> None:
    """Rows and claim leave out a shape that the server calls."""
    served = next(shape["key"] for shape in records.task["shapes"] if shape["calls"])
    records.rows[:] = [row for row in records.rows if row["shape"] != served]
    records.claim["shapes"].pop(served, None)


def call_a_broken_run_no_win(records: Records) -> None:
    """Every candidate raised, but the claim is that none was faster."""
    for row in records.of("candidate"):
        row.update(raised="RuntimeError: broken", samples_ns=[], correctness=None)
    records.claim.update(outcome="no_win", winner=None, winner_backend=None, speedup=None, interval=None, shapes={})


def crash_once(records: Records) -> None:
    """One row of the winner crashed."""
    records.of("candidate")[0].update(raised="crashed: ended by SIGSEGV", samples_ns=[], correctness=None)


def keep_one_round(records: Records) -> None:
    records.rows[:] = [row for row in records.rows if row["round"] == 0]


def keep_every_second_round(records: Records) -> None:
    """Rounds are chosen after they were measured."""
    records.rows[:] = [row for row in records.rows if row["round"] % 2 == 0]


def claim_half_as_much_again(records: Records) -> None:
    """The claim is larger than its rows."""
    records.claim["speedup"] *= 1.5
    records.claim["interval"] = [1.5 * bound for bound in records.claim["interval"]]


def check_in_the_same_process(records: Records) -> None:
    """The process that ran the candidate also judged its answers."""
    for row in records.of("candidate"):
        row["correctness"]["pid"] = row["pid"]


def zero_samples(row: Row) -> None:
    row.update(samples_ns=[0.0] * len(row["samples_ns"]))


def drop_samples(row: Row) -> None:
    row.update(samples_ns=[None] * len(row["samples_ns"]))


def reuse_inputs(row: Row) -> None:
    row.update(generations=row["generations"][:1] * len(row["generations"]))


def work_between_samples(row: Row) -> None:
    """The timed calls took a third of the time that the whole took."""
    row.update(span_ns=3 * sum(row["samples_ns"]))


def leave_threads(row: Row) -> None:
    row.update(threads_after=row["threads_before"] + 4)


def patch_the_clock(row: Row) -> None:
    row["intact"].update(clock=False)


def beat_the_roof(row: Row) -> None:
    """Two thousand times as fast as measured: more than the device can do."""
    row.update(samples_ns=[sample / 2000 for sample in row["samples_ns"]], span_ns=row["span_ns"] / 2000)


FORGERIES = (
    Forgery("compared-with-itself", ("H01",), compare_live_with_itself),
    Forgery("graph-replay", ("H02",), set_fields("candidate", launch_mode="graph")),
    Forgery("own-naive-denominator", ("H03",), divide_by_a_naive_kernel),
    Forgery("swapped-legs", ("H04",), swap_legs),
    Forgery("edited-harness", ("H05",), edit_the_harness),
    Forgery("served-shape-left-out", ("H06",), drop_a_served_shape),
    Forgery("zero-timings", ("H07",), edit_rows(zero_samples)),
    Forgery("untimed", ("H07",), edit_rows(drop_samples)),
    Forgery("broken-is-no-win", ("H08",), call_a_broken_run_no_win),
    Forgery("reused-inputs", ("H09",), edit_rows(reuse_inputs)),
    Forgery("warm-caches", ("H09",), set_fields("candidate", cache="warm", cache_bytes=0)),
    Forgery("other-timer", ("H10",), set_fields("candidate", timer="process_time")),
    Forgery("other-warm-up", ("H10",), set_fields("candidate", warmup_calls=500)),
    Forgery("unfused-straw-man", ("H11", "H03"), set_fields("reference", backend="unfused")),
    Forgery("work-on-the-side", ("H12",), edit_rows(work_between_samples)),
    Forgery("more-threads-after", ("H12",), edit_rows(leave_threads)),
    Forgery("cached-answers", ("H13",), set_check(same_pointer_recheck=False)),
    Forgery("never-checked", ("H13",), set_fields("candidate", correctness=None)),
    Forgery("unwritten-output", ("H14",), set_check(poison_intact=False)),
    Forgery("expected-was-there", ("H14",), set_check(ran_before_expected=False)),
    Forgery("clock-patched", ("H15",), edit_rows(patch_the_clock)),
    Forgery("judged-itself", ("H15",), check_in_the_same_process),
    Forgery("input-independent", ("H16",), set_check(changes_with_input=False)),
    Forgery("crashed-once", ("H17",), crash_once),
    Forgery("beyond-the-roof", ("H19",), edit_rows(beat_the_roof)),
    Forgery("wrong-elements", ("Q06",), set_check(mismatch_share=0.02, relative_error=0.5)),
    Forgery("one-round", ("D02",), keep_one_round),
    Forgery("every-second-round", ("D10", "D11"), keep_every_second_round),
    Forgery("boasts", ("D14",), claim_half_as_much_again),
)
