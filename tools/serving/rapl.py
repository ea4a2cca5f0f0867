"""Energy counters of the processor packages: RAPL as Linux shows it below ``/sys/class/powercap``.

The counter is of the whole package: everything that runs on it, and neither memory nor the rest of the machine. Since
Linux 5.10 only root may read it by default. Where it cannot be read there is no meter, and nothing is estimated.
"""

from __future__ import annotations

from pathlib import Path

POWERCAP = Path("/sys/class/powercap")
PACKAGE = "package-"
"""Beginning of the names of the domains that are packages; ``psys``, ``core`` and ``dram`` overlap with them."""


class RaplMeter:
    """Sums the packages' counters, and goes on where one of them wraps round."""

    def __init__(self, folder: Path = POWERCAP) -> None:
        self._last: dict[Path, int] = {}
        self._ranges: dict[Path, int] = {}
        self._joules = 0.0
        for domain in sorted(folder.glob("intel-rapl:*")) if folder.is_dir() else ():
            name, counter = _read_text(domain / "name"), _read_whole(domain / "energy_uj")
            span = _read_whole(domain / "max_energy_range_uj")
            if name is not None and name.startswith(PACKAGE) and counter is not None and span:
                self._last[domain], self._ranges[domain] = counter, span

    @property
    def packages(self) -> int:
        """Packages with a counter that can be read; 0: there is no meter."""
        return len(self._last)

    def read(self) -> float | None:
        """Joules since the meter was made; ``None`` without a meter, and from a read that fails."""
        if not self._last:
            return None
        for domain, last in self._last.items():
            now = _read_whole(domain / "energy_uj")
            if now is None:
                return None
            self._joules += (now - last if now >= last else now - last + self._ranges[domain]) / 1e6
            self._last[domain] = now
        return self._joules


def _read_text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None


def _read_whole(path: Path) -> int | None:
    text = _read_text(path)
    return int(text) if text is not None and text.isdecimal() else None
