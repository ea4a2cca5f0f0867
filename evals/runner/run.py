"""Judges every fixture as often as requested, on all cores; finished work is not repeated."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bankable.evals.fixtures.cases import FIXTURES
from bankable.evals.fixtures.model import Fixture
from bankable.evals.runner.auditor import Judge, Listen, judge
from bankable.evals.runner.evidence import seal_fixture
from bankable.evals.runner.forks import start_auditor
from bankable.evals.runner.record import Heard, Judgment, JudgmentSource, judgment
from bankable.evals.runner.results import Cache, ResultFile
from bankable.nodes.auditor.ruleset import ruleset_digest
from bankable.tools.errors import UserError

if TYPE_CHECKING:
    from bankable.evals.runner.judged import JudgeSetup

Tell = Callable[[str], object]
RULES_ALONE = "rules"
"""How results without any judge are marked."""


@dataclass(frozen=True)
class FixtureTask:
    """One fixture and its remaining repeats."""

    fixture: str
    repeats: tuple[int, ...]
    seed: int = 0
    auditor: str = RULES_ALONE
    isolated: bool = True
    """The auditor has a process of its own."""
    cache: Path | None = None
    judged: JudgeSetup | None = None
    """The language-model judge takes part."""


def select_fixtures(only: Sequence[str], fixtures: Sequence[Fixture] = FIXTURES) -> list[Fixture]:
    """The fixtures with these ids, or all. Raises ``UserError`` for an unknown id."""
    by_id = {fixture.id: fixture for fixture in fixtures}
    unknown = [name for name in only if name not in by_id]
    if unknown:
        raise UserError("Cannot find the fixture", ", ".join(unknown), "see evals/keys/*.toml for the ids")
    return [by_id[name] for name in dict.fromkeys(only)] if only else list(fixtures)


def perform(task: FixtureTask) -> list[Judgment]:
    """Make the evidence once, then judge it once for each repeat. Workers run this; no key is read here."""
    fixture = select_fixtures([task.fixture])[0]
    cache = Cache(task.cache) if task.cache is not None else None
    ruleset, judgments = ruleset_digest(), list[Judgment]()
    with seal_fixture(fixture, task.seed) as evidence, _auditors(task) as listen:
        for repeat in task.repeats:
            cached = cache.get(task.auditor, evidence.digest, ruleset, repeat) if cache else None
            if cached is not None:
                same = {"fixture": fixture.id, "scope": fixture.scope, "seed": task.seed}
                judgments.append(cached.model_copy(update=same))
                continue
            begun = time.perf_counter()
            heard = listen()(evidence.folder)
            source = JudgmentSource(task.auditor, task.seed, repeat, evidence.digest, time.perf_counter() - begun)
            judgments.append(judgment(fixture, heard, source))
            if cache:
                cache.put(judgments[-1])
    return judgments


@contextmanager
def _auditors(task: FixtureTask) -> Iterator[Callable[[], Listen]]:
    """The auditor of the next repeat: first a fresh process as in production, then forks of a loaded one."""
    with ExitStack() as stack:
        ready: list[Judge] = []

        def rules() -> Judge:
            """The usual auditor, for the first repeat and when no processes are used."""
            first = not ready
            if first or not task.isolated:
                ready[:] = [judge(isolated=task.isolated)]
            elif len(ready) == 1:
                ready.append(stack.enter_context(start_auditor()))
            return ready[-1]

        def listen() -> Listen:
            if task.judged is None:
                mine = rules()
                return lambda folder: Heard(mine(folder))
            from bankable.evals.runner.judged import with_judge  # noqa: PLC0415 - the rules alone start without it

            return with_judge(task.judged, rules())

        yield listen


def each(tasks: Sequence[FixtureTask], jobs: int) -> Iterator[list[Judgment]]:
    """Results of the tasks, as they complete."""
    if jobs == 1:
        yield from map(perform, tasks)
        return
    with ProcessPoolExecutor(jobs) as pool:
        try:
            for future in as_completed([pool.submit(perform, task) for task in tasks]):
                yield future.result()
        except BrokenProcessPool:
            raise UserError(
                "Cannot continue: a worker process was killed",
                "",
                "run the same command again to continue, with fewer --jobs",
            ) from None
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def run(
    fixtures: Sequence[Fixture],
    out: Path,
    *,
    repeats: int,
    seed: int,
    jobs: int,
    cache: Path | None,
    tell: Tell,
    judges: Sequence[JudgeSetup] = (),
) -> tuple[Judgment, ...]:
    """Judge what is not yet in ``out``, and return all that is asked for: by the rules, or by each of the judges."""
    file = ResultFile(out)
    whose: dict[str, JudgeSetup | None] = {judge.label: judge for judge in judges} or {RULES_ALONE: None}
    file.fits(whose, seed, ruleset_digest())
    there = {(judgment.auditor, judgment.fixture, judgment.repeat) for judgment in file.done}
    tasks = [
        FixtureTask(fixture.id, left, seed, label, cache=cache, judged=_writing(judged, out, fixture.id))
        for label, judged in whose.items()
        for fixture in fixtures
        if (left := tuple(k for k in range(repeats) if (label, fixture.id, k) not in there))
    ]
    done_before = len(fixtures) * len(whose) - len(tasks)
    if done_before:
        tell(f"{done_before} fixtures are done already")
    for done, judgments in enumerate(each(tasks, jobs), 1):
        file.add(judgments)
        if done % 50 == 0 or done == len(tasks):
            tell(f"{done} of {len(tasks)} fixtures judged")
    names = {fixture.id for fixture in fixtures}
    earlier = [judgment for judgment in file.done if judgment.fixture in names and judgment.repeat < repeats]
    return tuple(
        sorted(earlier, key=lambda judgment: (list(whose).index(judgment.auditor), judgment.fixture, judgment.repeat))
    )


def _writing(judged: JudgeSetup | None, out: Path, fixture: str) -> JudgeSetup | None:
    if judged is None:
        return None
    from bankable.evals.runner.judged import CALLS  # noqa: PLC0415 - the rules alone start without it

    return judged.writing(out / CALLS, fixture)
