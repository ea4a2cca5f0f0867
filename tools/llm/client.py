"""Asking until there is an answer or a reason why not: pauses with jitter, time and budget kept, all written down."""

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

from tools.llm.attempt import Attempt, Prompt, attempt
from tools.llm.key import key_for
from tools.llm.ledger import CallLedger, CallLine
from tools.llm.meter import Meter
from tools.llm.outcome import RETRYABLE, Kind, Outcome, Usage
from tools.llm.settings import Settings

M = TypeVar("M", bound=BaseModel)


class Client:
    """Asks models on behalf of roles. One per run; questions may be asked side by side."""

    def __init__(
        self, settings: Settings, ledger: CallLedger | None = None, environ: Mapping[str, str] | None = None,
        seed: int | None = None,
    ) -> None:  # fmt: skip
        self._settings, self.ledger = settings, ledger or CallLedger()
        self._environ = os.environ if environ is None else environ
        self._meter = Meter(settings, self.ledger.lines)
        self._random = random.Random(seed)

    async def ask(self, role: str, prompt: Prompt, shape: type[M]) -> Outcome[M]:
        """One structured question. Raises ``UserError`` only: no key, or a ledger that cannot be written."""
        endpoint, limits = self._settings.of(role), self._settings.limits
        key = key_for(role, endpoint, self._environ)
        begun, used, sent = time.monotonic(), Usage(), 0
        while True:
            left = limits.call_s - (time.monotonic() - begun)
            ticket = self._meter.reserve(role, prompt.tokens, limits.answer_tokens)
            if isinstance(ticket, str):
                self._note(role, 0, Attempt[M](Kind.OVER_BUDGET, f"{ticket} would run out", Usage(), 0.0), None)
                return Outcome(Kind.OVER_BUDGET, None, f"{ticket} would run out", used, sent, time.monotonic() - begun)
            spent = Usage()
            try:
                found = await attempt(prompt, shape, endpoint, key, limits, min(left, limits.attempt_s))
                spent = found.usage
            finally:
                cost = self._meter.settle(ticket, spent)
            sent, used = sent + 1, used + found.usage
            self._note(role, sent, found, cost)
            pause = self._pause(found, sent)
            left = limits.call_s - (time.monotonic() - begun)
            if pause is None or pause >= left:
                return Outcome(found.kind, found.answer, found.detail, used, sent, time.monotonic() - begun)
            await asyncio.sleep(pause)

    def ask_now(self, role: str, prompt: Prompt, shape: type[M]) -> Outcome[M]:
        """The same for a caller without an event loop."""
        return asyncio.run(self.ask(role, prompt, shape))

    def _pause(self, found: Attempt[M], sent: int) -> float | None:
        """Seconds until the next attempt; ``None`` when there is none."""
        limits = self._settings.limits
        if found.kind not in RETRYABLE or sent >= limits.attempts:
            return None
        asked = retry_after(found.retry_after)
        if asked is not None:
            # Jitter on top: everybody who was turned away was told the same second.
            return asked * self._random.uniform(1.0, 1.1) if asked <= limits.wait_s else None
        pause: float = limits.pause_s * 2 ** (sent - 1) * self._random.uniform(0.5, 1.5)
        return min(limits.wait_s, pause)

    def _note(self, role: str, number: int, found: Attempt[M], cost: float | None) -> None:
        self.ledger.add(
            CallLine(
                at=time.time(), role=role, model=self._settings.of(role).model, attempt=number, outcome=found.kind,
                detail=found.detail, status=found.status, prompt_tokens=found.usage.prompt,
                completion_tokens=found.usage.completion, estimated=found.usage.estimated,
                latency_s=round(found.seconds, 3), cost=cost,
            )
        )  # fmt: skip


def retry_after(said: str | None) -> float | None:
    """Seconds that the server asks to wait, from a number or a date; ``None`` when it says nothing usable."""
    if said is None:
        return None
    try:
        seconds = float(said)
    except ValueError:
        try:
            when = email.utils.parsedate_to_datetime(said)
        except (ValueError, IndexError, OverflowError):
            return None
        seconds = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - datetime.now(UTC).timestamp()
    return max(0.0, seconds) if math.isfinite(seconds) else None
