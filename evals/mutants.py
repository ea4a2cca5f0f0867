"""Mutation testing of the rules: disables each rule in turn and checks that a fixture notices.

A rule is killed when at least one fixture then gets another result than its key requires. Only fixtures in which the
rule accuses can notice: a rule sees evidence, never another rule's findings.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from bankable.evals.fixtures.keys import Key
from bankable.evals.fixtures.model import Fixture
from bankable.evals.runner.evidence import seal_fixture
from bankable.evals.runner.record import Heard, Judgment, JudgmentSource, judgment
from bankable.evals.runner.run import select_fixtures
from bankable.evals.score.scored import HEAVY, Scored
from bankable.nodes.auditor.engine import evaluate
from bankable.nodes.auditor.rules import RULES


@dataclass(frozen=True)
class Mutant:
    """The rules without one."""

    rule: str
    killers: tuple[str, ...]
    """Fixtures that then differ from their key."""

    @property
    def killed(self) -> bool:
        """Whether at least one fixture notices."""
        return bool(self.killers)


def judge_without(name: str) -> list[tuple[str, Judgment]]:
    """The fixture judged without each rule that accuses in it: (rule, verdict without it)."""
    fixture = select_fixtures([name])[0]
    judgments: list[tuple[str, Judgment]] = []
    with seal_fixture(fixture) as evidence:
        accusing = {finding.rule for finding in evaluate(evidence.folder).findings if finding.severity in HEAVY}
        for gone in [rule for rule in RULES if rule.id in accusing]:
            begun = time.perf_counter()
            verdict = evaluate(evidence.folder, [rule for rule in RULES if rule is not gone])
            source = JudgmentSource(f"rules without {gone.id}", 0, 0, evidence.digest, time.perf_counter() - begun)
            judgments.append((gone.id, judgment(fixture, Heard(verdict), source)))
    return judgments


def mutants(fixtures: Sequence[Fixture], keys: Mapping[str, Key], jobs: int) -> tuple[Mutant, ...]:
    """One mutant per rule, in the order of the rules."""
    names = [fixture.id for fixture in fixtures]
    with ProcessPoolExecutor(jobs) as pool:
        return find_killers(pool.map(judge_without, names), keys)


def find_killers(judged: Iterable[Iterable[tuple[str, Judgment]]], keys: Mapping[str, Key]) -> tuple[Mutant, ...]:
    """Which fixtures kill which mutant."""
    killers: dict[str, list[str]] = {rule.id: [] for rule in RULES}
    for judgments in judged:
        for rule, result in judgments:
            if Scored(result, keys[result.fixture]).wrong:
                killers[rule].append(result.fixture)
    return tuple(Mutant(rule, tuple(names)) for rule, names in killers.items())


def text(tested: Sequence[Mutant]) -> str:
    """The kill rate, then every rule with the fixtures that notice."""
    dead = sum(mutant.killed for mutant in tested)
    lines = [
        f"{dead} of {len(tested)} rules killed = {dead / len(tested):.0%}",
        "",
        f"{'rule without':<28}{'noticed by':>11}",
    ]
    for mutant in sorted(tested, key=lambda mutant: (len(mutant.killers), mutant.rule)):
        shown = ", ".join(mutant.killers[:3]) + (" …" if len(mutant.killers) > 3 else "")
        lines.append(f"{mutant.rule:<28}{len(mutant.killers):>11}  {shown or 'SURVIVES'}")
    return "\n".join(lines)
