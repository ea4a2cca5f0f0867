"""Says whether a public leaderboard would admit a measurement, as a label and never as a verdict.

The measure is InferenceX's rules for contributions (SemiAnalysisAI/InferenceX, ``CONTRIBUTING.md`` at 0b1bebc, 2026):
the projects' own images, no change of the architecture for the benchmark's sake, draft weights and their precision as
published, a chat template with speculative decoding, and its own workloads at full length on hardware of its list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bankable.tools.evidence.records import Lever, Plan
from bankable.tools.levers import knob
from bankable.tools.workloads import WORKLOADS

LESS_WORK = frozenset({"json_model_override_args", "enable_hisparse", "torchao_config", "load_format"})
"""Settings that may leave out work of the model: another architecture, sparse attention, random weights."""
PRECISION = frozenset({"quantization", "dtype", "kv_cache_dtype"})
"""Settings of precision: admitted with an accuracy evaluation of the leaderboard's own."""
DRAFT = "speculative_"
DRAFT_PRECISION = ("speculative_draft_model_quantization", "speculative_draft_model_dtype")

Admitted = Literal["yes", "no", "unknown"]


@dataclass(frozen=True)
class Admission:
    """The label."""

    admitted: Admitted
    """``no`` where one reason is against it, ``unknown`` where one cannot be checked here."""
    against: tuple[str, ...]
    open: tuple[str, ...]

    def describe(self) -> str:
        """``no: the engine is patched (rms_norm)``."""
        reasons = [*self.against, *(f"to be shown: {text}" for text in self.open)]
        return self.admitted + (f": {'; '.join(reasons)}" if reasons else "")


def judge_admission(
    lever: Lever | None,
    plan: Plan,
    server_info: Mapping[str, Any],
    device: str,
    image: str | None = None,
    *,
    overlaid: bool = False,
) -> Admission:
    """Label one side. ``lever``: its change, ``None`` of a reference. ``image``: container image as the caller says.

    ``overlaid``: an overlay of operators was laid over the engine, by this lever or by an earlier one.
    """
    names = set(lever.names()) if lever is not None else set()
    patched = sorted(lever.overlays) if lever is not None else []
    against = []
    if patched or overlaid:
        against.append(f"the engine is patched ({', '.join(patched) or 'operators of an earlier lever'})")
    if less := sorted((names - {"load_format"} | _set_in(server_info, LESS_WORK)) & LESS_WORK):
        against.append(f"the model may do less work ({', '.join(less)})")
    if drafts := sorted(name for name in DRAFT_PRECISION if name in names or server_info.get(name)):
        against.append(f"the precision of the draft is changed ({', '.join(drafts)})")
    workload = plan.workload.name
    if workload is None:
        against.append("the workload is none of the leaderboard's")
    elif workload not in WORKLOADS:
        against.append(f"the workload is scaled down ({workload})")
    if device == "cpu":
        against.append("the leaderboard lists no CPU")
    left = []
    if image is None:
        left.append("served from the project's own image")
    if precision := sorted(names & PRECISION):
        left.append(f"accuracy by the leaderboard's own evaluation ({', '.join(precision)})")
    numerics = sorted(name for name in names - PRECISION if (entry := knob(name)) and entry.changes_numerics)
    if numerics:
        left.append(f"accuracy, since answers may change ({', '.join(numerics)})")
    if server_info.get("speculative_algorithm") or any(name.startswith(DRAFT) for name in names):
        left.append("acceptance of drafts on real text with the chat template: random tokens do not show it")
    return Admission("no" if against else "unknown" if left else "yes", tuple(against), tuple(left))


def _set_in(info: Mapping[str, Any], names: frozenset[str]) -> set[str]:
    """Settings that the server resolved to another value than the default; of ``load_format`` only ``dummy`` counts."""
    usual = {"json_model_override_args": "{}"}
    changed = {name for name in names if info.get(name) not in (None, False, "", usual.get(name))}
    return changed if info.get("load_format") == "dummy" else changed - {"load_format"}
