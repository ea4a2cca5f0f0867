"""Evidence can be read as it was written (all modes rest on this).

Proves: no line of an evidence file is malformed, has a key twice, nests or grows beyond bounds, or states something
impossible such as a negative duration. An incomplete last line is left by a killed process: a remark, because whatever
it was to prove is then missing and reported elsewhere; so is a field that a record does not have, as a newer version
may write it. This rule runs last, when every file has been opened.
"""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.rule import ALL, Outcome, Remark, Rule, at, fail, flag
from bankable.nodes.auditor.verdict import Action


def check(case: Case) -> Iterator[Outcome]:
    for leg in (*case.comparison.legs, *case.control.legs):
        # Reading is lazy: open what no rule of this scope asked for, so that damage is seen whichever file it hit.
        _ = (leg.record, leg.rows, leg.server_info, leg.outputs, leg.answers, leg.engagement, leg.host)
    yield from _unknown_fields(case)
    for problem in case.view.problems:
        if problem.kind == "unknown_field":
            continue
        if problem.kind == "torn":
            yield Remark(f"{problem.file} line {problem.line}: torn last line, left out")
            continue
        weigh = flag if problem.file.endswith("host.jsonl") else fail
        yield weigh(
            "records as the measurement layer writes them",
            f"{problem.kind}: {problem.text}",
            "measure this leg again; do not repair evidence by hand",
            at(problem.file, problem.line),
            action=Action.REMEASURE,
            modes=("C09",) if problem.kind == "duplicate_key" else (),
            code=problem.kind,
        )


def _unknown_fields(case: Case) -> Iterator[Remark]:
    """One remark for each field that a newer version may have written, whatever the number of files."""
    files: dict[str, list[str]] = {}
    for problem in case.view.problems:
        if problem.kind == "unknown_field":
            files.setdefault(problem.text, []).append(problem.file)
    for text, names in files.items():
        yield Remark(f"{text} in {names[0]}" + (f" and {len(names) - 1} more files" if len(names) > 1 else ""))


rule = Rule("evidence_readable", ALL, ("D06", "C09"), (), check, last=True)
