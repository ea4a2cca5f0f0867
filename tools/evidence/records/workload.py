"""What a round asks of a server."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from bankable.tools.errors import UserError
from bankable.tools.evidence.records.base import Digest, Record
from bankable.tools.workloads import find_workload


class Workload(Record):
    """What a round asks of the server. One workload per comparison; only the seed differs between rounds."""

    dataset: Literal["random-ids", "questions", "sharegpt"] = "random-ids"
    """Source of the prompts: token ids drawn at random, word problems, or conversations."""
    dataset_path: str | None = None
    """Local file for ``questions`` (GSM8K JSONL) and ``sharegpt``; its digest is in ``dataset_digest``."""
    dataset_digest: Digest | None = None
    """sha256 of the file at ``dataset_path``; ``None`` for random ids."""
    num_prompts: int = Field(default=48, gt=0)
    """Requests of one round."""
    input_len: int = Field(default=128, gt=0)
    """Prompt length in tokens; for random ids the mean when ``range_ratio`` < 1."""
    output_len: int = Field(default=32, gt=0)
    """Requested length of an answer in tokens."""
    range_ratio: float = Field(default=1.0, ge=0.0, le=1.0)
    """Lengths are drawn from [ratio·len, len]; 1.0 means fixed lengths."""
    request_rate: float | None = Field(default=None, gt=0)
    """Requests per second, Poisson; ``None`` means all at once, bounded by ``concurrency``."""
    concurrency: int = Field(default=12, gt=0)
    """Requests in flight at most."""
    name: str | None = None
    """Name of a workload that is defined in ``tools/workloads.py``, with its scale; ``None`` for one without a name."""

    @model_validator(mode="after")
    def _as_named(self) -> Workload:
        """A workload that has a name is what the name stands for."""
        if self.name is not None:
            try:
                named = find_workload(self.name)
            except UserError as problem:
                raise ValueError(str(problem)) from None
            lengths = (named.input_len, named.output_len, named.range_ratio)
            if (self.input_len, self.output_len, self.range_ratio) != lengths or self.dataset != "random-ids":
                raise ValueError(f"workload {self.name} has other lengths than its definition")
            if self.num_prompts < named.prompts_in_flight * self.concurrency:
                raise ValueError(f"workload {self.name} has fewer requests than its definition")
        return self

    @model_serializer(mode="wrap")
    def _without_absent_name(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A workload without a name is written as it always was."""
        written: dict[str, Any] = dump(self)
        if self.name is None:
            written.pop("name", None)
        return written
