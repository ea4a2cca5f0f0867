"""All kinds of mutations, and how many of them are held out.

Frauds favour the candidate or hide what spoils a measurement; all of them settle the figures of the records that they
touch, so that only relations between records can show them.
"""

from __future__ import annotations

from collections.abc import Sequence

from bankable.evals.redteam.counts import COUNT_KINDS
from bankable.evals.redteam.hiding import HIDING_KINDS
from bankable.evals.redteam.honest import HONEST_KINDS
from bankable.evals.redteam.latencies import LATENCY_KINDS
from bankable.evals.redteam.mutation import Mutation
from bankable.evals.redteam.operators import OPERATOR_KINDS

MUTATIONS: tuple[Mutation, ...] = (*LATENCY_KINDS, *COUNT_KINDS, *HIDING_KINDS, *OPERATOR_KINDS, *HONEST_KINDS)


def of_group(group: str) -> Sequence[Mutation]:
    """The kinds of one group."""
    return [mutation for mutation in MUTATIONS if mutation.group == group]
