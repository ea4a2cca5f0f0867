"""Which of the engine's model files a server does not need: sglang's registry imports all of them at every start.

``SGLANG_DISABLED_MODEL_ARCHS`` is sglang's own setting (0.5.23, ``srt/models/registry.py``): files that it
names are passed over by the registry, and are imported all the same where another file asks for them. What is served
is the same; a start is shorter by the import of some 200 files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from bankable.tools.evidence.records import Scalar

DISABLED = "SGLANG_DISABLED_MODEL_ARCHS"
MODELS = Path("srt") / "models"
KEPT = ("transformers", "registry")
"""Beginnings of file names that are always kept: what serves an architecture without a file of its own."""
MOST_BYTES = 4 << 20


def list_unneeded(package: Path, architecture: str, flags: Mapping[str, Scalar]) -> tuple[str, ...]:
    """Names of the model files that a server of this architecture need not import, sorted.

    A file is needed that names the architecture, or defines a class of its family (``Qwen3…`` for
    ``Qwen3ForCausalLM``). Nothing is left out where a draft model is served too, the engine does not know the setting,
    or no file names the architecture.
    """
    if any(name.startswith("speculative") for name in flags):
        return ()
    return _list_unneeded(package, architecture)


@lru_cache(maxsize=32)
def _list_unneeded(package: Path, architecture: str) -> tuple[str, ...]:
    if DISABLED not in _read(package / MODELS / "registry.py"):
        return ()
    family = re.sub(r"For[A-Z]\w*$", "", architecture)
    needed = re.compile(rf"\b{re.escape(architecture)}\b|^class {re.escape(family)}", re.MULTILINE)
    texts = {path.stem: _read(path) for path in (package / MODELS).glob("*.py")}
    models = {name for name, text in texts.items() if re.search(r"^EntryClass\b", text, re.MULTILINE)}
    kept = {name for name in models if name.startswith(KEPT) or needed.search(texts[name])}
    if not any(re.search(rf"\b{re.escape(architecture)}\b", texts[name]) for name in kept):
        return ()
    return tuple(sorted(models - kept))


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as source:
            return source.read(MOST_BYTES)
    except OSError:
        return ""
