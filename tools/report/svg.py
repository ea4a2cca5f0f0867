"""Basic SVG shapes for the plots. Colours are classes: the style sheet defines them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from html import escape

MAX_TICKS = 12


@dataclass(frozen=True)
class Scale:
    """Maps values in [low, high] to pixels in [start, end]."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        part = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return self.start + (self.end - self.start) * min(1.05, max(-0.05, part))


@dataclass
class Drawing:
    """An SVG element under construction."""

    width: int
    height: int
    label: str
    """What the picture shows, for screen readers."""
    parts: list[str] = field(default_factory=list)

    def line(self, start: tuple[float, float], end: tuple[float, float], cls: str) -> None:
        """A straight line."""
        self.parts.append(
            f'<line class="{cls}" x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"/>'
        )

    def dot(self, at: tuple[float, float], cls: str, radius: float = 3.5, title: str = "") -> None:
        """A circle, with a tooltip."""
        self.parts.append(
            f'<circle class="{cls}" cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="{radius}">'
            f"<title>{escape(title)}</title></circle>"
        )

    def box(self, corner: tuple[float, float], size: tuple[float, float], cls: str) -> None:
        """A rectangle."""
        self.parts.append(
            f'<rect class="{cls}" x="{corner[0]:.1f}" y="{corner[1]:.1f}" width="{max(size[0], 0):.1f}" '
            f'height="{max(size[1], 0):.1f}"/>'
        )

    def path(self, points: list[tuple[float, float]], cls: str) -> None:
        """A line through points."""
        if points:
            self.parts.append(f'<polyline class="{cls}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>')

    def open_group(self, cls: str) -> None:
        """Begin a group of shapes."""
        self.parts.append(f'<g class="{cls}">')

    def close_group(self) -> None:
        """End the group that was begun last."""
        self.parts.append("</g>")

    def text(self, at: tuple[float, float], text: str, cls: str = "", anchor: str = "start") -> None:
        """A label."""
        self.parts.append(
            f'<text class="{cls}" x="{at[0]:.1f}" y="{at[1]:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
        )

    def to_svg(self) -> str:
        """The element, scaling with its container."""
        return (
            f'<svg viewBox="0 0 {self.width} {self.height}" role="img" aria-label="{escape(self.label, quote=True)}">'
            + "".join(self.parts)
            + "</svg>"
        )


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers that cover [low, high], at most ``MAX_TICKS`` of them."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low] if math.isfinite(low) else []
    raw = (high - low) / about
    if not math.ulp(0.0) * 1e6 < raw < math.inf:
        return [low]  # too close together, or too far apart, to put a number between them
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    marks = [step * (first + i) for i in range(MAX_TICKS)]
    return [tick for tick in marks if tick <= high + step * 1e-9]
