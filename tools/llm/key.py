"""The API key, read from the environment only, and the addresses to which it may be sent."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import SecretStr

from bankable.tools.errors import UserError
from bankable.tools.llm.address import OPENAI, is_loopback
from bankable.tools.llm.settings import Endpoint

OWN = "BANKABLE_LLM_KEY"
"""For any address; ``BANKABLE_LLM_KEY_JUDGE`` for one role."""
THEIRS = "OPENAI_API_KEY"
"""For OpenAI's own address alone: another server has no business with it."""
NO_KEY = "none"
"""Placeholder key for a server on this machine, which rarely needs one."""


def key_for(role: str, endpoint: Endpoint, environ: Mapping[str, str]) -> SecretStr:
    """The key for this role at this address. Raises ``UserError`` without one, unless the server is on this machine."""
    names = [f"{OWN}_{role.upper()}", OWN, *([THEIRS] if endpoint.base_url == OPENAI else [])]
    name = next((name for name in names if environ.get(name)), None)
    if name is None:
        if is_loopback(endpoint.base_url):
            return SecretStr(NO_KEY)
        raise UserError("Cannot ask the language model: no key", role, f"set {names[-1]} in the environment")
    key = environ[name].strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise UserError(
            "Cannot use the key: it contains characters that are not printable ASCII", name, "copy it again"
        )
    return SecretStr(key)
