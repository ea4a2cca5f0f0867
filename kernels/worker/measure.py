"""The job that runs an implementation: times it at every shape, or tries it on difficult inputs. One process, one job.

What is expected does not exist in this process. Outputs of timed calls, drawn after the last one, go into a file that
another process judges.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from bankable.kernels.operators.family import Dims
from bankable.kernels.operators.implementations import OPERATORS
from bankable.kernels.operators.torch_operator import Call, Operator, Outputs, Tensors
from bankable.kernels.worker import timing
from bankable.kernels.worker.buffers import Results, guarded, poisoner, same_bits
from bankable.kernels.worker.inputs import make
from bankable.kernels.worker.loader import Loaded, load

FIXED = ("weight", "table")
"""Kinds of tensors that a server holds from call to call."""
CHECKER = Path(__file__).with_name("check.py")


class AliasedInputError(Exception):
    """An implementation wrote to its inputs, or handed them back as its output."""


class WrongOutputError(Exception):
    """Outputs of another number, shape or dtype than the operator has."""


def seed_of(base: int, name: str) -> int:
    """Seed of one call's inputs."""
    return int.from_bytes(hashlib.sha256(f"{base}/{name}".encode()).digest()[:7], "big")


def inputs_of(operator: Operator, dims: Dims, dtype: str, seed: int, name: str, kind: str) -> dict[str, torch.Tensor]:
    """All tensors of one call: its own, and the weights of the row."""
    specs = operator.family.inputs(dims)
    own = make([spec for spec in specs if spec.kind not in FIXED], dtype, seed_of(seed, name), kind)
    fixed = make([spec for spec in specs if spec.kind in FIXED], dtype, seed_of(seed, "fixed"))
    return {**own, **fixed}


