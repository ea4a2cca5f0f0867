"""A graph of dependent jobs, each run once; a failed one does not stop the others.

prepare (compile, roof) → run a layer's instrument → collect what it wrote → synthesize
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

from bankable.kernels.diagnosis.layers.layer import LayerResult

Results = dict[str, LayerResult]


@dataclass(frozen=True)
class LayerJob:
    """A node."""

    name: str
    work: Callable[[Mapping[str, LayerResult]], LayerResult]
    """Given the results of all jobs before it."""
    title: str = ""
    number: int = 0
    needs: tuple[str, ...] = ()
    """Jobs without whose findings it is skipped."""
    after: tuple[str, ...] = ()
    """Jobs that run before it, even if they fail."""


def run_jobs(jobs: Sequence[LayerJob], say: Callable[[LayerResult], None] = lambda _: None) -> Results:
    """Run all jobs one at a time, as they measure times. Raises ``ValueError`` for jobs that wait for each other."""
    by_name = {job.name: job for job in jobs}
    if len(by_name) != len(jobs):
        raise ValueError("two jobs of one name")
    sorter = TopologicalSorter(
        {job.name: [need for need in (*job.needs, *job.after) if need in by_name] for job in jobs}
    )
    results: Results = {}
    for name in _in_order(sorter, list(by_name)):
        job = by_name[name]
        lacking = [need for need in job.needs if need not in results or results[need].outcome != "measured"]
        if lacking:
            why = f"needs {lacking[0]}: {results[lacking[0]].why if lacking[0] in results else 'not among the jobs'}"
            result = LayerResult(layer=name, title=job.title, number=job.number, outcome="skipped", why=why)
        else:
            try:
                result = job.work(results)
            except Exception as problem:
                text = (str(problem).strip() or "no reason given").splitlines()[0]
                why = f"{type(problem).__name__}: {text}"[:300]
                result = LayerResult(layer=name, title=job.title, number=job.number, outcome="failed", why=why)
        results[name] = result
        say(result)
    return results


def _in_order(sorter: TopologicalSorter[str], order: Sequence[str]) -> Iterator[str]:
    """Of the jobs that could begin, the one that was named first. Raises ``CycleError``, a ``ValueError``."""
    sorter.prepare()
    ready: set[str] = set()
    while sorter.is_active():
        ready.update(sorter.get_ready())
        name = min(ready, key=order.index)
        ready.remove(name)
        yield name
        sorter.done(name)
