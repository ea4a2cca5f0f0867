"""A whole run in which scripted models, or a served one, play every role over real HTTP."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import orjson

from bankable.tools.errors import UserError
from bankable.tools.evidence.records import HostSample, ServerConfig
from bankable.tools.llm.ledger import CALLS, read_ledger
from bankable.tools.package import FOLDER, program
from bankable.tools.serving.command import base_config
from bankable.tools.serving.driver import LaunchFailed, LaunchRequest
from bankable.tools.serving.engine import find_engine
from bankable.tools.serving.live import LiveDriver, LiveServer

SHIPPED = FOLDER / "tools" / "model" / "shipped"
START_S = 30.0
"""Seconds that the endpoint's process has to print its address."""
CONTEXT = 16_384
"""Tokens of context: more than the model was trained for, so that a whole prompt fits."""
OVERRIDE = "SGLANG_ALLOW_OVERWRITE_LONGER_CONTEXT_LEN"


def run_with_models(out: Path, options: Sequence[str], *, served: bool = False) -> bool:
    """Run ``bankable run --out OUT`` with ``options`` and every role played by a model; print what was asked.

    ``served``: a real sglang server of the shipped model, too small for any role, in place of the scripted models.
    True when the run ended with an outcome and every request to the endpoint is a line of its ledger of calls.
    """
    log = out.with_name(f"{out.name}-endpoint.log")
    log.parent.mkdir(parents=True, exist_ok=True)
    with serve_shipped(log) if served else serve_scripted(log) as url:
        llm = ["--llm", "shipped" if served else "scripted", "--llm-base-url", url]
        done = subprocess.run(
            [sys.executable, *program("bankable.graph.cli", "run", "--out", str(out), *llm, *options)], check=False
        )
    print(f"\nendpoint {log}")
    return done.returncode == 0 and _report(out, log, counted=not served)


@contextmanager
def serve_scripted(log: Path) -> Iterator[str]:
    """Address of scripted models in a process of their own. Raises ``UserError`` when it does not start."""
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-u", *program("bankable.graph.scripted.cli", "serve")],
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
        try:
            yield _address(process, log)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)


@contextmanager
def serve_shipped(log: Path) -> Iterator[str]:
    """Address of a real server with the shipped model; idle between requests. Raises ``UserError``."""
    samples: list[HostSample] = []
    engine = find_engine()
    base = base_config(engine.device, kernels=engine.kernels is not None)
    config = ServerConfig(flags={**base.flags, "context_length": CONTEXT}, env={**base.env, OVERRIDE: "1"})
    with LiveDriver(engine, SHIPPED) as driver:
        request = LaunchRequest("roles", "live", config, "shipped", log, samples.append)
        (server,) = driver.launch([request])
        if isinstance(server, LaunchFailed):
            raise UserError(
                f"Cannot start the server of the shipped model: {server.failure.line}", str(log), "read its log"
            )
        assert isinstance(server, LiveServer)
        yield f"{server.url}/v1"


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        match = re.search(r"serving (\S+)", log.read_text())
        if match:
            return match[1]
        time.sleep(0.1)
    raise UserError("Cannot start the endpoint of scripted models", str(log), "read its log")


def _report(run: Path, log: Path, *, counted: bool) -> bool:
    """Outcome and counts; false when the run has no outcome, or a request is missing in its ledger."""
    if not (run / "outcome.json").is_file():
        print("the run has no outcome")
        return False
    outcome = orjson.loads((run / "outcome.json").read_bytes())
    lines = [entry for entry in read_ledger(run / CALLS) if entry.attempt]
    print(f"verdict  {outcome['verdict']}: {outcome['headline']}")
    for (role, kind), count in sorted(Counter((line.role, line.outcome.value) for line in lines).items()):
        print(f"  {role:<18}{kind:<14}{count:>5}")
    if not counted:
        return bool(lines)
    gave = re.findall(r"^gave +(\d+)", log.read_text(), re.MULTILINE)
    answered = sum(map(int, gave))
    print(f"{answered} requests were answered, {len(lines)} are in the ledger")
    return answered == len(lines)
