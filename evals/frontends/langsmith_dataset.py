"""Sends the fixtures as a LangSmith dataset; repeatable: existing equal examples are left unchanged."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from bankable.evals.frontends.langsmith_client import explain_errors
from bankable.evals.frontends.shown import Keyed, ShownFixture
from bankable.tools.evidence.canonical import canonical, digest

if TYPE_CHECKING:
    from langsmith import Client
    from langsmith.schemas import Dataset

WORDS = "Sealed benchmark evidence as Bankable's judge is shown it, and what an auditor has to say about it."
AT_ONCE = 20
"""Examples in one request."""


@dataclass(frozen=True)
class Pushed:
    """Counts of changes."""

    created: int
    updated: int
    same: int
    others: int
    """Examples of the dataset that are no fixture of these; they are left unchanged."""

    def __str__(self) -> str:
        others = f", {self.others} of others left alone" if self.others else ""
        return f"{self.created} examples new, {self.updated} changed, {self.same} the same{others}"


def dataset(client: Client, name: str) -> Dataset:
    """The dataset of this name, created where there is none."""
    from langsmith.utils import LangSmithNotFoundError  # noqa: PLC0415 - the extra trace brings it

    with explain_errors():
        try:
            existing: Dataset = client.read_dataset(dataset_name=name)
            if existing.name == name:
                return existing
        except LangSmithNotFoundError:
            pass
        # Without this the library would send a description of the machine.
        return client.create_dataset(name, description=WORDS, metadata={"runtime": None})


def example_id(into: uuid.UUID, fixture: str, seed: int) -> uuid.UUID:
    """The same for the same fixture in the same dataset."""
    return uuid.uuid5(into, f"{fixture} {seed}")


def push(client: Client, into: Dataset, fixtures: Iterable[tuple[Keyed, ShownFixture]], seed: int) -> Pushed:
    """Create what is missing, update what differs."""
    with explain_errors():
        there = {
            example.id: (example.metadata or {}).get("content") for example in client.list_examples(dataset_id=into.id)
        }
        counts = {"new": 0, "changed": 0, "same": 0}
        seen: set[uuid.UUID] = set()
        for some in _in_pieces(fixtures, AT_ONCE):
            examples = [_example(into, keyed, shown, seed) for keyed, shown in some]
            seen |= {example["id"] for example in examples}
            new = [example for example in examples if example["id"] not in there]
            changed = [
                example
                for example in examples
                if example["id"] in there and there[example["id"]] != example["metadata"]["content"]
            ]
            if new:
                client.create_examples(dataset_id=into.id, examples=new)
            if changed:
                client.update_examples(
                    dataset_id=into.id,
                    updates=[
                        {**_but(example, "reference_outputs"), "outputs": example["reference_outputs"]}
                        for example in changed
                    ],
                )
            counts["new"] += len(new)
            counts["changed"] += len(changed)
            counts["same"] += len(examples) - len(new) - len(changed)
    return Pushed(counts["new"], counts["changed"], counts["same"], len(there.keys() - seen))


def _example(into: Dataset, keyed: Keyed, shown: ShownFixture, seed: int) -> dict[str, Any]:
    inputs = {"scope": shown.scope, "evidence": shown.text}
    outputs = keyed.key.model_dump(mode="json")
    metadata = {**keyed.metadata, "seed": seed, "sealed": shown.evidence}
    content = digest(canonical([inputs, outputs, metadata]))
    return {
        "id": example_id(into.id, shown.fixture, seed),
        "inputs": inputs,
        "reference_outputs": outputs,
        "metadata": {**metadata, "content": content},
        "split": metadata["split"],
    }


def _but(values: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != name}


def _in_pieces(
    pairs: Iterable[tuple[Keyed, ShownFixture]], size: int
) -> Iterator[Sequence[tuple[Keyed, ShownFixture]]]:
    left = iter(pairs)
    while some := list(islice(left, size)):
        yield some
