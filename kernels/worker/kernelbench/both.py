"""The processes of a judgement, the reference's and the answer's, and the memory that each shares with the judge."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from bankable.kernels.worker.kernelbench.arena import Arena, lay_out
from bankable.kernels.worker.kernelbench.child import HeldSource
from bankable.kernels.worker.kernelbench.contained import ContainedError, ContainedModule, TimedReply
from bankable.kernels.worker.kernelbench.expected import tensors_among

LOAD_S = 600.0
"""For loading an answer, which may compile."""


class AnswerError(Exception):
    def __init__(self, rule: str, text: str) -> None:
        super().__init__(text)
        self.rule = rule


class ProblemError(Exception):
    """The reference itself failed."""


class BothModules:
    """Asks either; ``answer`` is ``None`` where the problem alone is judged."""

    def __init__(self, job: dict[str, Any], scratch: Path) -> None:
        layout = lay_out(
            [(entry["shape"], entry["dtype"]) for entry in job["inputs"]],
            [(entry["shape"], entry["dtype"]) for entry in job["outputs"]],
        )
        threads, slots = job["threads"], int(job["slots"])
        self.answer: ContainedModule | None = None
        self.arena = Arena(layout, slots)
        if job["answer"] is not None:
            subject = HeldSource(
                scratch / "answer", threads, answer=job["answer"], constants=_constants(job["constants"])
            )
            self.answer = ContainedModule(self.arena, subject)
        self.reference_arena = Arena(layout, slots)  # mapped now: the answer's process does not have it
        self.reference = ContainedModule(
            self.reference_arena,
            HeldSource(scratch / "reference", threads, problem=job["problem"], smaller=job["smaller"]),
        )
        torch.set_num_threads(threads)
        self.limit_s = LOAD_S
        """Seconds that the answer has for a call."""
        self.pids = [self.reference.pid, *([self.answer.pid] if self.answer else [])]

    def close(self) -> None:
        """End both processes."""
        for module in (self.answer, self.reference):
            if module is not None:
                module.close()

    def write_inputs(self, slot: int, inputs: Sequence[Any]) -> list[tuple[bool, Any]]:
        """Put a call's tensors into a slot of both arenas; what is no tensor is sent with the command."""
        for arena in (self.arena, self.reference_arena):
            for view, tensor in zip(arena.inputs(slot), tensors_among(inputs), strict=True):
                view.copy_(tensor)
        return [
            (isinstance(value, torch.Tensor), None if isinstance(value, torch.Tensor) else value) for value in inputs
        ]

    @property
    def busy(self) -> tuple[int, int]:
        assert self.answer is not None
        return self.answer.cpu_ns, max(1, self.answer.wall_ns)

    def ask_reference(
        self, do: str, slots: Sequence[int], others: Sequence[list[tuple[bool, Any]]], seed: int
    ) -> TimedReply:
        try:
            reply = self.reference.ask({"do": do, "slots": slots, "others": others, "seed": seed}, LOAD_S)
        except ContainedError as problem:
            raise ProblemError(f"the reference {problem}") from None
        if "error" in reply.body:
            raise ProblemError(str(reply.body["error"]))
        return reply

    def run_answer(self, slots: Sequence[int], others: Sequence[list[tuple[bool, Any]]], seed: int) -> TimedReply:
        command = {"do": "run", "slots": slots, "others": others, "seed": seed}
        reply = self.ask_answer(command, self.limit_s * max(1, len(slots)))
        assert self.answer is not None
        self.answer.wall_ns += reply.wall_ns
        self.answer.cpu_ns += reply.cpu_ns
        return reply

    def ask_answer(self, command: dict[str, Any], limit_s: float) -> TimedReply:
        assert self.answer is not None
        reply = self.answer.ask(command, limit_s)
        if "error" in reply.body:
            wrong = reply.body.get("kind") == "OutputShapeError"
            raise AnswerError("wrong_shape" if wrong else "raises", str(reply.body["error"]))
        return reply


def _constants(values: dict[str, Any]) -> dict[str, Any]:
    """Tuples came as lists."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
