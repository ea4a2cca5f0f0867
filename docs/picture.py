"""Draws the state machine with the verdicts on its edges: ``python docs/picture.py`` writes ``docs/machine.svg``.

The picture is laid out by hand, and it is committed, for the README shows it. Bounds come from the routing, and
``tests/test_docs.py`` holds the committed file against this script and the steps against the compiled machine.
"""

from __future__ import annotations

import runpy
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    runpy.run_path(str(ROOT / "tools" / "start.py"))["register"]()

from bankable.graph import routing  # noqa: E402 - the checkout registers itself first

FILE = ROOT / "docs" / "machine.svg"
WIDTH, HEIGHT = 1180, 620
PASS, FLAG, FAIL, PLAIN = "#1a7f37", "#9a6700", "#cf222e", "#57606a"
Point = tuple[float, float]


@dataclass(frozen=True)
class Step:
    """A box, or for an audit a diamond, with its centre in pixels."""

    name: str
    """As the machine calls it."""
    x: float
    y: float
    text: str = ""

    @property
    def audit(self) -> bool:
        """Whether an auditor decides here."""
        return self.name.startswith("audit_")


@dataclass(frozen=True)
class Edge:
    """A line of straight pieces with an arrow at its end, and a label beside it."""

    points: tuple[Point, ...]
    label: str = ""
    at: Point = (0, 0)
    """Where the label's centre is."""
    colour: str = PLAIN
    """Of line and label: the colour of the verdict that leads along it."""
    arrow: bool = True


STEPS = (
    Step("preflight", 80, 100),
    Step("baseline", 235, 100),
    Step("audit_baseline", 400, 100),
    Step("profile", 575, 100),
    Step("audit_profile", 740, 100),
    Step("strategist", 950, 100),
    Step("kernel_extractor", 90, 270),
    Step("op_benchmarker", 285, 270),
    Step("audit_harness", 460, 270),
    Step("kernel_author", 640, 270),
    Step("integrator", 800, 270),
    Step("config_tuner", 90, 420),
    Step("measure_patch", 285, 420),
    Step("audit_patch", 970, 345),
    Step("bank", 1105, 270),
    Step("eject", 1105, 420),
    Step("validator", 285, 560),
    Step("audit_bundle", 460, 560),
    Step("reporter", 800, 560),
)


def edges() -> tuple[Edge, ...]:
    """Every way from step to step; several that end alike share a line."""
    baseline, profile = routing.BASELINE_ATTEMPTS, routing.PROFILE_ATTEMPTS
    harness, patch, bundle = routing.HARNESS_ATTEMPTS, routing.PATCH_ATTEMPTS, routing.BUNDLE_ATTEMPTS
    return (
        Edge(((140, 100), (175, 100))),
        Edge(((295, 100), (342, 100))),
        Edge(((458, 100), (515, 100)), "PASS", (486, 90), PASS),
        Edge(
            ((400, 58), (400, 36), (235, 36), (235, 78)),
            f"FLAG, FAIL: measure again, {baseline} in all",
            (318, 26),
            FAIL,
        ),
        Edge(((635, 100), (682, 100))),
        Edge(((798, 100), (890, 100)), "PASS, FLAG", (843, 90), PASS),
        Edge(((740, 58), (740, 36), (575, 36), (575, 78)), f"FAIL: profile again, {profile} in all", (658, 26), FAIL),
        # The strategist opens both tracks.
        Edge(((950, 122), (950, 184), (110, 184), (110, 248)), "operators, then settings", (530, 184)),
        Edge(((90, 292), (90, 398)), "no operator left", (90, 352)),
        Edge(((155, 270), (220, 270))),
        Edge(((350, 270), (402, 270))),
        Edge(((518, 270), (575, 270)), "PASS", (546, 260), PASS),
        Edge(((460, 228), (460, 214), (285, 214), (285, 248)), f"FLAG, FAIL: redo, {harness} in all", (372, 203), FAIL),
        Edge(
            ((460, 312), (460, 332), (188, 332), (188, 284), (157, 284)),
            "then the operator is dropped",
            (330, 332),
            FAIL,
        ),
        Edge(((705, 270), (740, 270))),
        Edge(((860, 270), (900, 270), (930, 322)), "a claimed gain", (862, 308)),
        Edge(((155, 420), (220, 420))),
        Edge(((350, 420), (900, 420), (930, 362)), "a claimed gain", (625, 420)),
        Edge(((1000, 322), (1030, 270), (1065, 270)), "PASS, FLAG", (1010, 258), PASS),
        Edge(((1000, 367), (1030, 420), (1065, 420)), f"FAIL number {patch}", (1022, 440), FAIL),
        Edge(((970, 303), (970, 228), (800, 228), (800, 248)), "FAIL: back to its producer", (885, 228), FAIL),
        Edge(((970, 387), (970, 470), (110, 470), (110, 442)), "FAIL: back to its producer", (560, 470), FAIL),
        Edge(((1105, 248), (1105, 160), (60, 160), (60, 248)), "next lever", (530, 160)),
        Edge(((1145, 420), (1162, 420), (1162, 160), (1105, 160)), arrow=False),
        Edge(((70, 442), (70, 560), (225, 560)), "nothing left", (148, 560)),
        Edge(((345, 560), (402, 560))),
        Edge(((518, 560), (740, 560)), "PASS, FLAG: publish", (630, 560), PASS),
        Edge(
            ((460, 518), (460, 506), (285, 506), (285, 538)),
            f"FAIL: without the weakest lever, {bundle} in all",
            (372, 495),
            FAIL,
        ),
        Edge(((460, 602), (460, 616), (800, 616), (800, 582)), "then “no verified gain”", (630, 616), FAIL),
    )


