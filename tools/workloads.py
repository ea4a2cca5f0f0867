"""Workloads with a name: the fixed lengths that public leaderboards use, whole or scaled down for small models.

InferenceX (github.com/SemiAnalysisAI/InferenceX): random token ids, lengths uniform in [0.8·L, L], ten requests for
each one in flight, answers of the requested length whatever the model says. A scaled workload has lengths divided by a
whole number, and says so in its name wherever the name stands: its figures compare with nothing that was measured at
full length.
"""

from __future__ import annotations

from dataclasses import dataclass

from bankable.tools.errors import UserError

INFERENCEX = "InferenceX, fixed sequence lengths: --random-range-ratio 0.8, prompts 10 × concurrency, --ignore-eos"


@dataclass(frozen=True)
class NamedWorkload:
    """What a name stands for."""

    name: str
    """As typed: ``inferencex-1k1k``."""
    input_len: int
    """Longest prompt, tokens."""
    output_len: int
    """Longest answer, tokens."""
    range_ratio: float
    """Lengths are drawn from [ratio·len, len]."""
    prompts_in_flight: int
    """Requests of a round, as a multiple of the concurrency."""
    source: str
    """Who defined it."""

    def scale(self, divisor: int) -> NamedWorkload:
        """Lengths divided by ``divisor``, which is part of the name: ``inferencex-1k1k/8``."""
        if divisor == 1:
            return self
        shortest = min(self.input_len, self.output_len)
        if not 1 <= divisor <= shortest // 4:
            raise UserError(
                f"Cannot divide the lengths {self.input_len} and {self.output_len} of {self.name} by {divisor}",
                "--workload",
                f"use {self.name}/N with N from 1 to {shortest // 4}",
            )
        return NamedWorkload(
            f"{self.name}/{divisor}",
            self.input_len // divisor,
            self.output_len // divisor,
            self.range_ratio,
            self.prompts_in_flight,
            f"{self.source}; lengths divided by {divisor}, so not comparable with figures at full length",
        )

    def describe(self) -> str:
        """Name, lengths and source in one line."""
        return (
            f"{self.name}: prompts of {self.range_ratio:g}–1 × {self.input_len}, answers of {self.range_ratio:g}–1 × "
            f"{self.output_len} tokens, {self.prompts_in_flight} requests for each in flight ({self.source})"
        )


WORKLOADS = {
    entry.name: entry
    for entry in (
        NamedWorkload("inferencex-1k1k", 1024, 1024, 0.8, 10, INFERENCEX),
        NamedWorkload("inferencex-8k1k", 8192, 1024, 0.8, 10, INFERENCEX),
    )
}


def find_workload(text: str) -> NamedWorkload:
    """The workload of a name, scaled or not. Raises ``UserError`` for an unknown one."""
    name, slash, divisor = text.partition("/")
    if name not in WORKLOADS or (slash and not divisor.isdecimal()):
        raise UserError(f"invalid value {text!r} for --workload", "", f"use one of {', '.join(WORKLOADS)}")
    return WORKLOADS[name].scale(int(divisor) if slash else 1)


def find_fitting_scale(text: str, positions: int) -> NamedWorkload | None:
    """The least scaled form of a named workload whose longest request fits into a model's positions."""
    whole = WORKLOADS[text.partition("/")[0]]
    divisor = -(-(whole.input_len + whole.output_len) // positions)
    try:
        return whole.scale(divisor)
    except UserError:
        return None
