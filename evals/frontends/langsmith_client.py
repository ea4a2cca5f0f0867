"""A LangSmith client that sends the given data only, and nothing about this machine.

The key is read here and stays here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bankable.tools.errors import UserError
from bankable.tools.llm.address import check_address, is_loopback

if TYPE_CHECKING:
    from langsmith import Client

ENDPOINT, KEY = "LANGSMITH_ENDPOINT", "LANGSMITH_API_KEY"
THEIRS = "https://api.smith.langchain.com"
TIMEOUT_MS = (10_000, 120_000)
"""For connecting, and for an answer."""


def connect(environ: Mapping[str, str]) -> Client:
    """Raises ``UserError`` without the library, without a key, or for an address that must not be used."""
    try:
        from langsmith import Client  # noqa: PLC0415 - the extra trace brings it
    except ImportError:
        fix = "run pip install 'bankable[run,trace]'"
        raise UserError("Cannot connect to LangSmith: langsmith is not installed", "push langsmith", fix) from None
    try:
        url = check_address(environ.get(ENDPOINT) or THEIRS)
    except UserError:
        raise UserError(
            "Cannot connect to LangSmith: address is not allowed", ENDPOINT, "use https, or http on this machine"
        ) from None
    key = environ.get(KEY, "").strip() or ("none" if is_loopback(url) else "")
    if not key or not key.isascii() or not key.isprintable():
        raise UserError("Cannot connect to LangSmith: no usable key", KEY, "set it in the environment")
    # The library logs requests that fail, with their whole content.
    logging.getLogger("langsmith").setLevel(logging.CRITICAL)
    return Client(
        url,
        api_key=key,
        timeout_ms=TIMEOUT_MS,
        auto_batch_tracing=False,
        omit_traced_runtime_info=True,
        tracing_sampling_rate=1.0,
        disable_prompt_cache=True,
        hide_inputs=False,
        hide_outputs=False,
        hide_metadata=False,
    )


@contextmanager
def explain_errors() -> Iterator[None]:
    """Convert any error of the library or the network into one line without any sent content."""
    from langsmith.utils import LangSmithAuthError, LangSmithError  # noqa: PLC0415 - the extra trace brings it
    from requests import RequestException  # noqa: PLC0415 - comes with langsmith

    try:
        yield
    except LangSmithAuthError:
        raise UserError(
            "Cannot push to LangSmith: it refuses the key", KEY, "set another one in the environment"
        ) from None
    except (LangSmithError, RequestException, ValueError) as problem:
        kind = type(problem).__name__
        raise UserError(
            f"Cannot push to LangSmith: the request failed ({kind})", ENDPOINT, "run the same command again to continue"
        ) from None
