"""A workload as arguments of sglang's serving benchmark."""

from __future__ import annotations

from pathlib import Path

from bankable.tools.evidence.records import Workload
from bankable.tools.serving.driver import RoundLoad


def benchmark_arguments(
    load: RoundLoad, url: str, model: str, dataset: Path | None, context_length: int | None
) -> list[str]:
    """Arguments of one round against the server at ``url``.

    ``model``: name or path, also of the tokenizer. ``dataset``: the file to draw from, in the benchmark's own format
    (``dataset.py`` makes it). ``context_length``: requests that would not fit are not drawn. Greedy decoding; requested
    output lengths are enforced (end-of-text is ignored), so that every leg does the same work. No warm-up request and
    no flush inside the benchmark: both are done, and recorded, outside.
    """
    workload = load.workload
    arguments = [
        "--backend",
        "sglang",
        "--base-url",
        url,
        "--model",
        model,
        "--tokenizer",
        model,
        "--num-prompts",
        str(workload.num_prompts),
        "--max-concurrency",
        str(workload.concurrency),
        "--seed",
        str(load.seed),
        "--warmup-requests",
        "0",
        "--ready-check-timeout-sec",
        "0",
        "--output-details",
        "--cache-report",
        "--disable-tqdm",
    ]
    if workload.request_rate is not None:
        arguments += ["--request-rate", repr(workload.request_rate)]
    return arguments + _source(workload, dataset, context_length)


def _source(workload: Workload, dataset: Path | None, context_length: int | None) -> list[str]:
    if workload.dataset == "random-ids":
        # Token ids are sent as ids: as text they would be tokenized differently, and lengths would not be as asked.
        return [
            "--dataset-name",
            "random-ids",
            "--tokenize-prompt",
            "--random-input-len",
            str(workload.input_len),
            "--random-output-len",
            str(workload.output_len),
            "--random-range-ratio",
            repr(workload.range_ratio),
        ]
    name = {"questions": "custom", "sharegpt": "sharegpt"}[workload.dataset]
    arguments = [
        "--dataset-name",
        name,
        "--dataset-path",
        str(dataset),
        "--sharegpt-output-len",
        str(workload.output_len),
    ]
    return arguments if context_length is None else [*arguments, "--sharegpt-context-len", str(context_length)]
