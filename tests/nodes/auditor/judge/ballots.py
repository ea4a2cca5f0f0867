"""Scripted votes that quote what they were really shown."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from bankable.evals.fixtures.build.kernel import OPERATOR, PATCH
from bankable.nodes.auditor.judge.ask import judge
from bankable.nodes.auditor.judge.orders import Orders
from bankable.nodes.auditor.judge.record import JudgeRecord
from bankable.tools.llm.client import Client
from bankable.tools.llm.scripted_endpoint import ChatReply, ChatRequest, Json, ScriptedEndpoint, says
from bankable.tools.llm.settings import CallLimits, EndpointSettings, endpoint

SUBJECT = PATCH
"""What is judged here."""
OVERLAY = f"comparison/overlay/{OPERATOR}/sitecustomize.py"
LIMITS = CallLimits(attempts=1, attempt_s=30, call_s=60, pause_s=0.01)
PASS: Json = {"verdict": "PASS", "findings": []}


def shown(asked: ChatRequest) -> dict[str, dict[int, str]]:
    """Files, and their lines by number, as the request shows them."""
    found: dict[str, dict[int, str]] = {}
    name = ""
    for line in asked.user.splitlines():
        begins = re.match(r"<<<[0-9a-f]{24} file (.+)>>>$", line)
        numbered = re.match(r" *(\d+)\| (.*)$", line)
        if begins:
            name = begins[1]
            found[name] = {}
        elif numbered:
            found[name][int(numbered[1])] = numbered[2]
    return found


def accuse(
    quote: Json, concern: str = "claim_mismatch", severity: str = "FAIL", observed: str = "it does something else"
) -> Json:
    """A vote with one accusation."""
    finding = {
        "concern": concern,
        "severity": severity,
        "expected": "the change that was declared",
        "observed": observed,
        "advice": "declare what is done",
        "quotes": [quote],
    }
    return {"verdict": severity, "findings": [finding]}


def quoting(text: str, **options: Any) -> Any:
    """A script: every vote accuses, and quotes the first line shown that holds ``text``."""

    def vote(asked: ChatRequest) -> ChatReply:
        for file, lines in shown(asked).items():
            for number, line in lines.items():
                if text in line:
                    return says(accuse({"file": file, "line": number, "text": line.strip()}, **options))
        raise AssertionError(f"{text!r} was not shown")

    return vote


def settings(served: ScriptedEndpoint) -> EndpointSettings:
    return EndpointSettings(endpoint=endpoint("m", served.url), limits=LIMITS)


def judged(folder: Path, script: Any, votes: int = 3, **options: Any) -> tuple[JudgeRecord, list[ChatRequest]]:
    """The judge over real HTTP, and what it was asked."""
    with ScriptedEndpoint(script) as served:
        orders = Orders(settings=settings(served), votes=votes, **options)
        return judge(folder, Client(orders.settings, environ={}), orders), served.requests
