"""Checks that no module of ours shadows the package ``kernels`` of Hugging Face, which sglang requires."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from bankable.tools.package import FOLDER, program
from bankable.tools.serving.environment import isolate_environment

TIMEOUT_S = 120.0
"""Timeout in seconds. Nothing heavy is imported, but a loaded machine starts an interpreter slowly."""


class KernelsName(BaseModel):
    """What the engine's interpreter imports under the name ``kernels``."""

    model_config = ConfigDict(frozen=True)

    seen: str | None
    """File, or folder of a namespace package, that ``import kernels`` would load; ``None`` when there is none."""
    installed: str | None
    """``__init__.py`` of Hugging Face's installed package; ``None`` when it is not installed."""
    version: str
    """Its version; empty when it is not installed."""

    @property
    def hidden(self) -> bool:
        """Whether another package is imported under its name."""
        return self.seen is not None and self.seen != self.installed

    def line(self) -> str:
        """One sentence for ``doctor``."""
        if self.hidden:
            return f"`import kernels` loads {self.seen} in the engine, not Hugging Face's package"
        if self.seen is None:
            return "Hugging Face's kernels package is not installed in the engine"
        return f"Hugging Face's kernels {self.version} is what the engine imports"


def find_kernels_name(python: Path, extra: dict[str, str] | None = None) -> KernelsName:
    """Query the interpreter ``python``, started as kernel workers are.

    ``extra``: additional environment variables. Raises ``RuntimeError`` when there is no answer.
    """
    with tempfile.TemporaryDirectory(prefix="bankable-names-") as folder:
        try:
            done = subprocess.run(
                [str(python), *program("bankable.graph.import_probe")],
                env=isolate_environment(extra or {}),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=TIMEOUT_S,
                check=False,
            )
            return KernelsName.model_validate_json(done.stdout.strip() or b"{}")
        except (OSError, subprocess.TimeoutExpired, ValidationError) as problem:
            raise RuntimeError(f"{python} does not say what it imports: {problem}") from problem


def bankable_folder() -> Path:
    """Where ``bankable`` is imported from in this process: a checkout, or the installed package."""
    return FOLDER
