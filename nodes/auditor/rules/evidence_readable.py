"""Evidence can be read as it was written (all modes rest on this).

Proves: no line of an evidence file is malformed, has a key twice, nests or grows beyond bounds, or states something
impossible such as a negative duration. A torn last line is what a kill leaves behind: a remark, because whatever it
was to prove is then missing and said so elsewhere. This rule runs last, when every file has been opened.
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
    for problem in case.view.problems:
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


rule = Rule("evidence_readable", ALL, ("D06", "C09"), (), check, last=True)
