"""Scripted models for whole runs: which role asks, and answers that a judge or a tuner may give."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.tools.llm.endpoint import Asked, Reply, says

Answer = Callable[[Asked], Reply]
FAIR = says({"verdict": "PASS", "findings": []})
NOTHING = says({"proposals": []})
_LINE = re.compile(r"^ *(\d+)\| (.{20,})$", re.MULTILINE)
_FILE = re.compile(r"^<<<[0-9a-f]{24} file (.+)>>>$", re.MULTILINE)


def shape_of(asked: Asked) -> str:
    """Name of the shape that the answer is held to: it tells who asks."""
    return str(asked.body["response_format"]["json_schema"]["name"])


@dataclass
class Cast:
    """Plays every role; counts what was asked by shape."""

    judge: Answer = lambda _: FAIR
    tuner: Answer = lambda _: NOTHING
    asked: dict[str, list[Asked]] = field(default_factory=dict)

    def __call__(self, asked: Asked) -> Reply:
        shape = shape_of(asked)
        self.asked.setdefault(shape, []).append(asked)
        return self.judge(asked) if shape == "Opinion" else self.tuner(asked)


def accuses(asked: Asked, *, severity: str = "FAIL", concern: str = "coherence", invented: bool = False) -> Reply:
    """A vote that accuses, with a line that it was shown, or with one that it makes up."""
    file, line = _FILE.search(asked.user), _LINE.search(asked.user)
    assert file is not None
    assert line is not None
    text = "the candidate answers nonsense to every prompt" if invented else line[2][:80]
    finding = {
        "concern": concern, "severity": severity, "expected": "coherent answers", "observed": "nonsense",
        "advice": "measure a model that works", "quotes": [{"file": file[1], "line": int(line[1]), "text": text}],
    }  # fmt: skip
    return says({"verdict": severity, "findings": [finding]})


def proposal(name: str, value: Any, because: str = "a guess", gain: float = 0.1) -> dict[str, Any]:
    """One proposal of a configuration tuner."""
    return {"name": name, "value": value, "because": because, "expected_gain": gain}
