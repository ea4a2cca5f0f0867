"""Runs under the engine's interpreter with ``TRITON_INTERPRET=1``: what the Triton kernels give, against float64.

    triton_probe.py REPOSITORY JOB

JOB is JSON: families with their shapes, those that are tried in float16 too, kinds of inputs. Prints a JSON line for
each call: every kind with the default choices, normal inputs with all others, at every shape or at the last one only.
"""

from __future__ import annotations

import json
import runpy
import sys
from dataclasses import replace

runpy.run_path(sys.argv[1] + "/tools/start.py")["register"]()

import torch

from bankable.kernels.operators.family import Choices, Dims
from bankable.kernels.operators.implementations import OPERATORS
from bankable.kernels.operators.triton_kernels import PLANS
from bankable.kernels.worker.buffers import guarded, guards_hold, same_bits
from bankable.kernels.worker.check import OutputComparison, reference
from bankable.kernels.worker.measure import inputs_of

FREE = ("warps", "stages")
"""Choices that make no difference to the interpreter."""
WIDTHS = {torch.float16: "bfloat16"}
"""What stands for a dtype that a buffer with guards cannot be made of: one as wide."""


def tried(family: str, dims: Dims, dtype: str, kind: str, choices: Choices) -> dict[str, object]:
    """One call, into outputs that stand between guards."""
    operator = OPERATORS[family]
    tensors = inputs_of(operator, dims, dtype, 11, kind, kind)
    pristine = {name: tensor.clone() for name, tensor in tensors.items()}
    outputs, launches = PLANS[family](tensors, choices)
    buffers, whole = guarded(
        [(tuple(entry.shape), WIDTHS.get(entry.dtype) or str(entry.dtype)[6:]) for entry in outputs]
    )
    inner = tuple(buffer.view(output.dtype) for buffer, output in zip(buffers, outputs, strict=True))
    places = {id(output): view for output, view in zip(outputs, inner, strict=True)}
    for launch in launches:
        arguments = {name: places.get(id(value), value) for name, value in launch.arguments.items()}
        replace(launch, arguments=arguments).run()
    comparison, wanted = OutputComparison(0.0), reference(operator, tensors)
    comparison.add_all(operator.settled(tensors, inner, wanted), wanted)
    return {
        "family": family,
        "dtype": dtype,
        "dims": dims,
        "kind": kind,
        "choices": choices,
        "error": comparison.error,
        "outputs": [
            list(output.shape) == list(spec.dims)
            for output, spec in zip(outputs, operator.family.outputs(dims), strict=True)
        ],
        "guards": all(map(guards_hold, whole)),
        "inputs_alone": all(same_bits(tensors[name], was) for name, was in pristine.items()),
    }


def choices_of(family: str) -> list[Choices]:
    """Every choice that makes a difference here, the default first."""
    free = PLANS[family].defaults()
    return [
        entry
        for entry in PLANS[family].every_choice()
        if all(entry[name] == free[name] for name in FREE if name in entry)
    ]


job = json.loads(sys.argv[2])
for family, shapes in job["families"].items():
    usual, *others = choices_of(family)
    for index, dims in enumerate(map(tuple, shapes)):
        for kind in job["kinds"]:
            print(json.dumps(tried(family, dims, job["dtype"], kind, usual)))
        for choices in others if job["choices_everywhere"] or index == len(shapes) - 1 else ():
            print(json.dumps(tried(family, dims, job["dtype"], "normal", choices)))
