"""Answers of scripted models by role; the schema that an answer must follow identifies the role."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bankable.tools.llm.scripted_endpoint import ChatReply, ChatRequest, says

Answer = Callable[[ChatRequest], ChatReply]
FAIR = says({"verdict": "PASS", "findings": []})
NOTHING = says({"proposals": []})
NO_CHANGE = {
    "Opinion": FAIR,
    "ConfigurationProposal": NOTHING,
    "KernelProposal": NOTHING,
    "DirectionProposal": says({"directions": []}),
    "ExtractionProposal": says({"operators": [], "left_out": [], "shapes": []}),
    "BenchmarkProposal": says({"rounds": 6, "candidates": [], "because": "enough"}),
    "IntegrationProposal": says({"action": "lay", "because": "it won"}),
}
"""Text of a model without a proposal."""
ROLES = {
    "DirectionProposal": "strategist",
    "ExtractionProposal": "kernel_extractor",
    "BenchmarkProposal": "op_benchmarker",
    "KernelProposal": "kernel_author",
    "IntegrationProposal": "integrator",
    "ConfigurationProposal": "config_tuner",
    "Opinion": "judge",
}
_LINE = re.compile(r"^ *(\d+)\| (.{20,})$", re.MULTILINE)
_FILE = re.compile(r"^<<<[0-9a-f]{24} file (.+)>>>$", re.MULTILINE)


def shape_of(request: ChatRequest) -> str:
    """Name of the schema that the answer must follow; it identifies the role."""
    return str(request.body["response_format"]["json_schema"]["name"])


@dataclass
class ScriptedRoles:
    """Plays every role; counts requests by schema. ``others``: answers by schema, for the roles that are not named."""

    judge: Answer = lambda _: FAIR
    tuner: Answer = lambda _: NOTHING
    others: dict[str, Answer] = field(default_factory=dict)
    asked: dict[str, list[ChatRequest]] = field(default_factory=dict)

    def __call__(self, request: ChatRequest) -> ChatReply:
        shape = shape_of(request)
        self.asked.setdefault(shape, []).append(request)
        own = {"Opinion": self.judge, "ConfigurationProposal": self.tuner, **self.others}
        return own[shape](request) if shape in own else NO_CHANGE[shape]


def accuses(
    request: ChatRequest, *, severity: str = "FAIL", concern: str = "coherence", invented: bool = False
) -> ChatReply:
    """A vote with an accusation that quotes a line of the prompt, or an invented line."""
    file, line = _FILE.search(request.user), _LINE.search(request.user)
    assert file is not None
    assert line is not None
    text = "the candidate answers nonsense to every prompt" if invented else line[2][:80]
    finding = {
        "concern": concern,
        "severity": severity,
        "expected": "coherent answers",
        "observed": "nonsense",
        "advice": "measure a model that works",
        "quotes": [{"file": file[1], "line": int(line[1]), "text": text}],
    }
    return says({"verdict": severity, "findings": [finding]})


def proposal(name: str, value: Any, because: str = "a guess", gain: float = 0.1) -> dict[str, Any]:
    """One proposal of a configuration tuner."""
    return {"name": name, "value": value, "because": because, "expected_gain": gain}


def kernel(idea: str = "an idea", **choices: int) -> dict[str, Any]:
    """One proposal of a kernel author or a benchmarker."""
    return {"choices": [{"name": name, "value": value} for name, value in choices.items()], "idea": idea}


def step(kind: str, target: str, because: str = "a guess", *, leave_out: bool = False) -> dict[str, Any]:
    """One step of a strategist."""
    return {"kind": kind, "target": target, "leave_out": leave_out, "chance": 0.5, "because": because}
