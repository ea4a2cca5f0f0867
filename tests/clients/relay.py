"""A loopback HTTP relay in front of a server that answers 500 to every k-th request for text."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType

from bankable.tools.serving.ports import LOOPBACK

ASKS_FOR_TEXT = ("/generate", "/v1/completions", "/v1/chat/completions")
REFUSAL = (
    b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\nContent-Length: 7\r\nConnection: close\r\n\r\n"
    b"refused"
)
_PIECE = 1 << 16
_READY_S = 30.0


class Relay:
    """Forwards one request a connection, byte by byte; usable as a context manager."""

    def __init__(self, port: int, fail_every: int = 0, fail_from: int = 0) -> None:
        """``port``: of the server. Every ``fail_every``-th request after ``fail_from`` fails; 0 for none."""
        self._target, self._fail_every, self._fail_from = port, fail_every, fail_from
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        self.port = 0
        self.requests = 0
        """Requests for text that arrived."""
        self.refused = 0

    def __enter__(self) -> Relay:
        self._thread.start()
        assert self._ready.wait(_READY_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_READY_S)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, LOOPBACK, 0, limit=1 << 20))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await _read_request(reader)
            if request is not None and self._refuses(request[0]):
                writer.write(REFUSAL)
                await writer.drain()
            elif request is not None:
                await self._forward(b"".join(request), writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client or the server hung up
        finally:
            writer.close()

    def _refuses(self, head: bytes) -> bool:
        words = head.split(None, 2)
        if words[0] != b"POST" or words[1].decode("ascii", "replace") not in ASKS_FOR_TEXT:
            return False
        self.requests += 1
        counted = self.requests - self._fail_from
        refused = bool(self._fail_every) and counted > 0 and counted % self._fail_every == 0
        self.refused += refused
        return refused

    async def _forward(self, request: bytes, client: asyncio.StreamWriter) -> None:
        reader, writer = await asyncio.open_connection(LOOPBACK, self._target)
        try:
            writer.write(request)
            await writer.drain()
            while piece := await reader.read(_PIECE):
                client.write(piece)
                await client.drain()
        finally:
            writer.close()


async def _read_request(reader: asyncio.StreamReader) -> tuple[bytes, bytes] | None:
    """Head, changed so that the server closes the connection after its answer, and body; ``None`` at the end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    kept = [line for line in lines if not line.lower().startswith((b"connection:", b"keep-alive:"))]
    headers = dict(line.lower().split(b":", 1) for line in kept if b":" in line)
    body = await reader.readexactly(int(headers.get(b"content-length", b"0")))
    return b"\r\n".join([first, *kept, b"Connection: close", b"", b""]), body
