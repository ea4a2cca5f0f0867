"""Span attributes and tags of steps, audits and model calls, derived from the state alone: for searching traces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bankable.graph.state import Decided, Judged
from bankable.nodes.config_tuner import patch_name
from bankable.tools.evidence.records import Lever
from bankable.tools.llm.ledger import CallLine
from bankable.tools.llm.outcome import Kind
from bankable.tools.tracing.span import Value

Attributes = dict[str, Value | tuple[str, ...]]

AUDITS = {
    "audit_baseline": "baseline",
    "audit_profile": "profile",
    "audit_harness": "harness",
    "audit_patch": "patch",
    "audit_bundle": "bundle",
    "audit_frontier": "frontier",
}
"""Steps that audit, and their scope."""
PRODUCERS = {
    "baseline": ("baseline",),
    "profile": ("profile",),
    "harness": ("op_benchmarker",),
    "patch": ("config_tuner", "measure_patch", "integrator", "eject"),
    "bundle": ("validator",),
    "frontier": (),
}
"""Steps that respond to a verdict of a scope, until its next audit."""
_SCOPES = {
    **AUDITS,
    **{node: scope for scope, nodes in PRODUCERS.items() for node in nodes},
    "bank": "patch",
    "kernel_author": "harness",
}
_COUNTERS = {
    "baseline": "baseline_attempt",
    "profile": "profile_attempt",
    "harness": "bench_attempt",
    "patch": "patch_attempt",
    "bundle": "bundle_attempt",
}


def step_attributes(
    node: str, step: int, state: Mapping[str, Any], changed: Mapping[str, Any] | None = None
) -> Attributes:
    """Attributes of one step that received ``state``; after it has ended, also of its ``changed`` fields."""
    values: dict[str, Any] = {**state, **(changed or {})}
    attributes: Attributes = {"node": node, "step": step}
    attributes |= {name: str(values[name]) for name in ("track", "operator") if values.get(name)}
    scope = _SCOPES.get(node)
    if node == "config_tuner":
        return attributes | _describe_proposal(values, changed)
    if scope is not None:
        attributes["scope"] = scope
        counter = _COUNTERS.get(scope)
        if counter is not None and isinstance(values.get(counter), int):
            attributes["attempt"] = values[counter]
    lever = values.get("lever") or state.get("lever")
    if isinstance(lever, Lever) and scope == "patch":
        attributes["lever"] = lever.text()
    if scope in ("baseline", "patch", "bundle") and values.get("comparison"):
        attributes["candidate"] = values["comparison"]
    return attributes | _describe_decision(changed)


def _describe_proposal(values: Mapping[str, Any], changed: Mapping[str, Any] | None) -> Attributes:
    """The tuner proposes the next comparison, under the name that it will have."""
    attributes: Attributes = {"scope": "patch"}
    lever = values.get("lever")
    if changed is None or values.get("given_up") or not isinstance(lever, Lever):
        return attributes | _describe_decision(changed)
    attempt = int(values.get("patch_attempt", 0)) + 1
    return attributes | {"attempt": attempt, "lever": lever.text(), "candidate": patch_name(lever, attempt)}


def _describe_decision(changed: Mapping[str, Any] | None) -> Attributes:
    made = tuple(
        decision.decision for decision in (changed or {}).get("decisions") or () if isinstance(decision, Decided)
    )
    return {"decisions": made} if made else {}


def audit_attributes(judged: Judged) -> Attributes:
    """Attributes of a finished audit."""
    return {
        "scope": judged.scope,
        "subject": judged.subject,
        "attempt": judged.attempt,
        "verdict": judged.verdict,
        "action": judged.action,
        "rules": judged.rules,
        "audit": judged.folder,
        "degraded": bool(judged.degraded),
        "loop": loop_of(judged),
    }


def answer_attributes(judged: Judged) -> Attributes:
    """Attributes of a step that responds to this verdict."""
    return {"loop": loop_of(judged), "answers": judged.folder, "answers_verdict": judged.verdict}


def call_attributes(line: CallLine) -> Attributes:
    """Attributes of a request to a language model."""
    attributes: Attributes = {
        "role": line.role,
        "model": line.model,
        "outcome": line.outcome.value,
        "request": line.attempt,
        "input_tokens": line.prompt_tokens,
        "output_tokens": line.completion_tokens,
        "estimated": line.estimated,
    }
    if line.status is not None:
        attributes["status"] = line.status
    return attributes | ({"cost_usd": line.cost} if line.cost is not None else {})


def loop_of(judged: Judged) -> str:
    """The tag that an audit shares with the steps that respond to it."""
    return f"{judged.scope}:{judged.verdict}"


def tags(kind: str, attributes: Attributes, more: Iterable[str] = ()) -> tuple[str, ...]:
    """Tags of a span, for the most common filters. ``verdict`` is on audits only, ``loop`` on audits and responses."""
    labels = [f"run:{attributes['run_id']}", f"kind:{kind}"]
    labels += [
        f"{name}:{attributes[name]}"
        for name in ("node", "scope", "verdict", "action", "loop", "role")
        if name in attributes
    ]
    rules = attributes.get("rules", ())
    labels += [f"rule:{rule}" for rule in rules] if isinstance(rules, tuple) else []
    if kind == "llm":
        labels.append(f"outcome:{attributes['outcome']}")
    labels += [word for word in ("replay", "resumed", "degraded") if attributes.get(word) is True]
    return (*labels, *more)


def describe_failure(line: CallLine) -> str:
    """Reason for a failed request, in fixed words of ours; empty when it succeeded."""
    return "" if line.outcome is Kind.ANSWERED else f"{line.outcome.value}: {line.detail}"
