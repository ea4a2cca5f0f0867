"""Where in the run folder each sealed file comes from: the inverse of what ``tools/evidence/seal.py`` copies."""

from __future__ import annotations

from collections.abc import Callable

from bankable.nodes.auditor.case import Case
from bankable.tools.evidence.harness import BENCH_FILES, EARLIER_FOLDER
from bankable.tools.evidence.layout import RECORDER_FOLDER
from bankable.tools.evidence.regular import regular_files

NOT_OF_THE_RUN = ("request.json", "ledger.jsonl")
"""Sealed files that no run finishes: the audit's own request, and a log that grows."""


def run_paths(case: Case) -> dict[str, str]:
    """Path in the run folder of each file of evidence, by its name in the sealed folder; some are sealed twice."""
    names = (name for name, _ in regular_files(case.view.folder) if name not in NOT_OF_THE_RUN)
    return {name: run_path(case, name) for name in names if not name.startswith(f"{RECORDER_FOLDER}/")}


def run_path(case: Case, name: str) -> str:
    """Path in the run folder of a sealed file; the name itself for one that the seal does not write."""
    folder, _, rest = name.partition("/")
    find = _FOLDERS.get(folder)
    return find(case, rest) if find is not None else name


def _comparison(case: Case, rest: str) -> str:
    return f"comparisons/{case.request.comparison}/{rest}"


def _control(case: Case, rest: str) -> str:
    return f"comparisons/{case.request.control}/{rest}"


def _trial(_: Case, rest: str) -> str:
    return f"comparisons/{rest}"


def _profile(case: Case, rest: str) -> str:
    return f"{case.request.comparison if case.scope == 'profile' else case.request.profile}/{rest}"


def _benchmark(case: Case, rest: str) -> str:
    return _of_operator(str(case.request.comparison), rest, case.request.attempt)


def _operator(case: Case, rest: str) -> str:
    operator, _, name = rest.partition("/")
    part = case.planned.lever.overlays.get(operator) if case.planned is not None else None
    bench = part.bench if part is not None else 1
    if name == "verdict.json":
        return f"audits/harness-{operator}-{bench}/{name}"
    return _of_operator(operator, name, bench)


def _of_operator(operator: str, name: str, bench: int) -> str:
    folder, _, rest = name.partition("/")
    if folder == EARLIER_FOLDER:
        return f"ops/{operator}/bench-{rest}"
    return f"ops/{operator}/bench-{bench}/{name}" if name in BENCH_FILES else f"ops/{operator}/{name}"


def _component(case: Case, rest: str) -> str:
    audit, _, name = rest.partition("/")
    if name == "verdict.json":
        return f"audits/{audit}/{name}"
    judged = next((entry.comparison for entry in case.view.components if entry.name == audit), "")
    return f"comparisons/{judged}/{name}"


_FOLDERS: dict[str, Callable[[Case, str], str]] = {
    "comparison": _comparison,
    "control": _control,
    "trials": _trial,
    "profile": _profile,
    "operator": _benchmark,
    "operators": _operator,
    "components": _component,
}
"""By the first folder of a sealed name."""
