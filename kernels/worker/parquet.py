"""Writes JSON lines from standard input to the Parquet file that its argument names. Needs pyarrow."""

from __future__ import annotations

import io
import sys
from importlib import import_module


def main() -> None:
    # The engine's environment has it, the orchestrator's does not.
    reader, writer = import_module("pyarrow.json"), import_module("pyarrow.parquet")
    text = sys.stdin.buffer.read()
    options = reader.ReadOptions(block_size=max(1 << 20, len(text) + 1))
    writer.write_table(reader.read_json(io.BytesIO(text), read_options=options), sys.argv[1])
