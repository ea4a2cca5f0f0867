"""``python -m bankable.evals.fuzz [TARGET …] [--seconds N]``: fuzz the readers of evidence, each for that long.

Needs the extra ``fuzz`` (atheris, Linux). A crash leaves its input in ``fuzz-crash-TARGET-*`` and exit code 1. Every
target runs in a process of its own, because the fuzzer takes its process over.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

NAMES = ("rounds", "records", "arguments", "log", "tensors", "verdicts", "foreign")
LONGEST = 1 << 16
"""Bytes of an input: longer ones find nothing that these do not, and slower."""
ROOT = Path(__file__).resolve().parents[2]


def main(arguments: list[str]) -> int:
    """Exit code 0 when nothing broke, 1 when something did, 2 when there is no fuzzer."""
    parser = argparse.ArgumentParser(prog="python -m bankable.evals.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", default=NAMES, help=", ".join(NAMES))
    parser.add_argument("--seconds", type=int, default=60, help="of each target")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if unknown := set(options.targets) - set(NAMES):
        parser.error(f"no target {', '.join(sorted(unknown))}: choose from {', '.join(NAMES)}")
    if find_spec("atheris") is None:
        print("no fuzzer: install the extra `fuzz` (atheris, Linux only)", file=sys.stderr)
        return 2
    if options.one:
        return _fuzz(options.one, options.seconds)
    broken = [name for name in options.targets if not _apart(name, options.seconds)]
    print(f"broken: {', '.join(broken)}" if broken else f"nothing broke in {len(options.targets)} targets")
    return 1 if broken else 0


def _apart(name: str, seconds: int) -> bool:
    command = [sys.executable, "-m", "bankable.evals.fuzz", "--one", name, "--seconds", str(seconds)]
    return subprocess.run(command, check=False, cwd=ROOT).returncode == 0


def _fuzz(name: str, seconds: int) -> int:
    import atheris  # noqa: PLC0415 - the extra that this command needs

    with atheris.instrument_imports(include=["bankable.nodes", "bankable.tools"]):
        from bankable.evals.fuzz.corpus import mutate_json, write_corpus  # noqa: PLC0415 - instrumented on import
        from bankable.evals.fuzz.targets import run_one  # noqa: PLC0415 - instrumented on import

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        rng = random.Random(seed)
        changed: bytes = mutate_json(data, rng, name) if rng.random() < 0.5 else atheris.Mutate(data, most)
        return changed[:most]

    folder = tempfile.mkdtemp(prefix=f"fuzz-{name}-")
    write_corpus(Path(folder), name)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST}",
        "-timeout=20",
        "-rss_limit_mb=2048",
        f"-artifact_prefix=fuzz-crash-{name}-",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, f"{folder}/corpus"], lambda data: run_one(name, data), custom_mutator=mutate)
    atheris.Fuzz()  # does not come back
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
