"""Tools for a model about settings: check whether one may be proposed, and look up its earlier results."""

from __future__ import annotations

import math
from collections.abc import Iterator

import orjson
from pydantic import Field

from bankable.nodes.advice.configuration import ConfigurationProposal, ProposedSetting, plain, sift
from bankable.tools.evidence.records import Record
from bankable.tools.llm.toolbox import Tool
from bankable.tools.measurement.run_context import RunContext
from bankable.tools.measurement.screening import read_trials
from bankable.tools.search.space import SearchSpace

MOST_CLAIMS = 50
MOST_BYTES = 1 << 20


class CheckSetting(Record):
    """Arguments of ``propose_configuration``."""

    name: str = Field(max_length=100)
    """Name of the setting; leading dashes are accepted."""
    value: bool | int | float | str
    """Value that might be proposed for it."""


class AskDiagnosis(Record):
    """Arguments of ``ask_for_a_diagnosis``."""

    setting: str = Field(max_length=100)
    """Name of the setting; leading dashes are accepted."""


def setting_tools(context: RunContext, space: SearchSpace) -> tuple[Tool[CheckSetting], Tool[AskDiagnosis]]:
    """Tools over one search space."""
    return (
        Tool(
            "propose_configuration",
            "Whether a setting with this value can be proposed.",
            CheckSetting,
            lambda request: _check(request, space),
        ),
        Tool(
            "ask_for_a_diagnosis",
            "What screening and confirmations know of a setting so far.",
            AskDiagnosis,
            lambda request: "\n".join(_list_facts(context, request.setting)) or "nothing is known of it",
        ),
    )


def _check(request: CheckSetting, space: SearchSpace) -> str:
    proposed = ProposedSetting(name=request.name, value=request.value, because="", expected_gain=0.0)
    admitted, dropped = sift(ConfigurationProposal(proposals=(proposed,)), space)
    return f"can be proposed, as {admitted[0].name}={admitted[0].value}" if admitted else dropped[0].why


def _list_facts(context: RunContext, setting: str) -> Iterator[str]:
    name = setting.strip().lstrip("-").replace("-", "_")
    for trial in read_trials(context):
        if name in trial.flags:
            end = trial.failure.kind if trial.failure else "no result"
            score = f"{math.expm1(trial.score):+.1%} in {trial.rounds} rounds" if trial.score is not None else end
            yield f"screened as {name}={trial.flags[name]}: {score}"
    for path in sorted((context.folder.root / "comparisons").glob("patch-*/claim.json"))[:MOST_CLAIMS]:
        try:
            claim = orjson.loads(path.read_bytes()[:MOST_BYTES])
        except (OSError, ValueError):
            continue
        if isinstance(claim, dict) and name in path.parent.name:
            yield f"confirmed as {path.parent.name}: {plain(str(claim.get('headline')))}"