def draw() -> str:
    """The picture as SVG."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT + 10}" width="{WIDTH}" '
        f'height="{HEIGHT + 10}" font-family="system-ui, sans-serif" font-size="14" role="img">',
        "<title>The state machine with the verdicts on its edges</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        "<defs>",
        *(_arrow(colour) for colour in (PASS, FLAG, FAIL, PLAIN)),
        "</defs>",
        *(_edge(edge) for edge in edges()),
        *(_step(step) for step in STEPS),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _arrow(colour: str) -> str:
    return (
        f'<marker id="{_name(colour)}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        f'orient="auto-start-reverse"><path d="M0,0 L8,4 L0,8 z" fill="{colour}"/></marker>'
    )


def _edge(edge: Edge) -> str:
    end = f' marker-end="url(#{_name(edge.colour)})"' if edge.arrow else ""
    line = f'<polyline points="{_points(edge.points)}" fill="none" stroke="{edge.colour}" stroke-width="1.6"{end}/>'
    if not edge.label:
        return line
    x, y = edge.at
    return line + (
        f'<text x="{x}" y="{y}" text-anchor="middle" dominant-baseline="middle" font-size="12" '
        f'fill="{edge.colour}" stroke="#ffffff" stroke-width="6" paint-order="stroke">{escape(edge.label)}</text>'
    )


def _step(step: Step) -> str:
    x, y, words = step.x, step.y, (step.text or step.name).replace("_", " ")
    if step.audit:
        corners = ((x - 58, y), (x, y - 42), (x + 58, y), (x, y + 42))
        shape = f'<polygon points="{_points(corners)}" fill="#fff8c5" stroke="#9a6700" stroke-width="1.4"/>'
        first, second = words.split(" ", 1)
        return shape + _text(x, y - 8, first) + _text(x, y + 9, second)
    half = 40 if step.name in ("bank", "eject") else 65 if len(words) > 11 else 60
    fill = {"bank": "#dafbe1", "eject": "#ffebe9"}.get(step.name, "#f6f8fa")
    box = (
        f'<rect x="{x - half}" y="{y - 22}" width="{2 * half}" height="44" rx="8" fill="{fill}" '
        'stroke="#57606a" stroke-width="1.2"/>'
    )
    return box + _text(x, y + 1, words)


def _text(x: float, y: float, words: str) -> str:
    return (
        f'<text x="{x}" y="{y}" text-anchor="middle" dominant-baseline="middle" fill="#1f2328">{escape(words)}</text>'
    )


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)


def _name(colour: str) -> str:
    return f"arrow-{colour.lstrip('#')}"


if __name__ == "__main__":
    FILE.write_text(draw(), encoding="utf-8")
