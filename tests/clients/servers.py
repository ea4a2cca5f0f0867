"""Real sglang servers of the shipped model for load generators: one at a time, on a core of their own."""

from __future__ import annotations

import json
import os
import re
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bankable.tools.evidence.records import HostSample, ServerConfig
from bankable.tools.serving.driver import LaunchRequest
from bankable.tools.serving.engine import Engine
from bankable.tools.serving.live import LiveDriver, LiveServer

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "tools" / "model" / "shipped"
NAME = "shipped"
"""Under which the server serves the model."""
_GENERATED = re.compile(r"^sglang:generation_tokens_total(?:\{[^}]*\})?\s+([0-9.eE+-]+)$", re.MULTILINE)


@dataclass(frozen=True)
class Served:
    """A server that answers."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def count_tokens(self) -> int:
        """Tokens that the server has generated since its start, by its own counter."""
        return round(sum(float(count) for count in _GENERATED.findall(self._get("/metrics"))))

    def info(self) -> str:
        """The answer of ``/server_info``."""
        return self._get("/server_info")

    def flush(self) -> None:
        """Forget all prompts, so that none of a later run is found in the prefix cache."""
        request = urllib.request.Request(f"{self.url}/flush_cache", method="POST")
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.status == 200

    def _get(self, path: str) -> str:
        with urllib.request.urlopen(self.url + path, timeout=60) as answer:
            text: str = answer.read().decode()
        return text


def cores() -> tuple[set[int], set[int]]:
    """Cores for the server and for the load generator: apart where there are two."""
    available = sorted(os.sched_getaffinity(0))
    return {available[-1]}, set(available[:-1]) or {available[-1]}


@contextmanager
def serve(engine: Engine, folder: Path, **flags: int) -> Iterator[Served]:
    """One server with these flags, stopped at the end; its log stays in ``folder``."""
    samples: list[HostSample] = []
    config = ServerConfig(flags={"enable_metrics": True, "served_model_name": NAME, **flags})
    before = os.sched_getaffinity(0)
    with LiveDriver(engine, MODEL) as driver:
        os.sched_setaffinity(0, cores()[0])
        try:
            request = LaunchRequest(folder.name, "clients", config, NAME, folder / "server.log", samples.append)
            (server,) = driver.launch([request])
        finally:
            os.sched_setaffinity(0, before)
        assert isinstance(server, LiveServer), server
        port = urlsplit(server.url).port
        assert port is not None
        yield Served(port)


def keep_info(served: Served, folder: Path) -> None:
    """The server's own report beside a result."""
    (folder / "server_info.json").write_text(json.dumps(json.loads(served.info())))
