"""Runs layers in a process of its own: its argument is REPLY-FD, jobs are lines of JSON on standard input.

Each step is a line on REPLY-FD as soon as it is over, so that the last step of a layer that hangs or ends its process
is known. What a layer prints goes to a file beside its finding, and is no reply.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bankable.kernels.diagnosis.layers.layer import Layer, LayerFinding
from bankable.kernels.diagnosis.layers.registry import load
from bankable.kernels.diagnosis.layers.shared_fork_server import close_fork_servers
from bankable.kernels.diagnosis.layers.subject import Subject

SAID = 300
"""Characters of an error that are kept."""
Say = Callable[..., None]


def main() -> None:
    replies = int(sys.argv[1])
    os.set_inheritable(replies, False)

    def say(**reply: Any) -> None:
        os.write(replies, (json.dumps(reply) + "\n").encode())

    for line in sys.stdin:
        job = json.loads(line)
        sys.path += [entry for entry in job["path"] if entry not in sys.path]
        os.chdir(job["place"])
        _redirect()
        run_job(job, say)
        say(step="over")
    close_fork_servers()


def run_job(job: dict[str, Any], say: Say) -> None:
    """The steps of one layer, or what it is."""
    step = "import"
    try:
        layer = load(job["reference"])
        if job["describe"]:
            say(step="described", described=describe_layer(layer))
            return
        subject, place = Subject.model_validate(job["subject"]), Path(job["place"])
        for step in ("absent", "instrument", "collect"):
            start, answer = time.monotonic(), _do(step, layer, subject, place)
            reply = {"found": answer.model_dump(mode="json")} if isinstance(answer, LayerFinding) else {"said": answer}
            say(step=step, seconds=time.monotonic() - start, **reply)
            if step == "absent" and answer:
                return
    except BaseException as problem:
        text = (str(problem).strip() or "no reason given").splitlines()[0]
        name = type(problem).__name__
        say(step=step, raised=(text if name == "LayerFailedError" else f"{name}: {text}")[:SAID])


def _redirect() -> None:
    output = os.open("said.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)


def describe_layer(layer: Layer) -> dict[str, Any]:
    """What another process has to know of a plug-in before it runs it."""
    return {
        "name": str(layer.name),
        "title": str(layer.title),
        "measures": str(layer.measures),
        "version": int(layer.version),
        "limit_s": float(layer.limit_s),
        "attempts": int(layer.attempts),
    }


def _do(step: str, layer: Layer, subject: Subject, place: Path) -> LayerFinding | str:
    if step == "absent":
        return str(layer.absent(subject))
    if step == "instrument":
        layer.instrument(subject, place)
        return ""
    finding = layer.collect(subject, place)
    if not isinstance(finding, layer.found):
        raise TypeError(f"collect gave {type(finding).__name__}, not {layer.found.__name__}")
    return finding
