"""One HTTP exchange with limits: bytes of the answer, no compression, no redirect."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import orjson

from bankable.tools.llm.address import OPENAI, is_loopback
from bankable.tools.llm.outcome import Usage

HEADERS = frozenset(
    {
        "host",
        "connection",
        "accept",
        "accept-encoding",
        "authorization",
        "content-type",
        "content-length",
        "user-agent",
        "x-stainless-raw-response",  # by which the library knows its own request again
    }
)
"""What is sent. The libraries would add the machine's kind, and whatever variables of the environment say."""
ACCOUNT = frozenset({"openai-organization", "openai-project"})
"""For OpenAI's own address alone."""
TOO_LONG = (b"context length", b"context_length", b"context window", b"prompt is too long", b"maximum model length")
LARGEST_COUNT = 10**9
"""No answer has more tokens; a server that reports more is not believed."""


class OversizedError(Exception):
    """More bytes than an answer may have."""


class EncodedError(Exception):
    """A compressed answer, though none was allowed: a few bytes can become any number."""


@dataclass
class PartialAnswer:
    """What one attempt has seen of the answer."""

    status: int | None = None
    retry_after: str | None = None
    body: bytearray = field(default_factory=bytearray)

    def usage(self) -> Usage | None:
        """Tokens as the server counts them; ``None`` where it gives no usable numbers."""
        fields = self._document().get("usage")
        if not isinstance(fields, dict):
            return None
        prompt, completion = fields.get("prompt_tokens"), fields.get("completion_tokens")
        if type(prompt) is not int or type(completion) is not int:
            return None
        return (
            Usage(prompt, completion) if min(prompt, completion) >= 0 and prompt + completion <= LARGEST_COUNT else None
        )

    def error_code(self) -> str:
        """The machine-readable code of an error answer, or nothing."""
        error = self._document().get("error")
        code = error.get("code") if isinstance(error, dict) else None
        return code if isinstance(code, str) else ""

    def about_length(self) -> bool:
        """Whether an error answer is about a prompt that does not fit; each kind of server has words of its own."""
        text = bytes(self.body).lower()
        return any(phrase in text for phrase in TOO_LONG)

    def _document(self) -> dict[str, Any]:
        try:
            document = orjson.loads(self.body)
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, seen: PartialAnswer, most: int) -> None:
        self._stream, self._seen, self._most = stream, seen, most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            if len(self._seen.body) + len(piece) > self._most:
                self._seen.body.clear()
                raise OversizedError
            self._seen.body += piece
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()


def bounded_client(seen: PartialAnswer, most: int, seconds: float, base_url: str) -> httpx2.AsyncClient:
    """A client for one exchange that reads at most ``most`` bytes of answer and notes in ``seen`` what it saw.

    Proxies of the environment are used, but never for this machine itself.
    """

    loopback, allowed = is_loopback(base_url), HEADERS | ACCOUNT if base_url == OPENAI else HEADERS

    async def strip(request: httpx2.Request) -> None:
        for name in [header for header in request.headers if header.lower() not in allowed]:
            del request.headers[name]

    async def look(response: httpx2.Response) -> None:
        seen.status = response.status_code
        seen.retry_after = response.headers.get("retry-after")
        if response.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
            raise EncodedError
        length = response.headers.get("content-length", "")
        if length.isdecimal() and (len(length) > 18 or int(length) > most):
            raise OversizedError
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Bounded(response.stream, seen, most)

    return httpx2.AsyncClient(
        event_hooks={"request": [strip], "response": [look]},
        headers={"accept-encoding": "identity"},
        follow_redirects=False,
        timeout=seconds,
        trust_env=not loopback,
    )
