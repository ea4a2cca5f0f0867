"""One problem and one answer: what an environment's server asks of the evaluator."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bankable.kernels.kernelbench.evaluate import DescribedProblem, Evaluator, KernelBenchSettings
from bankable.kernels.kernelbench.problems import BenchProblem, SubmittedAnswer
from bankable.kernels.kernelbench.result import BenchResult
from bankable.kernels.sandbox.fork_server import ForkServer
from bankable.kernels.training.formats import PROMPT
from bankable.tools.errors import UserError
from bankable.tools.evidence.records import Record
from bankable.tools.evidence.store import whole_lines
from bankable.tools.serving.engine import engine_python

MOST_REWARD = 10.0
"""A gain beyond this is cut off: a trainer needs a range."""


class EpisodeTask(Record):
    """A line of ``tasks.jsonl``."""

    level: int
    """KernelBench's level."""
    number: int
    """Number of the problem in its level."""
    name: str
    """File name of the problem."""
    source: str
    """Its source."""

    @property
    def title(self) -> str:
        """``level1/23_Softmax``."""
        return f"level{self.level}/{self.name.removesuffix('.py')}"


@dataclass(frozen=True)
class JudgedEpisode:
    """The end of an episode."""

    reward: float
    """0 for what failed a check or is not faster."""
    verdict: str
    reasons: tuple[str, ...]
    speedup: float | None
    """Time of the reference over the answer's; ``None`` where nothing was measured."""


class EpisodeJudge:
    """Judges answers to the tasks of a file in fresh processes."""

    def __init__(self, tasks: Path, python: Path | None = None, settings: KernelBenchSettings | None = None) -> None:
        """Raises ``UserError`` where the file holds no task."""
        self._tasks = whole_lines(tasks, EpisodeTask)
        if not self._tasks:
            raise UserError("Cannot read the tasks: the file holds none", str(tasks), "export the environment again")
        self._python, self._settings = python, settings or KernelBenchSettings()

    def task(self, number: int) -> EpisodeTask:
        """The task of an episode; numbers beyond the last begin anew."""
        return self._tasks[number % len(self._tasks)]

    def prompt(self, task: EpisodeTask) -> str:
        """The problem, as an agent is asked."""
        return PROMPT.read_text(encoding="utf-8").format(
            task=task.title, language="python", setting='{"device":"cpu"}', reference=task.source
        )

    def judge(self, task: EpisodeTask, source: str) -> JudgedEpisode:
        """Verdict and reward of an answer."""
        problem = BenchProblem(task.level, task.number, task.name, task.source)
        with (
            ForkServer(engine_python(self._python), self._settings.threads) as fork_server,
            Evaluator(fork_server, self._settings) as evaluator,
        ):
            (described,) = evaluator.describe([problem])
            if not isinstance(described, DescribedProblem):
                return JudgedEpisode(0.0, described.verdict, (described.why,), None)
            result = evaluator.evaluate(described, SubmittedAnswer(0, "agent", source))
        reasons = tuple(f"{finding.rule}: {finding.detail}" for finding in result.findings)
        return JudgedEpisode(min(MOST_REWARD, reward_of(result)), result.verdict, reasons, result.speedup)


def reward_of(result: BenchResult) -> float:
    """Lower bound of the speed-up less one; 0 for anything but a ``PASS`` with bounds, and for what is not faster."""
    if result.verdict != "PASS" or result.interval is None:
        return 0.0
    return max(0.0, result.interval[0] - 1.0)
