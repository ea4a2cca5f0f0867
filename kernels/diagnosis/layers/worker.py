"""Runs layers in a process of its own: its argument is REPLY-FD, jobs are lines of JSON on standard input.

Each step is a line on REPLY-FD as soon as it is over, so that the last step of a layer that hangs or ends its process
is known. What a layer prints goes to a file beside its finding, and is no reply.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bankable.kernels.diagnosis.layers.layer import Layer, LayerFinding
from bankable.kernels.diagnosis.layers.registry import load
from bankable.kernels.diagnosis.layers.shared_fork_server import close_fork_servers
from bankable.kernels.diagnosis.layers.subject import Subject
from bankable.kernels.worker.messages import (
    LayerDescribed,
    LayerFound,
    LayerOver,
    LayerRaised,
    LayerRequest,
    LayerStep,
)
from bankable.kernels.worker.protocol import decode, send

SAID = 300
"""Characters of an error that are kept."""


def main() -> None:
    replies = int(sys.argv[1])
    os.set_inheritable(replies, False)
    for line in sys.stdin:
        request = decode(line, LayerRequest)
        sys.path += [entry for entry in request.path if entry not in sys.path]
        os.chdir(request.place)
        _redirect()
        run_layer(request, lambda message: send(replies, message))
        send(replies, LayerOver())
    close_fork_servers()


def run_layer(request: LayerRequest, reply: Callable[[object], None]) -> None:
    """The steps of one layer, or its description."""
    step = "import"
    try:
        layer = load(request.reference)
        if request.subject is None:
            reply(describe_layer(layer))
            return
        subject, place = Subject.model_validate(request.subject), Path(request.place)
        for step in ("absent", "instrument", "collect"):
            start, result = time.monotonic(), _do(step, layer, subject, place)
            seconds = time.monotonic() - start
            if isinstance(result, LayerFinding):
                reply(LayerFound(seconds, result.model_dump(mode="json")))
                return
            reply(LayerStep(step, seconds, result))
            if step == "absent" and result:
                return
    except BaseException as problem:
        text = (str(problem).strip() or "no reason given").splitlines()[0]
        name = type(problem).__name__
        reply(LayerRaised(step, (text if name == "LayerFailedError" else f"{name}: {text}")[:SAID]))


def _redirect() -> None:
    output = os.open("said.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)


def describe_layer(layer: Layer) -> LayerDescribed:
    """The description of a plug-in that another process needs before it runs it."""
    return LayerDescribed(
        name=str(layer.name),
        title=str(layer.title),
        measures=str(layer.measures),
        version=int(layer.version),
        limit_s=float(layer.limit_s),
        attempts=int(layer.attempts),
    )


def _do(step: str, layer: Layer, subject: Subject, place: Path) -> LayerFinding | str:
    if step == "absent":
        return str(layer.absent(subject))
    if step == "instrument":
        layer.instrument(subject, place)
        return ""
    finding = layer.collect(subject, place)
    if not isinstance(finding, layer.finding_type):
        raise TypeError(f"collect gave {type(finding).__name__}, not {layer.finding_type.__name__}")
    return finding
