"""Records of a benchmark that say more than was measured: one forgery each, made out of an honest benchmark's files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
OTHER = "d" * 64


@dataclass
class Records:
    """The files of one attempt, as JSON; a forgery changes them in place."""

    task: Row
    rows: list[Row]
    measurement: Row
    claim: Row

    @property
    def candidates(self) -> list[Row]:
        return [row for row in self.rows if row["role"] == "candidate"]

    @property
    def references(self) -> list[Row]:
        return [row for row in self.rows if row["role"] == "reference"]


@dataclass(frozen=True)
class Forgery:
    """One way to forge them, with the modes that it stands for."""

    name: str
    modes: tuple[str, ...]
    forge: Callable[[Records], None]


def _set(rows: str, **changes: Any) -> Callable[[Records], None]:
    def forge(records: Records) -> None:
        for row in getattr(records, rows):
            row.update(changes)

    return forge


def _said(**changes: Any) -> Callable[[Records], None]:
    def forge(records: Records) -> None:
        for row in records.candidates:
            row["correctness"].update(changes)

    return forge


def _each(change: Callable[[Row], None], rows: str = "candidates") -> Callable[[Records], None]:
    def forge(records: Records) -> None:
        for row in getattr(records, rows):
            change(row)

    return forge


def _itself(records: Records) -> None:
    live = records.references[0]
    for row in records.candidates:
        row.update(source=live["source"], resolved=live["resolved"], backend=live["backend"])
    records.claim.update(winner_backend=records.claim["baseline_backend"])


def _naive(records: Records) -> None:
    source = {"path": f"ops/{records.task['operator']}/candidates/naive.py", "digest": OTHER}
    for row in records.references:
        row.update(source=source, resolved=source, samples_ns=[3 * it for it in row["samples_ns"]])
    records.claim["speedup"] *= 3


def _swapped(records: Records) -> None:
    live, mine = records.references[0]["resolved"], records.candidates[0]["resolved"]
    for row in records.rows:
        row["resolved"] = mine if row["role"] == "reference" else live


def _edited(records: Records) -> None:
    records.measurement["files"][0]["after"] = OTHER


def _unserved(records: Records) -> None:
    served = next(it["key"] for it in records.task["shapes"] if it["calls"])
    records.rows[:] = [row for row in records.rows if row["shape"] != served]
    records.claim["shapes"].pop(served, None)


def _broken(records: Records) -> None:
    for row in records.candidates:
        row.update(raised="RuntimeError: broken", samples_ns=[], correctness=None)
    records.claim.update(outcome="no_win", winner=None, winner_backend=None, speedup=None, interval=None, shapes={})


def _crashed(records: Records) -> None:
    records.candidates[0].update(raised="crashed: ended by SIGSEGV", samples_ns=[], correctness=None)


def _one_round(records: Records) -> None:
    records.rows[:] = [row for row in records.rows if row["round"] == 0]


def _lucky(records: Records) -> None:
    records.rows[:] = [row for row in records.rows if row["round"] % 2 == 0]


def _boast(records: Records) -> None:
    records.claim["speedup"] *= 1.5
    records.claim["interval"] = [1.5 * it for it in records.claim["interval"]]


def _other_process(records: Records) -> None:
    for row in records.candidates:
        row["correctness"]["pid"] = row["pid"]


FORGERIES = (
    Forgery("compared-with-itself", ("H01",), _itself),
    Forgery("graph-replay", ("H02",), _set("candidates", launch_mode="graph")),
    Forgery("own-naive-denominator", ("H03",), _naive),
    Forgery("swapped-legs", ("H04",), _swapped),
    Forgery("edited-harness", ("H05",), _edited),
    Forgery("served-shape-left-out", ("H06",), _unserved),
    Forgery("zero-timings", ("H07",), _each(lambda row: row.update(samples_ns=[0.0] * len(row["samples_ns"])))),
    Forgery("untimed", ("H07",), _each(lambda row: row.update(samples_ns=[None] * len(row["samples_ns"])))),
    Forgery("broken-is-no-win", ("H08",), _broken),
    Forgery(
        "reused-inputs",
        ("H09",),
        _each(lambda row: row.update(generations=row["generations"][:1] * len(row["generations"]))),
    ),
    Forgery("warm-caches", ("H09",), _set("candidates", cache="warm", cache_bytes=0)),
    Forgery("other-timer", ("H10",), _set("candidates", timer="process_time")),
    Forgery("other-warm-up", ("H10",), _set("candidates", warmup_calls=500)),
    Forgery("unfused-straw-man", ("H11", "H03"), _set("references", backend="unfused")),
    Forgery("work-on-the-side", ("H12",), _each(lambda row: row.update(span_ns=3 * sum(row["samples_ns"])))),
    Forgery("more-threads-after", ("H12",), _each(lambda row: row.update(threads_after=row["threads_before"] + 4))),
    Forgery("cached-answers", ("H13",), _said(same_pointer_recheck=False)),
    Forgery("never-checked", ("H13",), _set("candidates", correctness=None)),
    Forgery("unwritten-output", ("H14",), _said(poison_intact=False)),
    Forgery("expected-was-there", ("H14",), _said(ran_before_expected=False)),
    Forgery("clock-patched", ("H15",), _each(lambda row: row["intact"].update(clock=False))),
    Forgery("judged-itself", ("H15",), _other_process),
    Forgery("input-independent", ("H16",), _said(changes_with_input=False)),
    Forgery("crashed-once", ("H17",), _crashed),
    Forgery(
        "beyond-the-roof",
        ("H19",),
        _each(
            lambda row: row.update(samples_ns=[it / 2000 for it in row["samples_ns"]], span_ns=row["span_ns"] / 2000)
        ),
    ),
    Forgery("wrong-elements", ("Q06",), _said(mismatch_share=0.02, relative_error=0.5)),
    Forgery("one-round", ("D02",), _one_round),
    Forgery("every-second-round", ("D10", "D11"), _lucky),
    Forgery("boasts", ("D14",), _boast),
)
