"""``python -m bankable.nodes.auditor SEALED_DIR [JOBS]``: the verdict as canonical JSON on standard output."""

from __future__ import annotations

import sys
from pathlib import Path

from bankable.nodes.auditor.engine import evaluate
from bankable.nodes.auditor.reading.fork_map import cores
from bankable.tools.errors import UserError

USAGE = "usage: python -m bankable.nodes.auditor SEALED_DIR [JOBS]"
MEMORY_BYTES = 8 << 30
"""Address space limit of each process, bytes: evidence that needs more gives a finding."""


def main(arguments: list[str]) -> int:
    """Exit code 0 with a verdict of any kind; 2 when the folder cannot be judged at all."""
    if len(arguments) not in (1, 2) or (len(arguments) == 2 and not arguments[1].isdecimal()):
        print(USAGE, file=sys.stderr)
        return 2
    bound_memory(MEMORY_BYTES)
    try:
        verdict = evaluate(Path(arguments[0]), jobs=int(arguments[1]) if len(arguments) == 2 else cores())
    except UserError as problem:
        print(problem, file=sys.stderr)
        return 2
    sys.stdout.buffer.write(verdict.to_bytes())
    return 0


def bound_memory(most: int) -> None:
    """Limit the address space to ``most`` bytes, where the system can."""
    try:
        import resource  # noqa: PLC0415  # not on Windows

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    except (ImportError, OSError, ValueError):
        return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
