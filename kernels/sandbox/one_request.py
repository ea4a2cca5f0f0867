"""Starts a worker for a single request, and reads its replies from a file when it has ended."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bankable.kernels.worker.protocol import ProtocolError, decode, encode, whole_lines
from bankable.tools.errors import UserError
from bankable.tools.package import program
from bankable.tools.serving.environment import isolate_environment


@dataclass(frozen=True)
class Replies:
    """The replies of a worker, and how it ended."""

    messages: tuple[Any, ...]
    """Of the expected kinds, in order; a torn last line is dropped."""
    status: int
    """Exit status; negative: the signal that ended it."""
    error: str
    """Last line of its error output."""


def ask_worker(
    module: str,
    request: object,
    expected: tuple[type[Any], ...],
    python: Path,
    environment: Mapping[str, str],
    limit_s: float,
) -> Replies:
    """Run ``module`` under ``python`` in an empty folder with an empty Triton cache.

    Raises ``UserError`` if it does not start, does not end in ``limit_s``, or sends something else.
    """
    with tempfile.TemporaryDirectory(prefix="bankable-worker-") as folder:
        replies = Path(folder) / "replies.jsonl"
        try:
            done = subprocess.run(
                [str(python), *program(module, str(replies))],
                input=encode(request),
                cwd=folder,
                env=isolate_environment({**environment, "TRITON_CACHE_DIR": f"{folder}/cache"}),
                capture_output=True,
                timeout=limit_s,
                check=False,
            )
            lines = list(whole_lines(replies.read_bytes())) if replies.is_file() else []
            messages = tuple(decode(line, *expected) for line in lines)
        except OSError as problem:
            raise UserError(
                f"Cannot run the worker: the engine's interpreter does not start: {problem}",
                str(python),
                "check --engine-python",
            ) from problem
        except subprocess.TimeoutExpired:
            raise UserError(
                f"Cannot finish the request: worker timed out after {limit_s:.0f} s", module, "ask for fewer shapes"
            ) from None
        except ProtocolError as problem:
            raise UserError(
                f"Cannot read the worker's reply: {str(problem)[:300]}",
                module,
                "check that the engine's environment is unmodified",
            ) from None
    error = (done.stderr.decode("utf-8", "replace").strip() or "no error output").splitlines()[-1][:300]
    return Replies(messages, done.returncode, error)
