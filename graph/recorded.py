"""Checks the recorder's signatures of a run folder or of a bundle's evidence, for ``verify``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bankable.graph.key_source import library_missing
from bankable.tools.errors import UserError
from bankable.tools.evidence.folder import read_run
from bankable.tools.evidence.layout import CHAIN_FILE, MAX_CHAIN_BYTES, RECORDER_FOLDER, key_file
from bankable.tools.evidence.ledger import read_ledger
from bankable.tools.evidence.store import sha256_file
from bankable.tools.recorder.check import ChainProblem, RecorderChain

MOST = 20
"""Problems that are listed; one more line says how many there are besides."""


@dataclass(frozen=True)
class RecorderCheck:
    """What the signatures of the recorder show."""

    problems: tuple[str, ...]
    """One sentence each; the file and line come first."""
    described: str
    """Who signed how much; empty without a recorder."""


def check_recorder(root: Path, digest_of: Callable[[Path], str] = sha256_file) -> RecorderCheck:
    """Check every signed file that is in ``root``, and the chain itself. Raises ``UserError`` without cryptography.

    ``digest_of`` gives the sha256 of a file.
    """
    path, entries = root / CHAIN_FILE, read_ledger(root)
    if not path.is_file():
        named = any(entry.path.startswith(f"{RECORDER_FOLDER}/") for entry in entries)
        return RecorderCheck((f"{CHAIN_FILE}: gone, although the ledger names a recorder",) if named else (), "")
    if path.stat().st_size > MAX_CHAIN_BYTES:
        return RecorderCheck((f"{CHAIN_FILE}: larger than {MAX_CHAIN_BYTES >> 20} MiB",), "")
    chain = RecorderChain(path.read_bytes())
    try:
        run_id = read_run(root).run_id
    except UserError as problem:
        return RecorderCheck((f"run.json: {problem}",), "")
    try:
        problems = [*chain.check_lines(run_id), *chain.check_keys(_key_files(root, chain))]
    except ImportError as missing:
        raise library_missing(missing) from None
    present = {
        name: digest_of(root / name)
        for name in chain.files
        if (root / name).is_file() and (root / name).resolve().is_relative_to(root.resolve())
    }
    # A bundle's evidence holds the chain and the ledger as they were a moment apart: the ledger is never ahead.
    problems += [*chain.check_files(present), *chain.check_ledger(entries)]
    lines = [_line(problem) for problem in problems[:MOST]]
    if len(problems) > MOST:
        lines.append(f"{CHAIN_FILE}: {len(problems) - MOST} more problems not listed")
    return RecorderCheck(tuple(lines), chain.describe())


def _key_files(root: Path, chain: RecorderChain) -> dict[int, bytes]:
    paths = {part.opened.recorder: root / key_file(part.opened.recorder) for part in chain.parts}
    return {number: path.read_bytes() for number, path in paths.items() if path.is_file()}


def _line(problem: ChainProblem) -> str:
    place = problem.file if problem.line is None else f"{problem.file}:{problem.line}"
    return f"{place}: expected {problem.expected}, found {problem.observed}"
