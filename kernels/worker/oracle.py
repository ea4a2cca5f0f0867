"""The job that writes a task's oracle: inputs from a seed, and what the live implementation gives for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from bankable.kernels.operators.implementations import OPERATORS
from bankable.kernels.worker.check import OutputComparison, reference
from bankable.kernels.worker.live_source import live_names, source_file
from bankable.kernels.worker.measure import inputs_of


def captured(job: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """How far the answers that a live server gave are from float64, for the inputs that it gave them to."""
    operator = OPERATORS[job["family"]]
    for shape in job["shapes"]:
        comparison, outputs = OutputComparison(job["relative_error"]), load_file(shape["expected"])
        tensors = load_file(shape["inputs"])
        wanted = reference(operator, tensors)
        results = tuple(outputs[str(index)] for index in range(len(wanted)))
        comparison.add_all(operator.settled(tensors, results, wanted), wanted)
        yield {"shape": shape["key"], "error": comparison.error, "mismatch_share": comparison.mismatch_share}


def run(job: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """One inputs file and one expected file per shape; the reply holds the error of the live code against float64."""
    operator, dtype = OPERATORS[job["family"]], job["dtype"]
    torch.set_num_threads(job["threads"])
    names = live_names(operator.live_files)
    for shape in job["shapes"]:
        dims = tuple(shape["dims"])
        tensors = inputs_of(operator, dims, dtype, shape["seed"], "oracle", "normal")
        outputs = operator.dispatched(names, tensors)(tensors)
        comparison = OutputComparison(job["relative_error"])
        wanted = reference(operator, tensors)
        comparison.add_all(operator.settled(tensors, outputs, wanted), wanted)
        save_file(tensors, f"{shape['key']}.inputs.safetensors")
        save_file(
            {str(index): tensor.contiguous() for index, tensor in enumerate(outputs)},
            f"{shape['key']}.expected.safetensors",
        )
        yield {
            "shape": shape["key"],
            "live_source": source_file(operator.live_files[0]),
            "error": comparison.error,
            "mismatch_share": comparison.mismatch_share,
        }
