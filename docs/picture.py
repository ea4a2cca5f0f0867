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

from bankable.graph import routing

FILE = ROOT / "docs" / "machine.svg"
WIDTH, HEIGHT = 1180, 800
PASS, FLAG, FAIL, PLAIN = "#1a7f37", "#9a6700", "#cf222e", "#57606a"
Point = tuple[float, float]


@dataclass(frozen=True)
class DrawnStep:
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
    DrawnStep("preflight", 80, 100),
    DrawnStep("baseline", 235, 100),
    DrawnStep("audit_baseline", 400, 100),
    DrawnStep("profile", 575, 100),
    DrawnStep("audit_profile", 740, 100),
    DrawnStep("strategist", 950, 100),
    DrawnStep("kernel_extractor", 90, 270),
    DrawnStep("op_benchmarker", 285, 270),
    DrawnStep("audit_harness", 460, 270),
    DrawnStep("shortlist", 640, 270),
    DrawnStep("kernel_author", 285, 355),
    DrawnStep("integrator", 800, 270),
    DrawnStep("config_tuner", 90, 460),
    DrawnStep("measure_patch", 285, 460),
    DrawnStep("audit_patch", 970, 365),
    DrawnStep("bank", 1105, 270),
    DrawnStep("eject", 1105, 460),
    DrawnStep("validator", 285, 635),
    DrawnStep("audit_bundle", 460, 635),
    DrawnStep("ladder", 600, 750),
    DrawnStep("audit_frontier", 760, 750),
    DrawnStep("reporter", 800, 635),
)


def edges() -> tuple[Edge, ...]:
    """The ways from step to step that a verdict or a proposal takes; several that end alike share a line."""
    baseline, profile = routing.BASELINE.most, routing.PROFILE.most
    harness, patch, bundle = routing.HARNESS.most, routing.PATCH.most, routing.BUNDLE.most
    return (
        Edge(((140, 100), (175, 100))),
        Edge(((295, 100), (342, 100))),
        Edge(((458, 100), (515, 100)), "PASS", (486, 90), PASS),
        Edge(
            ((400, 58), (400, 36), (235, 36), (235, 78)),
            f"FLAG, FAIL: measure again, {baseline} in all",
            (318, 25),
            FAIL,
        ),
        Edge(((635, 100), (682, 100))),
        Edge(((798, 100), (890, 100)), "PASS, FLAG", (843, 90), PASS),
        Edge(((740, 58), (740, 36), (575, 36), (575, 78)), f"FAIL: profile again, {profile} in all", (658, 25), FAIL),
        # The kernel track: every operator is measured alone, then those that are faster are served together.
        Edge(((950, 122), (950, 168), (90, 168), (90, 248)), "operators, then settings", (530, 168)),
        Edge(((155, 270), (220, 270)), "next", (186, 260)),
        Edge(((130, 292), (130, 355), (220, 355)), "search", (172, 355)),
        Edge(((285, 333), (285, 292)), "new kernel", (285, 313)),
        Edge(((350, 270), (402, 270))),
        Edge(((460, 228), (460, 218), (285, 218), (285, 248)), f"FLAG, FAIL: redo, {harness} in all", (372, 218), FAIL),
        Edge(((518, 270), (580, 270)), "PASS", (547, 260), PASS),
        Edge(((640, 292), (640, 408), (90, 408), (90, 292)), "next operator", (550, 408)),
        Edge(((460, 312), (460, 408)), "then dropped", (460, 345), FAIL, arrow=False),
        Edge(((130, 248), (130, 192), (765, 192), (765, 248)), "those that are faster alone, as one group", (530, 192)),
        Edge(((860, 270), (900, 270), (932, 338)), "a claimed gain", (862, 310)),
        Edge(((970, 323), (970, 228), (838, 228), (838, 248)), "FAIL: to its producer", (904, 228), FAIL),
        # The settings.
        Edge(((50, 292), (50, 438)), "no group", (50, 375)),
        Edge(((155, 460), (220, 460))),
        Edge(((350, 460), (890, 460), (932, 392)), "a claimed gain", (625, 460)),
        Edge(((970, 407), (970, 510), (120, 510), (120, 482)), "FAIL: to its producer", (560, 510), FAIL),
        Edge(((998, 343), (1030, 270), (1065, 270)), "PASS, FLAG", (1010, 256), PASS),
        Edge(((998, 387), (1030, 460), (1065, 460)), f"FAIL number {patch}", (1010, 478), FAIL),
        Edge(((1145, 460), (1162, 460)), arrow=False),
        Edge(((1145, 270), (1162, 270)), arrow=False),
        Edge(((1162, 270), (1162, 204), (795, 204), (795, 248)), "next group", (1050, 204)),
        Edge(((1162, 270), (1162, 545), (90, 545), (90, 482)), "next setting", (560, 545)),
        # The bundle.
        Edge(((50, 482), (50, 635), (225, 635)), "nothing left", (135, 635)),
        Edge(((345, 635), (402, 635))),
        Edge(((518, 635), (740, 635)), "PASS, FLAG: publish", (630, 635), PASS),
        Edge(
            ((460, 593), (460, 583), (285, 583), (285, 613)),
            f"FAIL: without the weakest lever, {bundle} in all",
            (372, 572),
            FAIL,
        ),
        Edge(((460, 677), (460, 692), (780, 692), (780, 657)), "then “no verified gain”", (690, 692), FAIL),
        # Several loads, with a bundle or without.
        Edge(((560, 635), (560, 728)), "several loads", (560, 712)),
        Edge(((660, 750), (702, 750))),
        Edge(((818, 750), (840, 750), (840, 657)), "PASS, FLAG: name points", (925, 712), PASS),
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


def _step(step: DrawnStep) -> str:
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
