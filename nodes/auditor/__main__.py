"""``python -m nodes.auditor SEALED_DIR``: the verdict as canonical JSON on standard output."""

from __future__ import annotations

import sys
from pathlib import Path

from nodes.auditor.engine import evaluate
from tools.errors import UserError

USAGE = "usage: python -m nodes.auditor SEALED_DIR"


def main(arguments: list[str]) -> int:
    """Exit code 0 with a verdict, whatever it says; 2 when the folder cannot be judged at all."""
    if len(arguments) != 1:
        print(USAGE, file=sys.stderr)
        return 2
    try:
        verdict = evaluate(Path(arguments[0]))
    except UserError as problem:
        print(problem, file=sys.stderr)
        return 2
    sys.stdout.buffer.write(verdict.to_bytes())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
