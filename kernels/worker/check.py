"""The job that checks outputs: expected values are computed here, after the candidate's process has ended."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from safetensors.torch import load_file

from bankable.kernels.operators.implementations import OPERATORS
from bankable.kernels.operators.torch_operator import Operator, Outputs, Tensors
from bankable.kernels.worker.buffers import clean, guards_hold
from bankable.kernels.worker.live_source import live_names
from bankable.kernels.worker.measure import inputs_of


def run(job: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """Compare the named calls of each shape's output file with float64, and the first ``live_calls`` of them with live.

    Where a shape has an oracle, outputs for its inputs are compared with what the live implementation gave for them
    when the task was made. One reply a shape. Live may be what is slow, and float64 alone says whether an output is
    right.
    """
    operator = OPERATORS[job["family"]]
    names = live_names(operator.live_files)
    for shape in job["shapes"]:
        try:
            yield {"shape": shape["key"], **_check(operator, names, job, shape)}
        except Exception as problem:
            yield {"shape": shape["key"], "raised": f"{type(problem).__name__}: {problem}".splitlines()[0][:300]}


def _check(operator: Operator, names: Mapping[str, Any], job: dict[str, Any], shape: dict[str, Any]) -> dict[str, Any]:
    """What one shape's file is worth. Raises any error of reading it."""
    dims, dtype, allowed, got = tuple(shape["dims"]), job["dtype"], job["relative_error"], load_file(shape["outputs"])
    total, against_live = OutputComparison(allowed), OutputComparison(allowed)
    by_call: dict[str, float | None] = {}
    for number, entry in enumerate(shape["calls"]):
        tensors = inputs_of(operator, dims, dtype, shape["seed"], entry["name"], entry["inputs"])
        wanted = reference(operator, tensors)
        outputs = tuple(got[f"{entry['name']}.{index}"] for index in range(len(wanted)))
        alone = OutputComparison(allowed)
        alone.add_all(operator.settled(tensors, outputs, wanted), wanted)
        total.merge(alone)
        if number < job.get("live_calls", len(shape["calls"])):
            live = operator.dispatched(names, tensors)(tensors)
            against_live.add_all(operator.settled(tensors, outputs, live), live)
        by_call[entry["name"]] = alone.error
    return {
        "elements": total.elements,
        "relative_error": total.error,
        "mismatch_share": total.mismatch_share,
        "error_vs_live": against_live.error,
        "equal_bits": against_live.equal_share,
        "by_call": by_call,
        "poison_intact": _is_written(got),
        "changes_with_input": _follows_inputs(got, shape),
        "same_pointer_recheck": _answered_anew(operator, dims, job, shape, got),
        "oracle_error": _error_against_oracle(operator, allowed, shape["oracle"], got) if "oracle" in shape else None,
    }


def _error_against_oracle(operator: Operator, allowed: float, oracle: dict[str, str], got: Tensors) -> float | None:
    """Error against the live implementation's outputs when the task was made; ``None`` where it is not finite."""
    expected = load_file(oracle["expected"])
    comparison = OutputComparison(allowed)
    outputs = tuple(got[f"oracle.{index}"] for index in range(len(expected)))
    wanted = tuple(expected[str(index)] for index in range(len(expected)))
    comparison.add_all(operator.settled(load_file(oracle["inputs"]), outputs, wanted), wanted)
    return comparison.error


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
        finite = want.isfinite()
        scaled = want if bool(finite.all()) else want[finite]
        floor = scaled.square().mean().sqrt() if scaled.numel() else want.new_zeros(())
        error = (exact - want).abs_().div_(torch.maximum(want.abs(), floor)).masked_fill_(same, 0.0)
        error.nan_to_num_(nan=math.inf, posinf=math.inf)
        self._worst = max(self._worst, float(error.max()))
        self._beyond += int((error > self._allowed).sum())
        self._equal += int(same.sum())
        self.elements += want.numel()

    def merge(self, other: OutputComparison) -> None:
        """Add all elements of another comparison with the same tolerance."""
        self._worst = max(self._worst, other._worst)
        self._beyond += other._beyond
        self._equal += other._equal
        self.elements += other.elements

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


def _follows_inputs(got: Tensors, shape: dict[str, Any]) -> bool | None:
    """Whether two inputs gave two different outputs; ``None`` with a single call."""
    names = [entry["name"] for entry in shape["calls"]]
    if len(names) < 2:
        return None
    return all(not torch.equal(got[f"{names[0]}.0"], got[f"{name}.0"]) for name in names[1:])


def _answered_anew(
    operator: Operator, dims: tuple[int, ...], job: dict[str, Any], shape: dict[str, Any], got: Tensors
) -> bool | None:
    if "recheck.0" not in got:
        return None
    comparison = OutputComparison(job["relative_error"])
    tensors = inputs_of(operator, dims, job["dtype"], shape["seed"], "recheck", "normal")
    wanted = reference(operator, tensors)
    outputs = tuple(got[f"recheck.{index}"] for index in range(len(wanted)))
    comparison.add_all(operator.settled(tensors, outputs, wanted), wanted)
    return comparison.mismatch_share == 0
