"""Asks until there is an answer or a final failure: retries with jitter, within time and budget, all logged."""

from __future__ import annotations

import asyncio
import email.utils
import math
import os
import random
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeVar

from pydantic import BaseModel

from bankable.tools.llm.attempt import Attempt, Prompt, attempt
from bankable.tools.llm.breaker import resting
from bankable.tools.llm.key import key_for
from bankable.tools.llm.ledger import CallLedger, CallLine
from bankable.tools.llm.meter import Meter
from bankable.tools.llm.outcome import RETRYABLE, CallOutcome, Kind, Usage
from bankable.tools.llm.settings import EndpointSettings
from bankable.tools.llm.toolbox import MOST_ROUNDS, Called, answer_all, describe_calls

M = TypeVar("M", bound=BaseModel)
TOOLLESS = (400, 422)
"""HTTP status codes of servers that do not support tools."""


class Client:
    """Asks models on behalf of roles. One per run; questions may be asked concurrently."""

    def __init__(
        self,
        settings: EndpointSettings,
        ledger: CallLedger | None = None,
        environ: Mapping[str, str] | None = None,
        seed: int | None = None,
    ) -> None:
        self._settings, self.ledger = settings, ledger or CallLedger()
        self._environ = os.environ if environ is None else environ
        self._meter = Meter(settings, self.ledger.lines)
        self._random = random.Random(seed)

    async def ask(self, role: str, prompt: Prompt, shape: type[M], seconds: float = math.inf) -> CallOutcome[M]:
        """One structured question, in ``seconds`` at most, and never more than the limits give.

        Where the prompt holds tools, calls of them are answered in further requests, so many rounds at most. Raises
        ``UserError`` only: no key, or a ledger that cannot be written.
        """
        endpoint, limits = self._settings.of(role), self._settings.limits
        key = key_for(role, endpoint, self._environ)
        begun, used, sent, tries = time.monotonic(), Usage(), 0, 0
        whole = min(limits.call_s, seconds)

        def ended(kind: Kind, detail: str, answer: M | None = None) -> CallOutcome[M]:
            return CallOutcome(kind, answer, detail, used, sent, time.monotonic() - begun)

        lost = resting(self.ledger.lines, self._settings, role, time.time())
        if lost is not None:
            self._note(role, 0, Attempt[M](lost, "not asked: the last requests got no answer", Usage(), 0.0), None)
            return ended(lost, "not asked: the last requests got no answer")
        while True:
            left = whole - (time.monotonic() - begun)
            ticket = self._meter.reserve(role, prompt.tokens, limits.answer_tokens)
            if isinstance(ticket, str):
                self._note(role, 0, Attempt[M](Kind.OVER_BUDGET, f"{ticket} would run out", Usage(), 0.0), None)
                return ended(Kind.OVER_BUDGET, f"{ticket} would run out")
            spent = Usage()
            try:
                attempted = await attempt(prompt, shape, endpoint, key, limits, min(left, limits.attempt_s))
                spent = attempted.usage
            finally:
                cost = self._meter.settle(ticket, spent)
            sent, tries, used = sent + 1, tries + 1, used + attempted.usage
            if attempted.kind is Kind.CALLED_TOOLS:
                called = answer_all(prompt.tools, attempted.calls)
                self._note(role, tries, attempted, cost, called)
                prompt, tries = prompt.after(called, MOST_ROUNDS), 0
                if time.monotonic() - begun >= whole:
                    return ended(Kind.TIMED_OUT, "tools used up the time limit of the question")
                continue
            self._note(role, tries, attempted, cost)
            if attempted.kind is Kind.REJECTED and attempted.status in TOOLLESS and (prompt.tools or prompt.rounds):
                # Some servers accept no tools together with a schema: the question can be answered without them.
                prompt, tries = Prompt(prompt.system, prompt.user), 0
                continue
            pause = self._pause(attempted, tries)
            left = whole - (time.monotonic() - begun)
            if pause is None or pause >= left:
                return ended(attempted.kind, attempted.detail, attempted.answer)
            await asyncio.sleep(pause)

    def ask_now(self, role: str, prompt: Prompt, shape: type[M], seconds: float = math.inf) -> CallOutcome[M]:
        """The same for a caller without an event loop."""
        return asyncio.run(self.ask(role, prompt, shape, seconds))

    def _pause(self, attempted: Attempt[M], sent: int) -> float | None:
        """Seconds until the next attempt; ``None`` when there is none."""
        limits = self._settings.limits
        if attempted.kind not in RETRYABLE or sent >= limits.attempts:
            return None
        wait_s = retry_after(attempted.retry_after)
        if wait_s is not None:
            # Jitter on top: all rejected clients get the same retry time.
            return wait_s * self._random.uniform(1.0, 1.1) if wait_s <= limits.wait_s else None
        pause: float = limits.pause_s * 2 ** (sent - 1) * self._random.uniform(0.5, 1.5)
        return min(limits.wait_s, pause)

    def _note(
        self, role: str, number: int, attempted: Attempt[M], cost: float | None, called: tuple[Called, ...] = ()
    ) -> None:
        self.ledger.add(
            CallLine(
                at=time.time(),
                role=role,
                model=self._settings.of(role).model,
                attempt=number,
                outcome=attempted.kind,
                detail=attempted.detail or describe_calls(called),
                status=attempted.status,
                prompt_tokens=attempted.usage.prompt,
                completion_tokens=attempted.usage.completion,
                estimated=attempted.usage.estimated,
                latency_s=round(attempted.seconds, 3),
                cost=cost,
                tool_calls=len(called),
                tool_faults=sum(call.fault is not None for call in called),
            )
        )


def retry_after(header: str | None) -> float | None:
    """Seconds that the server asks to wait, from a number or a date; ``None`` without a usable value."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            when = email.utils.parsedate_to_datetime(header)
        except (ValueError, IndexError, OverflowError):
            return None
        seconds = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - datetime.now(UTC).timestamp()
    return max(0.0, seconds) if math.isfinite(seconds) else None
