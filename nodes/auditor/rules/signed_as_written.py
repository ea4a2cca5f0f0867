"""Every record is what the recorder signed when it was written (R03 R02 D10).

Checks, on the recorder's chain up to this audit:

- its lines follow each other and are signed by the key that opened it, which the nonce of a live run names;
- every sealed file is what was signed under its name, and no signed file of the comparison is missing;
- the ledger's entries are those that were signed;
- the plan was signed before the launches, and each launch took no longer than passed on the recorder's monotonic clock;
- the data seeds follow from the nonce that the recorder drew after the plan.

Evidence without a recorder says so. What this does not show: whoever controls the recorder can forge; under replay the
signatures are over copies of recorded records.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import replace

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.reading.view import ComparisonView, LegView
from bankable.nodes.auditor.rule import ALL, Outcome, Rule, at, fail, flag, info
from bankable.nodes.auditor.run_paths import run_paths
from bankable.nodes.auditor.verdict import Action
from bankable.tools.evidence.layout import CHAIN_FILE, RECORDER_FOLDER, key_file
from bankable.tools.recorder.check import ChainProblem, RecorderChain, RecorderPart

SLACK_S = 5.0
"""Seconds by which the wall clocks of a record and of the recorder may differ."""
EXPECTED = "records signed as they were written"


def check(case: Case) -> Iterator[Outcome]:
    chain = case.view.recorder
    if chain is None:
        yield from _without(case)
        return
    paths = run_paths(case)
    old = _entered_before(case, chain, set(paths.values()))
    problems = list(_problems(case, chain, paths, old))
    for problem in problems:
        yield fail(
            problem.expected,
            problem.observed,
            "measure again; what was signed when it was written is never edited, replaced or left out",
            at(problem.file, problem.line),
            action=Action.REMEASURE,
            code=problem.code,
        )
    timed = [outcome for name, view in _comparisons(case) for outcome in _timed(chain, name, view)]
    yield from timed
    if old:
        yield flag(
            EXPECTED,
            f"{len(old)} files are from before the first recorder of the run",
            "measure again in a run of this version: nothing shows when those were written",
            at(CHAIN_FILE, 1),
            code="partly_unsigned",
        )
    if not problems and not timed:
        yield info(EXPECTED, chain.describe(), at(CHAIN_FILE), code="signed")


def _without(case: Case) -> Iterator[Outcome]:
    named = [entry for entry in case.view.ledger or () if entry.path.startswith(f"{RECORDER_FOLDER}/")]
    if named or case.request.recorder is not None:
        yield fail(
            EXPECTED,
            "the ledger names a recorder, and what it signed is gone",
            "give the run folder as the run left it, or measure again",
            at(CHAIN_FILE),
            action=Action.REMEASURE,
            code="chain_gone",
        )
        return
    yield info(
        EXPECTED,
        "no recorder, as in earlier versions: nothing shows what was edited before the ledger was written",
        at("request.json"),
        code="unsigned",
    )


def _problems(case: Case, chain: RecorderChain, paths: dict[str, str], old: Sequence[str]) -> Iterator[ChainProblem]:
    """All that does not hold; files are named as they are sealed."""
    yield from chain.check_lines(case.request.run_id)
    keys = {part.opened.recorder: case.view.folder / _key_file(part) for part in chain.parts}
    yield from chain.check_keys({number: path.read_bytes() for number, path in keys.items() if path.is_file()})
    digests = {name: case.view.reader.digest(name) for name in paths}
    owed = [f"comparisons/{name}" for name, _ in _comparisons(case)]
    for names in _without_copies(paths, digests):
        present = {path: digests[name] for path, name in names.items()}
        for problem in chain.check_files(present, old, owed):
            yield replace(problem, file=names.get(problem.file, problem.file))
        owed = []
    if case.view.ledger is not None:
        yield from chain.check_ledger(case.view.ledger)


def _without_copies(paths: dict[str, str], digests: dict[str, str]) -> Iterator[dict[str, str]]:
    """Sealed names by path in the run: one for each path, then those that differ from it although they may not."""
    first: dict[str, str] = {}
    for name, path in paths.items():
        first.setdefault(path, name)
    yield first
    for name, path in paths.items():
        if digests[name] != digests[first[path]]:
            yield {path: name}


def _key_file(part: RecorderPart) -> str:
    return key_file(part.opened.recorder)


def _entered_before(case: Case, chain: RecorderChain, paths: Set[str]) -> list[str]:
    """Files that the ledger had before the first recorder; without the ledger, all that nobody signed."""
    count = chain.unsigned_before
    entered = {entry.path for entry in case.view.ledger[:count]} if case.view.ledger is not None else paths
    return sorted(path for path in paths if path in entered and path not in chain.files) if count else []


def _comparisons(case: Case) -> Iterator[tuple[str, ComparisonView]]:
    """Comparisons that are sealed with their legs, by name."""
    if case.scope in ("profile", "harness"):
        return
    yield case.request.comparison or "", case.comparison
    if case.control is not case.comparison:
        yield case.request.control or "", case.control


def _timed(chain: RecorderChain, name: str, view: ComparisonView) -> Iterator[Outcome]:
    """Times and seeds of the launches, as far as the recorder saw them happen."""
    plans = chain.files.get(f"comparisons/{name}/plan.json", [])
    for leg in view.legs:
        yield from _leg(chain, name, leg)
    first = min(
        (line.seq for path, lines in chain.files.items() if _is_leg(path, name) for line in lines), default=None
    )
    part = _part(chain, plans[0].recorder) if plans else None
    if part is None or first is None:
        return
    drawn = chain.nonces.get(f"comparisons/{name}/plan.json")
    in_order = drawn is not None and drawn.sha256 == plans[0].sha256 and plans[0].seq < drawn.seq < first
    if part.opened.mode != "replay" and not in_order:
        yield fail(
            "data seeds that the recorder drew after the plan and before the first launch",
            "none" if drawn is None else f"line {drawn.seq + 1}, for another plan or at another time",
            "measure again: seeds that a producer can choose prove nothing",
            at(CHAIN_FILE, None if drawn is None else drawn.seq + 1),
            action=Action.REMEASURE,
            code="seeds_not_drawn",
        )


def _is_leg(path: str, name: str) -> bool:
    return path.startswith(f"comparisons/{name}/legs/")


def _leg(chain: RecorderChain, name: str, leg: LegView) -> Iterator[Outcome]:
    lines = chain.files.get(f"comparisons/{name}/legs/{leg.name}/leg.json")
    plans = chain.files.get(f"comparisons/{name}/plan.json")
    record, part = leg.record, _part(chain, lines[0].recorder) if lines else None
    if record is None or not lines or part is None:
        return
    signed, where = lines[0], at(leg.path("leg.json"))
    if (part.opened.mode == "replay") != (record.driver == "replay"):
        yield fail(
            f"a launch of a {part.opened.mode} run",
            f"driver {record.driver}",
            "measure in this run",
            where,
            action=Action.REMEASURE,
            code="mode_differs",
        )
    if record.driver == "replay":
        return  # its clock is virtual
    ended, opened = signed.wall_ns / 1e9, part.opened.wall_ns / 1e9
    if ended < record.stopped_at - SLACK_S:
        yield _at_another_time(f"signed after it stopped, at {record.stopped_at:.0f}", f"signed at {ended:.0f}", leg)
    if opened > record.stopped_at + SLACK_S:
        yield flag(
            "a launch that its own recorder signed when it stopped",
            f"it stopped {opened - record.stopped_at:.0f} s before recorder {part.opened.recorder} started",
            "measure again: nothing shows what happened to these files between the two recorders",
            where,
            code="signed_by_the_next",
        )
    if not plans:
        return
    if plans[0].wall_ns / 1e9 > record.launched_at + SLACK_S:
        yield _at_another_time(
            f"launched after its plan was signed, at {plans[0].wall_ns / 1e9:.0f}",
            f"launched at {record.launched_at:.0f}",
            leg,
        )
    passed = (signed.mono_ns - plans[0].mono_ns) / 1e9
    if plans[0].recorder == signed.recorder and record.stopped_at - record.launched_at > passed + SLACK_S:
        yield _at_another_time(
            f"at most the {passed:.0f} s between the signatures of plan and launch",
            f"up for {record.stopped_at - record.launched_at:.0f} s",
            leg,
        )


def _at_another_time(expected: str, observed: str, leg: LegView) -> Outcome:
    return fail(
        expected,
        observed,
        "measure again: these records were not written while a server ran",
        at(leg.path("leg.json")),
        action=Action.REMEASURE,
        code="signed_at_another_time",
    )


def _part(chain: RecorderChain, number: int) -> RecorderPart | None:
    return next((part for part in chain.parts if part.opened.recorder == number), None)


rule = Rule("signed_as_written", ALL, ("R03", "R02", "D10"), ("recorder",), check)
