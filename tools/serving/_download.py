"""Downloads one revision of a model: ``_download.py ID REVISION``; runs under the engine's interpreter.

The progress bar is on standard error. The last line on standard output is the folder, or why there is none.
"""

from __future__ import annotations

import os
import sys

WANTED = ("*.json", "*.safetensors", "*.txt", "*.model", "*.tiktoken", "*.jinja")
"""Configuration, tokenizer and weights; no pickled weights and no code."""


def main() -> None:
    if sys.path[0] == os.path.dirname(os.path.abspath(__file__)):
        del sys.path[0]  # before Python 3.11 the script's folder is importable, and ours has common names in it
    os.environ.setdefault("HF_HUB_ETAG_TIMEOUT", "10")
    try:
        from huggingface_hub import snapshot_download  # noqa: PLC0415 - only the engine has it

        print(snapshot_download(sys.argv[1], revision=sys.argv[2], allow_patterns=list(WANTED)))
    except Exception as problem:
        lines = str(problem).strip().splitlines()
        print(f"{type(problem).__name__}: {lines[0] if lines else ''}")
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
