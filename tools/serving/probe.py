"""Greedy probes: sends one prompt to one server, and parses the number out of an answer."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from bankable.tools.errors import UserError
from bankable.tools.evidence.records import Generation
from bankable.tools.serving.client import ServerClient, ServerUnreachable
from bankable.tools.serving.driver import ProbePrompt

NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
TEXT_LIMIT = 20_000
"""Characters of an answer in which a number is looked for."""
PROBE_LIMIT = 10_000
LINE_LIMIT = 1024 * 1024


def ask(client: ServerClient, prompt: ProbePrompt, repeat: int) -> Generation:
    """The greedy answer; a request error is recorded in it, not raised."""
    try:
        reply = client.generate(prompt.text, prompt.max_new_tokens, prompt.stop)
        return _generation(prompt, repeat, reply)
    except (ServerUnreachable, KeyError, TypeError, ValueError) as error:
        return Generation(
            prompt_id=prompt.prompt_id,
            repeat=repeat,
            prompt=prompt.text,
            token_ids=[],
            text="",
            finish_reason="error",
            error=f"{type(error).__name__}: {error}"[:500],
        )


def _generation(prompt: ProbePrompt, repeat: int, reply: dict[str, Any]) -> Generation:
    meta = reply["meta_info"]
    ids = reply.get("output_ids")
    finish = meta.get("finish_reason")
    return Generation(
        prompt_id=prompt.prompt_id,
        repeat=repeat,
        prompt=prompt.text,
        token_ids=[int(token) for token in ids] if ids is not None else [],
        text=str(reply["text"]),
        finish_reason=str(finish.get("type")) if isinstance(finish, dict) else str(finish),
        error=None if ids is not None else "the server returned no token ids",
    )


def read_number(text: str) -> str | None:
    """The last number, written as GSM8K's ``#### N`` is: ``"... is $1,250.00."`` → ``"1250"``; ``None`` without one."""
    numbers = NUMBER.findall(text[:TEXT_LIMIT])
    if not numbers:
        return None
    number = str(numbers[-1]).replace(",", "")
    return number.rstrip("0").rstrip(".") if "." in number else number


def load_probes(path: Path, max_new_tokens: int = 32) -> list[ProbePrompt]:
    """Probe prompts from JSONL, ``{"id": "p1", "prompt": "..."}`` a line. Raises ``UserError`` naming the bad line."""
    prompts: list[ProbePrompt] = []
    try:
        with path.open("rb") as source:
            for number, line in enumerate(iter(lambda: source.readline(LINE_LIMIT), b""), start=1):
                if not line.strip():
                    continue
                if number > PROBE_LIMIT:
                    raise UserError(f"Cannot read the probe prompts: more than {PROBE_LIMIT}", str(path), "take fewer")
                prompts.append(_probe(line, f"{path}:{number}", max_new_tokens))
    except OSError as error:
        raise UserError(
            f"Cannot read the probe prompts: {error.strerror or error}", str(path), "check the path"
        ) from error
    if not prompts:
        raise UserError(
            "Cannot read the probe prompts: there are none", str(path), 'write one {"id": ..., "prompt": ...} per line'
        )
    return prompts


def _probe(line: bytes, where: str, max_new_tokens: int) -> ProbePrompt:
    try:
        record = json.loads(line)
        return ProbePrompt(
            prompt_id=str(record["id"]),
            text=str(record["prompt"]),
            max_new_tokens=int(record.get("max_new_tokens", max_new_tokens)),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(
            "Cannot read the probe prompts: line is not a probe prompt", where, 'write {"id": ..., "prompt": ...}'
        ) from error
