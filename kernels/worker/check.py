"""The job that checks outputs: expected values are computed here, after the candidate's process has ended."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from safetensors.torch import load_file

from bankable.kernels.operators.implementations import OPERATORS
from bankable.kernels.operators.torch_operator import Operator, Outputs, Tensors
from bankable.kernels.worker.buffers import clean, guards_hold
from bankable.kernels.worker.live_source import live_names
from bankable.kernels.worker.measure import inputs_of


def run(job: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """Compare the named calls of one output file with float64, and the first ``live_calls`` of them with live as well.

    Live may be what is slow, and float64 alone says whether an output is right.
    """
    operator, dims, dtype = OPERATORS[job["family"]], tuple(job["dims"]), job["dtype"]
    names, got = live_names(operator.live_files), load_file(job["outputs"])
    total = OutputComparison(job["relative_error"])
    against_live = OutputComparison(job["relative_error"])
    by_call: dict[str, float | None] = {}
    for number, entry in enumerate(job["calls"]):
        tensors = inputs_of(operator, dims, dtype, job["seed"], entry["name"], entry["inputs"])
        alone = OutputComparison(job["relative_error"])
        wanted = reference(operator, tensors)
        outputs = tuple(got[f"{entry['name']}.{index}"] for index in range(len(wanted)))
        for comparison in (total, alone):
            comparison.add_all(operator.settled(tensors, outputs, wanted), wanted)
        if number < job.get("live_calls", len(job["calls"])):
            live = operator.dispatched(names, tensors)(tensors)
            against_live.add_all(operator.settled(tensors, outputs, live), live)
        by_call[entry["name"]] = alone.error
    yield {
        "elements": total.elements,
        "relative_error": total.error,
        "mismatch_share": total.mismatch_share,
        "error_vs_live": against_live.error,
        "equal_bits": against_live.equal_share,
        "by_call": by_call,
        "poison_intact": _is_written(got),
        "changes_with_input": _follows_inputs(got, job),
        "same_pointer_recheck": _answered_anew(operator, dims, dtype, job, got),
    }


def against_oracle(job: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """Compare outputs for the oracle's inputs with the live implementation's outputs when the task was made."""
    got, expected = load_file(job["outputs"]), load_file(job["expected"])
    comparison = OutputComparison(job["relative_error"])
    outputs = tuple(got[f"oracle.{index}"] for index in range(len(expected)))
    wanted = tuple(expected[str(index)] for index in range(len(expected)))
    comparison.add_all(OPERATORS[job["family"]].settled(load_file(job["inputs"]), outputs, wanted), wanted)
    yield {"error": comparison.error, "equal_bits": comparison.equal_share, "elements": comparison.elements}


def reference(operator: Operator, tensors: Tensors) -> Outputs:
    """The definition in float64, on the very inputs."""
    exact = {name: tensor.double() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    return operator.reference(exact)


class OutputComparison:
    """The largest |got − want| / max(|want|, rms(want)) over all elements added."""

    def __init__(self, allowed: float) -> None:
        self._allowed = allowed
        self._worst = 0.0
        self._beyond = self._equal = self.elements = 0

    def add_all(self, got: Outputs, wanted: Outputs) -> None:
        """Compare every output with the expected one."""
        for output, want in zip(got, wanted, strict=True):
            self.add(output, want)

    def add(self, got: torch.Tensor, want: torch.Tensor) -> None:
        """Compare one output with the expected one, in float64."""
        exact, want = got.double(), want.double()
        same = (exact == want) | (exact.isnan() & want.isnan())
        finite = want[want.isfinite()]
        floor = finite.square().mean().sqrt() if finite.numel() else want.new_zeros(())
        error = torch.where(same, 0.0, (exact - want).abs() / torch.maximum(want.abs(), floor))
        error = torch.where(error.isfinite(), error, math.inf)
        self._worst = max(self._worst, float(error.max()))
        self._beyond += int((error > self._allowed).sum())
        self._equal += int(same.sum())
        self.elements += want.numel()

    @property
    def error(self) -> float | None:
        """``None`` where a value is not finite but should be."""
        return self._worst if math.isfinite(self._worst) else None

    @property
    def mismatch_share(self) -> float:
        """Share of elements beyond the tolerance."""
        return self._beyond / max(1, self.elements)

    @property
    def equal_share(self) -> float:
        """Share of elements with equal value."""
        return self._equal / max(1, self.elements)


def _is_written(got: Tensors) -> bool:
    return all(guards_hold(tensor) if name.startswith("guarded.") else clean(tensor) for name, tensor in got.items())


def _follows_inputs(got: Tensors, job: dict[str, Any]) -> bool | None:
    """Whether two inputs gave two different outputs; ``None`` with a single call."""
    names = [entry["name"] for entry in job["calls"]]
    if len(names) < 2:
        return None
    return all(not torch.equal(got[f"{names[0]}.0"], got[f"{name}.0"]) for name in names[1:])


def _answered_anew(
    operator: Operator, dims: tuple[int, ...], dtype: str, job: dict[str, Any], got: Tensors
) -> bool | None:
    if "recheck.0" not in got:
        return None
    comparison = OutputComparison(job["relative_error"])
    tensors = inputs_of(operator, dims, dtype, job["seed"], "recheck", "normal")
    wanted = reference(operator, tensors)
    outputs = tuple(got[f"recheck.{index}"] for index in range(len(wanted)))
    comparison.add_all(operator.settled(tensors, outputs, wanted), wanted)
    return comparison.mismatch_share == 0
