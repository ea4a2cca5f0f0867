"""What was laid over the server is what the plan declared, and what the operator benchmark measured (E01 E07 H03).

The digest over an operator's files in the sealed overlay, folders of other operators left out, is the declared one.
Among these files is the source that the benchmark's rows of the served implementation name: a kernel that was benched
proves nothing about another one that is served under its name. What the server gained is not touched by that: FLAG.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.rule import GAINS, Found, NotApplicable, Outcome, Rule, at, fail, flag, info
from bankable.nodes.auditor.verdict import Action
from bankable.tools.evidence.layout import OVERLAY_FOLDER
from bankable.tools.evidence.records import OverlayPart
from bankable.tools.overlay.folder import files_digest


def check(case: Case) -> Iterator[Outcome]:
    if not case.lever.overlays or not case.view.overlay:
        yield NotApplicable("no operator was replaced, or no overlay is in the evidence")
        return
    for name, part in sorted(case.lever.overlays.items()):
        outcomes = [*_check_declared(case, name, part), *_check_benched(case, name, part)]
        yield from outcomes or [
            info(f"{name}: the declared files", part.digest[:12], at(case.comparison.path(OVERLAY_FOLDER)))
        ]


def _check_declared(case: Case, name: str, part: OverlayPart) -> Iterator[Found]:
    laid = files_digest(_files(case, name))
    if laid != part.digest:
        yield fail(
            f"{name}: files with the digest {part.digest[:12]}",
            laid[:12],
            "lay over the files that were declared, all of them, unchanged",
            at(case.comparison.path(OVERLAY_FOLDER)),
            at(case.lever_file),
            action=Action.REMEASURE,
            modes=("E01", "E07"),
            code="other_files",
        )


def _check_benched(case: Case, name: str, part: OverlayPart) -> Iterator[Found]:
    benchmark = case.view.operators.get(name)
    measured = {row.run.source.digest for row in benchmark.of(part.implementation)} if benchmark is not None else set()
    laid = {hashlib.sha256(content).hexdigest() for content in _files(case, name).values()}
    if benchmark is not None and measured and not measured <= laid:
        yield flag(
            f"{name}: the source that was benched, {min(measured)[:12]}",
            f"not among {len(laid)} files of the overlay",
            "serve the source that the operator benchmark measured",
            at(case.comparison.path(OVERLAY_FOLDER)),
            at(benchmark.runs_file),
            action=Action.REPLACE_HEADLINE,
            modes=("H03", "E01"),
            code="other_kernel",
        )


def _files(case: Case, name: str) -> dict[str, bytes]:
    others = tuple(f"{other}/" for other in case.lever.overlays if other != name)
    return {path: content for path, content in case.view.overlay.items() if not path.startswith(others)}


rule = Rule(
    "overlay_as_declared",
    GAINS,
    ("E01", "E07", "H03"),
    ("lever",),
    check,
)