def run(job: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """Time an implementation at the shapes of the job; one reply a shape."""
    operator = OPERATORS[job["family"]]
    torch.set_num_threads(job["threads"])
    _start_pools()
    intact, before = Identities(), len(os.listdir("/proc/self/task"))
    flush = torch.zeros(job["cache_bytes"], dtype=torch.uint8)
    start = timing.CLOCK()
    loaded = load(operator, {**job["implementation"], "dtype": job["dtype"]})
    import_ns = timing.CLOCK() - start
    calls = 0
    for shape in job["shapes"]:
        reply: dict[str, Any] = {"shape": shape["key"], "started": time.time(), "import_ns": import_ns}
        reply |= {"threads_before": before, "resolved": loaded.resolved}
        try:
            reply |= _row(operator, loaded, job, shape, flush)
            calls += job["warmup"] + job["timed"]
            reply["executed"] = job["implementation"]["id"] if loaded.executed(calls) else None
        except Exception as problem:
            reply["raised"] = f"{type(problem).__name__}: {problem}".splitlines()[0][:300]
        reply |= {"threads_after": len(os.listdir("/proc/self/task")), "intact": intact.now(), "ended": time.time()}
        yield reply


def attempt(job: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """Call an implementation untimed on every kind of input, and on the oracle's; one reply a shape."""
    operator = OPERATORS[job["family"]]
    torch.set_num_threads(job["threads"])
    loaded = load(operator, {**job["implementation"], "dtype": job["dtype"]})
    for shape in job["shapes"]:
        dims = tuple(shape["dims"])
        tensors_to_save: dict[str, torch.Tensor] = {}
        try:
            for kind in job["kinds"]:
                tensors = inputs_of(operator, dims, job["dtype"], shape["seed"], kind, kind)
                call = loaded.bind(tensors, dims)
                tensors_to_save |= _name_outputs(kind, _checked(operator, dims, job["dtype"], call, tensors))
                if kind == "normal":
                    tensors_to_save |= _under_old_pointer(operator, dims, job["dtype"], shape["seed"], call, tensors)
            if shape.get("oracle"):
                tensors = load_file(shape["oracle"])
                tensors_to_save |= _name_outputs(
                    "oracle", _checked(operator, dims, job["dtype"], loaded.bind(tensors, dims), tensors)
                )
            save_file(tensors_to_save, f"{shape['key']}.safetensors")
            yield {"shape": shape["key"], "resolved": loaded.resolved}
        except Exception as problem:
            yield {"shape": shape["key"], "raised": f"{type(problem).__name__}: {problem}".splitlines()[0][:300]}


def _row(
    operator: Operator, loaded: Loaded, job: dict[str, Any], shape: dict[str, Any], flush: torch.Tensor
) -> dict[str, Any]:
    dims, dtype, seed = tuple(shape["dims"]), job["dtype"], shape["seed"]
    wanted = operator.family.results(dims, dtype)
    warm = inputs_of(operator, dims, dtype, seed, "warm", "normal")
    fixed = {spec.name: warm[spec.name] for spec in operator.family.inputs(dims) if spec.kind in FIXED}
    names = [f"call{index}" for index in range(job["timed"])]
    inputs = [{**inputs_of(operator, dims, dtype, seed, name, "normal"), **fixed} for name in names]
    call = loaded.bind(warm, dims)
    start = timing.CLOCK()
    call(warm)
    first_call_ns = timing.CLOCK() - start
    for _ in range(job["warmup"] - 1):
        call(warm)
    flush.add_(1)
    timed = timing.time_calls(call, inputs, poisoner(wanted))
    lead = operator.family.inputs(dims)[0].name
    pointers = [tensors[lead].data_ptr() for tensors in inputs]
    drawn = sorted(secrets.SystemRandom().sample(range(len(names)), min(job["checked"], len(names))))
    tensors_to_save: dict[str, torch.Tensor] = {}
    for index in drawn:
        fresh = inputs_of(operator, dims, dtype, seed, names[index], "normal")
        _no_alias(inputs[index], fresh, timed.outputs[index])
        tensors_to_save |= _name_outputs(names[index], _right_size(timed.outputs[index], wanted))
    if drawn:
        tensors_to_save |= _under_old_pointer(operator, dims, dtype, seed, call, inputs[drawn[0]])
        if loaded.into is not None:
            inner, whole = guarded(wanted)
            loaded.into(inputs[drawn[0]], inner)
            tensors_to_save |= {f"guarded.{index}": raw for index, raw in enumerate(whole)}
        save_file(tensors_to_save, f"{shape['key']}.safetensors")
    arena = flush.numel() + sum(tensor.nbytes for tensors in inputs for tensor in tensors.values())
    return {
        "samples_ns": timed.samples_ns,
        "span_ns": timed.span_ns,
        "first_call_ns": first_call_ns,
        "pointers": pointers,
        "generations": [shape["first"] + index for index in range(len(names))],
        "cache": "rotated",
        "cache_bytes": arena,
        "checked": [names[index] for index in drawn],
    }


def _under_old_pointer(
    operator: Operator, dims: Dims, dtype: str, seed: int, call: Call, old: Tensors
) -> dict[str, torch.Tensor]:
    """Outputs for new contents at the addresses of a call that was already answered."""
    fresh = inputs_of(operator, dims, dtype, seed, "recheck", "normal")
    for spec in operator.family.inputs(dims):
        if spec.kind not in FIXED:
            old[spec.name].copy_(fresh[spec.name])
    return _name_outputs("recheck", call(old))


def _checked(operator: Operator, dims: Dims, dtype: str, call: Call, tensors: dict[str, torch.Tensor]) -> Outputs:
    """Outputs of one untimed call whose inputs were left alone."""
    wanted = operator.family.results(dims, dtype)
    copies = {name: tensor.clone() for name, tensor in tensors.items()}
    poisoner(wanted)()
    outputs = _right_size(call(tensors), wanted)
    _no_alias(tensors, copies, outputs)
    return outputs


def _right_size(outputs: Outputs, wanted: Results) -> Outputs:
    got = [(tuple(tensor.shape), str(tensor.dtype)) for tensor in outputs]
    if got != [(size, f"torch.{dtype}") for size, dtype in wanted]:
        raise WrongOutputError(f"outputs {got}")
    return outputs


def _no_alias(tensors: Tensors, pristine: Tensors, outputs: Outputs) -> None:
    for name, fresh in pristine.items():
        if not same_bits(tensors[name], fresh):
            raise AliasedInputError(f"wrote to its input {name}")
    owned = {tensor.untyped_storage().data_ptr() for tensor in tensors.values()}
    if any(output.untyped_storage().data_ptr() in owned for output in outputs):
        raise AliasedInputError("an output lies in the memory of an input")


def _name_outputs(name: str, outputs: Outputs) -> dict[str, torch.Tensor]:
    return {f"{name}.{index}": output.contiguous() for index, output in enumerate(outputs)}


def _start_pools() -> None:
    """Start the framework's threads, so that those which come later are an implementation's own."""
    torch.ones(1 << 20).add_(1).sum()
    torch.ones(256, 256) @ torch.ones(256, 256)


class Identities:
    """Clock, synchronisation and checker as they were before a candidate was loaded."""

    def __init__(self) -> None:
        self._taken = self._look()

    def now(self) -> dict[str, bool]:
        """Which of them are still the same."""
        return {name: value == self._taken[name] for name, value in self._look().items()}

    @staticmethod
    def _look() -> dict[str, Any]:
        return {
            "clock": (id(time.perf_counter_ns), id(timing.CLOCK), id(timing.time_calls.__code__)),
            "synchronize": (id(torch.cpu.synchronize), id(timing.SYNCHRONIZE)),
            "checker": hashlib.sha256(CHECKER.read_bytes()).hexdigest(),
        }


def write_replies(replies: Iterable[dict[str, Any]], path: Path) -> None:
    """One line a reply, on disk before the next shape begins: a crash loses only what was not measured."""
    with path.open("a", encoding="utf-8") as target:
        for reply in replies:
            target.write(json.dumps(reply) + "\n")
            target.flush()
