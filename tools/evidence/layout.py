"""Names of the files that evidence consists of."""

from __future__ import annotations

COMPARISON_FILES = ("plan.json", "claim.json")
OVERLAY_FOLDER = "overlay"
"""Replaces operators in the candidate's servers."""
WATCH_FOLDER = "watch"
"""Watches the same patch points in the reference's servers, and changes nothing. Not part of what is audited."""
LEG_FILES = (
    "leg.json",
    "bench_runs.jsonl",
    "server.log",
    "server_info.json",
    "outputs.jsonl",
    "accuracy.jsonl",
    "engagement.jsonl",
    "host.jsonl",
)
RECORDER_FOLDER = "recorder"
"""What the recorder signed, and its public keys."""
CHAIN_FILE = f"{RECORDER_FOLDER}/chain.jsonl"
MAX_CHAIN_BYTES = 64 << 20
"""Bytes read of the recorder's chain: a hundred thousand files."""
MAX_FILE_BYTES = 1 << 29
"""512 MiB: a larger evidence file is refused, not truncated."""


def key_file(number: int) -> str:
    """The file with the public key of a run's recorder, by its number."""
    return f"{RECORDER_FOLDER}/key-{number}.json"
