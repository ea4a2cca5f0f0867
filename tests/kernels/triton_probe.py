"""Runs under the engine's interpreter with ``TRITON_INTERPRET=1``: what the Triton kernels give, against float64.

    triton_probe.py REPOSITORY JOB

JOB is JSON: families with their shapes, dtypes, kinds of inputs. Prints a JSON line for each call.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace

sys.path.append(sys.argv[1])

import torch

from kernels.engine_side.buffers import GUARD, same_bits
from kernels.engine_side.check import Comparison, reference
from kernels.engine_side.measure import inputs_of
from kernels.engine_side.operators import OPERATORS
from kernels.triton_side.plans import PLANS

job = json.loads(sys.argv[2])
for family, shapes in job["families"].items():
    operator = OPERATORS[family]
    for dtype in job["dtypes"]:
        for dims in map(tuple, shapes):
            for kind in job["kinds"]:
                tensors = inputs_of(operator, dims, dtype, 11, kind, kind)
                pristine = {name: tensor.clone() for name, tensor in tensors.items()}
                outputs, launch = PLANS[family](tensors)
                whole = [torch.full((output.numel() + 2 * GUARD,), float("nan")).to(output.dtype) for output in outputs]
                inner = [raw[GUARD:-GUARD].view(output.shape) for raw, output in zip(whole, outputs, strict=True)]
                places = {id(output): view for output, view in zip(outputs, inner, strict=True)}
                arguments = {name: places.get(id(value), value) for name, value in launch.arguments.items()}
                replace(launch, arguments=arguments).run()
                comparison = Comparison(0.0)
                for got, want in zip(inner, reference(operator, tensors), strict=True):
                    comparison.add(got, want)
                print(json.dumps({
                    "family": family, "dtype": dtype, "dims": dims, "kind": kind, "error": comparison.error,
                    "outputs": [list(output.shape) == list(spec.dims)
                                for output, spec in zip(outputs, operator.family.outputs(dims), strict=True)],
                    "guards": all(bool(torch.cat((raw[:GUARD], raw[-GUARD:])).isnan().all()) for raw in whole),
                    "inputs_alone": all(same_bits(tensors[name], was) for name, was in pristine.items()),
                }))  # fmt: skip
