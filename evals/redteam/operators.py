"""Frauds on an operator's benchmark: samples of the winner or of the live implementation are changed."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

from bankable.evals.fixtures.build.files import Json, edit, edit_lines, read, read_lines, write_lines
from bankable.evals.redteam.mutation import OPERATOR, Mutation
from bankable.evals.redteam.scene import OPERATOR_ROWS, InapplicableError, Scene

Rows = list[Json]


def _rows(scene: Scene) -> tuple[Rows, Rows, Rows]:
    """All rows, those of the claimed winner, and those of the reference."""
    rows = read_lines(scene.bench / OPERATOR_ROWS)
    winner = read(scene.bench / "claim.json").get("winner")
    winning = [row for row in rows if row["implementation"] == winner and row.get("samples_ns")]
    reference = [row for row in rows if row["role"] == "reference" and row.get("samples_ns")]
    if not winning or not reference:
        raise InapplicableError("a claimed winner")
    return rows, winning, reference


def _scale(row: Json, factor: Callable[[], float], *, span: bool, wall: bool) -> None:
    before = sum(row["samples_ns"])
    row["samples_ns"] = [value * factor() for value in row["samples_ns"]]
    change = sum(row["samples_ns"]) / before
    if span and row.get("span_ns"):
        row["span_ns"] *= change
    if wall:
        row["ended"] = row["started"] + (row["ended"] - row["started"]) * max(change, 1.0)


def _scaled(side: int, level: tuple[float, float], noise: float, *, span: bool, wall: bool) -> Callable[[Scene], None]:
    """Times of the winner (1) or of the reference (2), scaled by a factor between two bounds, with noise."""

    def apply(scene: Scene) -> None:
        rows = _rows(scene)
        factor = scene.rng.uniform(*level)
        for row in rows[side]:
            _scale(row, lambda: factor * (1.0 + noise * scene.rng.uniform(-1.0, 1.0)), span=span, wall=wall)
        write_lines(scene.bench / OPERATOR_ROWS, rows[0])

    return apply


def _drop_slow_samples(scene: Scene) -> None:
    """The slower half of the winner's samples is left out."""
    rows, winning, _ = _rows(scene)
    for row in winning:
        bound = median(row["samples_ns"])
        places = [place for place, value in enumerate(row["samples_ns"]) if value <= bound]
        for name in ("samples_ns", "pointers", "generations"):
            if row.get(name):
                row[name] = [row[name][place] for place in places]
        row["timed_calls"] = len(row["samples_ns"])
    write_lines(scene.bench / OPERATOR_ROWS, rows)


def _copy_fastest(scene: Scene) -> None:
    """All rounds of the winner have the samples of its fastest one, at each shape."""
    rows, winning, _ = _rows(scene)
    best: dict[str, Json] = {}
    for row in winning:
        if row["shape"] not in best or median(row["samples_ns"]) < median(best[row["shape"]]["samples_ns"]):
            best[row["shape"]] = row
    for row in winning:
        row["samples_ns"] = list(best[row["shape"]]["samples_ns"])
        row["span_ns"] = best[row["shape"]]["span_ns"]
    write_lines(scene.bench / OPERATOR_ROWS, rows)


def _clip(scene: Scene) -> None:
    """Samples of the winner are no longer than their row's first quartile."""
    rows, winning, _ = _rows(scene)
    for row in winning:
        bound = sorted(row["samples_ns"])[len(row["samples_ns"]) // 4]
        row["samples_ns"] = [min(value, bound) for value in row["samples_ns"]]
    write_lines(scene.bench / OPERATOR_ROWS, rows)


def _more_calls(scene: Scene) -> None:
    """A sample of the winner is said to be of twice as many calls."""
    rows, winning, _ = _rows(scene)
    for row in winning:
        row["calls_per_sample"] = 2 * row.get("calls_per_sample", 1)
    write_lines(scene.bench / OPERATOR_ROWS, rows)


def _other_winner(scene: Scene) -> None:
    """The winner's rows have the samples of the reference's, scaled."""
    rows, winning, reference = _rows(scene)
    factor = scene.rng.uniform(0.15, 0.5)
    sources = {(row["round"], row["shape"]): row for row in reference}
    for row in winning:
        source = sources.get((row["round"], row["shape"]))
        if source is not None and len(source["samples_ns"]) == len(row["samples_ns"]):
            row["samples_ns"] = [factor * value for value in source["samples_ns"]]
            row["span_ns"] = factor * source["span_ns"] if source.get("span_ns") else row.get("span_ns")
    write_lines(scene.bench / OPERATOR_ROWS, rows)


def _wrong_elements(scene: Scene) -> None:
    """The winner's outputs were wrong in one element of fifty."""
    rows, winning, _ = _rows(scene)
    for row in winning:
        if row.get("correctness"):
            row["correctness"].update(relative_error=3.0, mismatch_share=0.02)
    write_lines(scene.bench / OPERATOR_ROWS, rows)


def _fewer_compared(scene: Scene) -> None:
    """Nothing was compared where outputs were wrong."""
    edit_lines(
        scene.bench / OPERATOR_ROWS,
        lambda rows: [
            row["correctness"].update(elements=0, relative_error=0.0, mismatch_share=0.0)
            for row in rows
            if row.get("correctness") and (row["correctness"].get("relative_error") or 0.0) >= 3.0
        ],
    )


def _within_tolerance(scene: Scene) -> None:
    """The task tolerates what the winner does."""
    edit(
        scene.folder / "task.json",
        lambda task: task["tolerance"].update(relative_error=4.0, mismatch_share=0.05),
    )


_FASTER, _SLOWER = (0.4, 0.85), (1.2, 2.5)
_MOVES: tuple[tuple[str, Callable[[Scene], None]], ...] = (
    ("operator-winner-scaled", _scaled(1, _FASTER, 0.0, span=False, wall=False)),
    ("operator-winner-scaled-with-spans", _scaled(1, _FASTER, 0.02, span=True, wall=False)),
    ("operator-reference-scaled", _scaled(2, _SLOWER, 0.0, span=False, wall=False)),
    ("operator-reference-scaled-with-spans", _scaled(2, _SLOWER, 0.02, span=True, wall=False)),
    ("operator-reference-scaled-with-times", _scaled(2, _SLOWER, 0.02, span=True, wall=True)),
    ("operator-slow-samples-dropped", _drop_slow_samples),
    ("operator-fastest-round-copied", _copy_fastest),
    ("operator-samples-clipped", _clip),
    ("operator-more-calls", _more_calls),
    ("operator-samples-of-the-reference", _other_winner),
)

OPERATOR_KINDS: tuple[Mutation, ...] = (
    *(Mutation(name, "moves", apply, None, OPERATOR) for name, apply in _MOVES),
    Mutation("operator-nothing-compared", "hides", _fewer_compared, _wrong_elements, OPERATOR),
    Mutation("operator-tolerated", "hides", _within_tolerance, _wrong_elements, OPERATOR),
)
