"""What the judge found out about one answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Judgement:
    """Everything that the judge found out; the job's only reply."""

    findings: list[dict[str, str]] = field(default_factory=list)
    """Rules that the answer broke, with details."""
    checks: list[dict[str, Any]] = field(default_factory=list)
    """One entry a call that was compared."""
    timings: list[dict[str, Any]] = field(default_factory=list)
    """One entry a pair of timed batches; seconds a call."""
    problem_error: str = ""
    """Why the problem itself could not be run."""
    weak: list[str] = field(default_factory=list)
    """Worthless outputs that KernelBench's tolerance accepts on this problem."""
    degenerate: list[str] = field(default_factory=list)
    """Worthless outputs that are right on this problem, whatever the inputs: nothing can be shown with it."""
    random: bool = False
    """Whether the reference draws random numbers in a call."""
    exact: bool = False
    """Whether outputs were compared with float64."""
    own_error: float | None = None
    """Relative error of the reference in its own dtype against float64; ``None`` where that was not computed."""
    traced: str = ""
    """``compared``: the operators of both; otherwise why the answer's could not be listed."""
    build_log: str = ""
    """Traceback of an answer that could not be loaded."""

    def find(self, rule: str, detail: str) -> None:
        """Add a finding, once a rule."""
        if all(entry["rule"] != rule for entry in self.findings):
            self.findings.append({"rule": rule, "detail": detail[:400]})
