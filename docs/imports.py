"""Draws which package imports which, from the sources: a page with a picture, floors, upward arrows and circles.

``docs/generate.py`` writes the page. Imports are read from the syntax trees, so that nothing has to be installed.
"""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FLOORS = (("graph", "evals"), ("nodes", "nodes.auditor"), ("kernels",), ("tools",))
"""Packages from the top floor to the ground: an import may lead down, never up. ``nodes`` is the roles."""
CENTRES = {
    "graph": (250, 40),
    "evals": (660, 40),
    "nodes": (120, 150),
    "nodes.auditor": (480, 150),
    "kernels": (120, 260),
    "tools": (360, 370),
}
"""Of each box, in pixels."""
BOX = (150, 46)
"""Width and height of a box, in pixels."""
EARLIER = ("0.1.0", 651, 2690, 0, 1)
"""Version, modules, imports, upward ones and circles before this layout; ``traced`` and ``tracing`` were the circle."""

Import = tuple[str, str]


@dataclass(frozen=True)
class ImportGraph:
    """Modules by their name below ``bankable``, and which of them imports which."""

    modules: frozenset[str]
    imports: frozenset[Import]

    def between_packages(self) -> Counter[Import]:
        """Number of imports that lead from one package to another."""
        pairs = ((package_of(source), package_of(target)) for source, target in self.imports)
        return Counter((source, target) for source, target in pairs if source != target)

    def upward(self) -> list[Import]:
        """Imports that lead to a higher floor."""
        return sorted(pair for pair in self.imports if floor_of(pair[0]) > floor_of(pair[1]))

    def circles(self) -> list[list[str]]:
        """Sets of modules that import each other, directly or through others; none in a sound tree."""
        targets: dict[str, set[str]] = defaultdict(set)
        for source, target in self.imports:
            targets[source].add(target)
        reached = {module: _reach(module, targets) for module in self.modules}
        groups = {
            frozenset(other for other in reached[module] if module in reached[other])
            for module in self.modules
            if module in reached[module]
        }
        return sorted(sorted(group) for group in groups)


def _reach(module: str, targets: dict[str, set[str]]) -> set[str]:
    """All modules that an import of this one loads; itself only where it lies in a circle."""
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        new = targets[waiting.pop()] - seen
        seen |= new
        waiting += new
    return seen


def package_of(module: str) -> str:
    """The box that a module belongs to."""
    return "nodes.auditor" if module.startswith("nodes.auditor") else module.partition(".")[0]


def floor_of(module: str) -> int:
    """Index into ``FLOORS``; 0 is the top."""
    return next(number for number, floor in enumerate(FLOORS) if package_of(module) in floor)


def read_imports(root: Path) -> ImportGraph:
    """The imports of all packages of the checkout ``root``."""
    folders = sorted({package.partition(".")[0] for floor in FLOORS for package in floor})
    files = {_name(path.relative_to(root)): path for folder in folders for path in (root / folder).rglob("*.py")}
    imports = {
        (module, target)
        for module, path in files.items()
        for name in _imported_names(ast.parse(path.read_text("utf-8")))
        if (target := _module_of(name, files)) and target != module
    }
    return ImportGraph(frozenset(files), frozenset(imports))


def _name(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _imported_names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _module_of(name: str, modules: dict[str, Path]) -> str:
    """The module below ``bankable`` that an imported name lies in; empty for another project's."""
    below = name.removeprefix("bankable.") if name.startswith("bankable.") else ""
    while below and below not in modules:
        below = below.rpartition(".")[0]
    return below


def draw(graph: ImportGraph) -> str:
    """The boxes with their numbers of modules, and the arrows with their numbers of imports, as SVG."""
    sizes = Counter(package_of(module) for module in graph.modules)
    parts = [
        '<svg viewBox="0 0 750 410" role="img" aria-label="Imports between the packages" font-size="13">',
        '<defs><marker id="head" markerWidth="9" markerHeight="7" refX="9" refY="3.5" orient="auto">'
        '<path d="M0,0 L9,3.5 L0,7 z" fill="#57606a"/></marker></defs>',
    ]
    for (source, target), count in sorted(graph.between_packages().items()):
        parts += _arrow(source, target, count)
    for package, (x, y) in CENTRES.items():
        title = "nodes (roles)" if package == "nodes" else package
        parts += [
            f'<rect x="{x - BOX[0] // 2}" y="{y - BOX[1] // 2}" width="{BOX[0]}" height="{BOX[1]}" rx="6" '
            'fill="#eef1f5" stroke="#57606a"/>',
            f'<text x="{x}" y="{y - 3}" text-anchor="middle" font-weight="bold" fill="#1f2328">{title}</text>',
            f'<text x="{x}" y="{y + 14}" text-anchor="middle" fill="#1f2328">{sizes[package]} modules</text>',
        ]
    return "\n".join([*parts, "</svg>"])


def _arrow(source: str, target: str, count: int) -> list[str]:
    """A line from the lower edge of one box to the upper edge of another; an upward one is red and dashed."""
    down = floor_of(source) <= floor_of(target)
    (x, y), (to_x, to_y) = CENTRES[source], CENTRES[target]
    half = BOX[1] // 2 if down else -(BOX[1] // 2)
    shift = (x - to_x) // 5
    y, to_x, to_y = y + half, to_x + shift, to_y - half
    style = 'stroke="#57606a"' if down else 'stroke="#cf222e" stroke-dasharray="5 3"'
    at_x, at_y = x + 0.3 * (to_x - x), y + 0.3 * (to_y - y)
    return [
        f'<line x1="{x}" y1="{y}" x2="{to_x}" y2="{to_y}" {style} marker-end="url(#head)"/>',
        f'<text x="{at_x + 5:.0f}" y="{at_y + 4:.0f}" fill="#57606a">{count}</text>',
    ]


def page(root: Path) -> str:
    """The page of the site."""
    graph = read_imports(root)
    circles, upward = graph.circles(), graph.upward()
    rows = [EARLIER, ("now", len(graph.modules), len(graph.imports), len(upward), len(circles))]
    lines = [
        "# Packages and imports",
        "",
        "This page is generated from the sources. A box is a package, an arrow an import of one of its modules by "
        "another; the number on an arrow counts them. Imports lead down only: `make lint` holds that "
        "(`[tool.importlinter]` in `pyproject.toml`). A circle is a set of modules that import each other.",
        "",
        draw(graph),
        "",
        "| version | modules | imports | upward | circles |",
        "| --- | --- | --- | --- | --- |",
        *(f"| {' | '.join(map(str, row))} |" for row in rows),
    ]
    lines += [f"\nUpward: `{source}` imports `{target}`." for source, target in upward]
    lines += [f"\nCircle: {', '.join(f'`{module}`' for module in circle)}." for circle in circles]
    return "\n".join(lines) + "\n"
