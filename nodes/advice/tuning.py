"""Asks a model for settings to try: at the start of a search and after every few trials, within the same budget.

The answer is logged before it is used, so that a resumed search asks for the same trials in the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from bankable.nodes.advice.ask import RoleQuestion, Usable, ask_role, bullet_list, seconds_for
from bankable.nodes.advice.configuration import (
    Admitted,
    ConfigurationProposal,
    DroppedProposal,
    count_reasons,
    plain,
    sift,
)
from bankable.nodes.advice.evidence import evidence_tools
from bankable.nodes.advice.settings import setting_tools
from bankable.nodes.advice.skilled import skill_tool, skills_text
from bankable.tools.evidence.records import Record, Scalar, ServerConfig, describe_limits
from bankable.tools.evidence.store import AppendLog, whole_lines
from bankable.tools.levers import knob
from bankable.tools.llm.advisor import Advisor
from bankable.tools.llm.outcome import FINAL, Kind
from bankable.tools.llm.toolbox import Toolbox
from bankable.tools.measurement.progress import ProgressEvent
from bankable.tools.measurement.run_context import MeasurementProtocol, RunContext
from bankable.tools.measurement.screening import ScreeningResult, read_trials
from bankable.tools.prompts.loader import load_prompt
from bankable.tools.search.space import SearchSpace

if TYPE_CHECKING:
    from bankable.tools.search.policy import SearchPolicy

ROLE = "config_tuner"
LOG = "proposals.jsonl"
EVERY = 3
"""Trials between two questions."""
QUESTIONS = 4
"""Largest number of questions in one search."""


class Consultation(Record):
    """A line of ``search/proposals.jsonl``: one question, and its result."""

    search: str
    """Label of the search, such as ``around-NAME``: a run may search more than once."""
    after: int
    """Number of trials that the search had finished."""
    outcome: Kind
    """How the question ended."""
    detail: str = ""
    """Why there is no answer, for people; empty where there is one."""
    admitted: tuple[Admitted, ...] = ()
    """Proposals that were handed to the search policy."""
    dropped: tuple[DroppedProposal, ...] = ()
    """Proposals that were not, each with the reason."""


class FailAnswer(Record):
    """The lever that is tried in place of a returned one."""

    settings: dict[str, Scalar]
    """At most one setting with its new value; empty where nothing else is tried."""


class TuningAdvice:
    """The questions of one search."""

    def __init__(
        self,
        context: RunContext,
        advisor: Advisor,
        search: str,
        space: SearchSpace,
        reference: ServerConfig,
        findings: Sequence[str],
    ) -> None:
        self._context, self._advisor, self._search, self._space = context, advisor, search, space
        self._reference, self._findings = reference, findings
        self._path = context.folder.search / LOG
        self._past = {line.after: line for line in read_consultations(self._path) if line.search == search}

    def offer(self, policy: SearchPolicy, trials: Sequence[ScreeningResult]) -> None:
        """Give the policy proposals for the next trials, where a question is due.

        ``trials``: this search's finished trials.
        """
        after = len(trials)
        if after % EVERY or after >= EVERY * QUESTIONS:
            return
        line = self._past.get(after)
        if line is None:
            if any(item.outcome in FINAL for item in self._past.values()):
                return
            line = self._ask(policy, trials)
            AppendLog(self._path).append(line.model_dump(mode="json"))
            self._past[after] = line
            self._context.tell(ProgressEvent("note", _describe(line)))
        for entry in line.admitted:
            policy.suggest(*_settings(entry))

    def _ask(self, policy: SearchPolicy, trials: Sequence[ScreeningResult]) -> Consultation:
        system = load_prompt(ROLE).fill(**_words(self._context, self._space, self._reference, trials, self._findings))
        toolbox = _tools(self._context, self._space)
        outcome = self._advisor.ask(
            ROLE, system, "Your proposals.", ConfigurationProposal, toolbox, seconds_for(self._context)
        )
        if outcome.answer is None:
            return Consultation(search=self._search, after=len(trials), outcome=outcome.kind, detail=outcome.detail)
        admitted, dropped = sift(outcome.answer, self._space)
        fresh = [entry for entry in admitted if policy.has_place(*_settings(entry))]
        dropped += [
            DroppedProposal(what=f"{item.name}={item.value}", why="tried already")
            for item in admitted
            if item not in fresh
        ]
        return Consultation(
            search=self._search, after=len(trials), outcome=outcome.kind, admitted=tuple(fresh), dropped=tuple(dropped)
        )


def answer_to_fail(
    context: RunContext, returned: str, space: SearchSpace, reference: ServerConfig, findings: Sequence[str]
) -> dict[str, Scalar]:
    """Another value of a setting that the auditor returned as ``returned``; empty without one."""
    trials = [trial for trial in read_trials(context) if any(name.name in trial.flags for name in space.dimensions)]
    extended = [*findings, f"{returned} was returned: propose another value of the same setting, or nothing"]

    def take(answer: ConfigurationProposal) -> Usable[FailAnswer]:
        admitted, dropped = sift(answer, space)
        part = FailAnswer(settings={entry.name: entry.value for entry in admitted[:1]})
        settings = ", ".join(f"{name}={value}" for name, value in part.settings.items()) or "nothing else"
        return Usable(part, tuple(dropped), f"in answer to {returned}: {settings}")

    answer = ask_role(
        context,
        RoleQuestion(
            ROLE,
            f"answer {returned}",
            _words(context, space, reference, trials, extended),
            ConfigurationProposal,
            FailAnswer,
            take,
            _tools(context, space),
        ),
    )
    return answer.settings if answer is not None else {}


def _words(
    context: RunContext,
    space: SearchSpace,
    reference: ServerConfig,
    trials: Sequence[ScreeningResult],
    findings: Sequence[str],
) -> dict[str, str]:
    return {
        "skills": skills_text(ROLE, device=context.driver.device),
        "situation": _situation(context, space, reference),
        "trials": "\n".join(map(_shown, trials)) or "none yet",
        "findings": bullet_list(list(findings)),
    }


def _tools(context: RunContext, space: SearchSpace) -> Toolbox:
    skills = skill_tool(ROLE, device=context.driver.device)
    return (*evidence_tools(context.folder.root), skills, *setting_tools(context, space))


def _situation(context: RunContext, space: SearchSpace, reference: ServerConfig) -> str:
    settings = [
        {
            "name": dimension.name,
            "now": dimension.values[0],
            "values": list(dimension.values[1:]),
            "about": _about(dimension.name),
        }
        for dimension in space.dimensions
    ]
    fields = {
        "model": Path(context.model).name,
        "machine": asdict(context.situation()),
        "reference": reference.flags,
        "smallest_gain": context.protocol.floor,
        "settings": settings,
        **_objective(context.protocol),
    }
    return orjson.dumps(fields, option=orjson.OPT_INDENT_2).decode()


def _objective(protocol: MeasurementProtocol) -> dict[str, object]:
    """What is to improve and what must not get worse; empty for throughput alone."""
    fields: dict[str, object] = {}
    if protocol.metric != "output_throughput":
        fields["objective"] = protocol.metric
    if protocol.limits:
        fields["limits"] = describe_limits(protocol.limits)
    if protocol.guards:
        fields["guards"] = {guard.metric: f"at most {guard.margin:.1%} worse" for guard in protocol.guards}
    return fields


def read_consultations(path: Path) -> list[Consultation]:
    """Logged questions; an unreadable line counts as not asked."""
    return whole_lines(path, Consultation)


def _settings(admitted: Admitted) -> tuple[dict[str, bool | int | float | str], dict[str, str]]:
    return ({}, {admitted.name: str(admitted.value)}) if admitted.env else ({admitted.name: admitted.value}, {})


def _about(name: str) -> str:
    entry = knob(name)
    return entry.reason if entry is not None else ""


def _shown(trial: ScreeningResult) -> str:
    """Kinds of failures only: text of a server's log could be read by a model as an instruction."""
    what = ", ".join(f"{name}={value}" for name, value in trial.flags.items())
    if trial.score is None:
        return f"- {what}: {trial.failure.kind if trial.failure else 'no result'}"
    return f"- {what}: log ratio {trial.score:+.4f} over {trial.rounds} rounds"


def _describe(line: Consultation) -> str:
    if line.outcome is not Kind.ANSWERED:
        return f"language model as {ROLE}: {line.outcome}: {plain(line.detail)}; the deterministic policy decides"
    names = ", ".join(f"{entry.name}={entry.value}" for entry in line.admitted) or "nothing to try"
    dropped = f"; {len(line.dropped)} dropped: {count_reasons(line.dropped)}" if line.dropped else ""
    return f"language model as {ROLE}: {names}{dropped}"
