"""A whole run in which scripted models, or a served one, play every role over real HTTP, in one command.

    python -m tests.graph.scripted_run --out runs/scripted -- --model tools/model/shipped --track kernels --budget 30
    python -m tests.graph.scripted_run --out runs/replayed -- --replay evals/recorded/cpu-kernels.tar.xz
    python -m tests.graph.scripted_run --served --out runs/incompetent -- --model tools/model/shipped --budget 30

What stands behind ``--`` goes to ``python -m graph run``. The endpoint is a process of its own: the company of
``tests.graph.scripted_models``, or with ``--served`` a real sglang server of the shipped model, too small for any role.
Exit code 0 when the run ended with an outcome and every request to the endpoint is a line of its ledger of calls.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

from bankable.tools.evidence.records import HostSample, ServerConfig
from bankable.tools.llm.ledger import CALLS, read_ledger
from bankable.tools.serving.command import base_config
from bankable.tools.serving.driver import LaunchFailed, LaunchRequest
from bankable.tools.serving.engine import find_engine
from bankable.tools.serving.live import LiveDriver

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "tools" / "model" / "shipped"
START_S = 30.0
CONTEXT = 16_384
"""More than the model was trained for, so that it says something to a whole prompt."""
OVERRIDE = "SGLANG_ALLOW_OVERWRITE_LONGER_CONTEXT_LEN"


def main() -> int:
    """Run, then say what was asked and what came of it."""
    reader = argparse.ArgumentParser(description="A whole run with scripted models in every role.")
    reader.add_argument("--out", type=Path, required=True, help="folder of the run; must not exist")
    reader.add_argument("--served", action="store_true", help="the shipped model on a real sglang server plays instead")
    reader.add_argument("words", nargs="*", help="after --: options of `python -m graph run`")
    asked = reader.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no server is left behind
    log = asked.out.with_name(f"{asked.out.name}-endpoint.log")
    log.parent.mkdir(parents=True, exist_ok=True)
    with served(log) if asked.served else company(log) as url:
        options = ["--llm", "shipped" if asked.served else "scripted", "--llm-base-url", url]
        done = subprocess.run(
            [sys.executable, "-m", "graph", "run", "--out", str(asked.out), *options, *asked.words],
            cwd=ROOT,
            check=False,
        )
    print(f"\nendpoint {log}")
    return 1 if done.returncode or not _told(asked.out, log, counted=not asked.served) else 0


@contextmanager
def company(log: Path) -> Iterator[str]:
    """The address of scripted models in a process of their own."""
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.graph.llm_script"], cwd=ROOT, stdout=stream, stderr=subprocess.STDOUT
        )
        try:
            yield _address(process, log)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)


@contextmanager
def served(log: Path) -> Iterator[str]:
    """The address of a real server with the shipped model. It sleeps while nobody asks."""
    samples: list[HostSample] = []
    engine = find_engine()
    base = base_config(engine.device)
    config = ServerConfig(flags={**base.flags, "context_length": CONTEXT}, env={**base.env, OVERRIDE: "1"})
    with LiveDriver(engine, SHIPPED) as driver:
        request = LaunchRequest("roles", "live", config, "shipped", log, samples.append)
        (server,) = driver.launch([request])
        if isinstance(server, LaunchFailed):
            raise SystemExit(f"the server did not start: {server.failure.line}")
        yield f"{server.url}/v1"


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        found = re.search(r"serving (\S+)", log.read_text())
        if found:
            return found[1]
        time.sleep(0.1)
    raise SystemExit(f"the endpoint did not start: {log}")


def _told(run: Path, log: Path, *, counted: bool) -> bool:
    """Outcome and counts; false when the run has none, or a request is missing in its ledger."""
    if not (run / "outcome.json").is_file():
        print("no outcome")
        return False
    outcome = orjson.loads((run / "outcome.json").read_bytes())
    lines = [it for it in read_ledger(run / CALLS) if it.attempt]
    print(f"verdict  {outcome['verdict']}: {outcome['headline']}")
    for (role, kind), count in sorted(Counter((it.role, it.outcome.value) for it in lines).items()):
        print(f"  {role:<18}{kind:<14}{count:>5}")
    if not counted:
        return bool(lines)
    gave = re.findall(r"^gave +(\d+)", log.read_text(), re.MULTILINE)
    given = sum(map(int, gave))
    print(f"{given} requests were given, {len(lines)} stand in the ledger")
    return given == len(lines)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
