"""Changes nothing, and reports which source file the operator of this server is from."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from _bankable.point import OverlayPoint, source_of


class Watch:
    """One operator of a server that is left as it is."""

    def __init__(self, point: OverlayPoint) -> None:
        self.point = point
        self._module: ModuleType | None = None

    def install(self, module: ModuleType) -> None:
        """Remember where to look."""
        self._module = module

    def lines(self) -> list[dict[str, Any]]:
        """What there is to report."""
        if self._module is None:
            return []
        owner, name = self.point.owner(self._module)
        current = owner.__dict__.get(name)
        digest = source_of(current)[1] if current is not None else ""
        return [{"operator": self.point.operator, "mode": self.point.mode, "module": digest}]
