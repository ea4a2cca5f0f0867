"""Sends results of ``run`` as a LangSmith experiment over the dataset: one run per verdict, scored as in the report."""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bankable.evals.frontends.langsmith_client import explain_errors
from bankable.evals.frontends.langsmith_dataset import example_id
from bankable.evals.score.scored import FixtureScore, Scored

if TYPE_CHECKING:
    from langsmith import Client
    from langsmith.schemas import Dataset


def push_results(client: Client, into: Dataset, name: str, fixture_scores: Sequence[FixtureScore]) -> int:
    """Send every verdict; existing ones stay unchanged. Returns their number."""
    verdicts = [repeat for fixture in fixture_scores for repeat in fixture.repeats]
    with explain_errors():
        project = client.create_project(
            name, upsert=True, reference_dataset_id=into.id, metadata={"auditor": verdicts[0].judgment.auditor}
        )
        for verdict in verdicts:
            _push(client, project.id, name, into, verdict)
    return len(verdicts)


def _push(client: Client, project: uuid.UUID, name: str, into: Dataset, scored: Scored) -> None:
    from langsmith.utils import LangSmithConflictError  # noqa: PLC0415 - the extra trace brings it

    judgment = scored.judgment
    run_id = uuid.uuid5(
        project, f"{judgment.auditor} {judgment.fixture} {judgment.seed} {judgment.repeat} {judgment.verdict}"
    )
    ended = datetime.now(UTC)
    calls = judgment.asked
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library prefers ids with a time; these identify the verdict
        client.create_run(
            judgment.fixture,
            {"fixture": judgment.fixture, "scope": judgment.scope},
            "chain",
            project_name=name,
            id=run_id,
            reference_example_id=example_id(into.id, judgment.fixture, judgment.seed),
            start_time=ended - timedelta(seconds=judgment.seconds),
            end_time=ended,
            outputs={
                "verdict": scored.word,
                "action": judgment.action.value,
                "findings": [finding.model_dump(mode="json") for finding in judgment.findings],
            },
            extra={
                "metadata": {
                    "auditor": judgment.auditor,
                    "ruleset": judgment.ruleset,
                    "sealed": judgment.evidence,
                    "repeat": judgment.repeat,
                    "model": calls.model if calls else None,
                    "skill": calls.skill if calls else None,
                }
            },
        )
    marks = {"as_keyed": not scored.wrong}
    marks |= {"false_pass": scored.false_pass} if scored.fraud else {"false_alarm": scored.false_alarm}
    for key, value in marks.items():
        try:
            client.create_feedback(
                run_id,
                key,
                score=value,
                comment=scored.wrong or None,
                feedback_id=uuid.uuid5(run_id, key),
                session_id=project,
                stop_after_attempt=2,
            )
        except LangSmithConflictError:
            continue
