"""Makes a language model serve faster on sglang, and banks only what an independent auditor re-derived.

The public interface: ``audit`` judges benchmark files, ``verify`` derives the verdicts of a run or bundle again,
``run`` is a whole optimization, and ``Verdict`` is what an audit returns. Each is imported when first used, so that
``import bankable`` costs nothing and works under an engine's interpreter, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bankable.graph.api import audit, run, verify
    from bankable.nodes.auditor.verdict import Verdict

__all__ = ["Verdict", "audit", "run", "verify"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    home = "bankable.nodes.auditor.verdict" if name == "Verdict" else "bankable.graph.api"
    return getattr(import_module(home), name)
