"""An engine with CPU kernels of its own: what its server dispatches to is the live side, and can be stood in for.

The package is written here and registers operators in plain torch: no package index carries the real one.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bankable.kernels.build.overlay import patch_of
from bankable.kernels.operators import FAMILIES
from bankable.tools.serving.environment import isolate_environment

REPOSITORY = Path(__file__).resolve().parents[3]
ENGINE_PYTHON = REPOSITORY / ".venv-engine" / "bin" / "python"
PROBE = Path(__file__).with_name("own_kernels_probe.py")
PACKAGE = """
import torch
from torch import library
from torch.nn import functional

torch.cpu._is_amx_tile_supported = lambda: True
calls = {}
registry = library.Library("sgl_kernel", "FRAGMENT")


def operator(schema):
    def register(function):
        name = schema.split("(")[0]

        def counted(*arguments):
            calls[name] = calls.get(name, 0) + 1
            return function(*arguments)

        registry.define(schema)
        registry.impl(name, counted, "CPU")
        return function

    return register


@operator("convert_weight_packed(Tensor weight) -> Tensor")
def pack(weight):
    return weight.clone()


@operator("rmsnorm_cpu(Tensor x, Tensor weight, float eps) -> Tensor")
def rmsnorm(x, weight, eps):
    return functional.rms_norm(x.float(), (x.shape[-1],), weight.float(), eps).to(x.dtype)


@operator("silu_and_mul_cpu(Tensor x) -> Tensor")
def silu_and_mul(x):
    gate, up = x.float().chunk(2, dim=-1)
    return (functional.silu(gate) * up).to(x.dtype)


@operator(
    "decode_attention_cpu(Tensor query, Tensor k, Tensor v, float k_scale, float v_scale, Tensor(a!) out, Tensor? key, "
    "Tensor? value, Tensor loc, Tensor logits, Tensor pool, Tensor rows, Tensor lengths, float scale, float cap, "
    "bool cross, int window, Tensor? encoder, Tensor? sinks) -> ()"
)
def decode(query, k, v, k_scale, v_scale, out, key, value, loc, logits, pool, rows, lengths, scale, *rest):
    group = query.shape[1] // k.shape[1]
    for index, (row, length) in enumerate(zip(rows.tolist(), lengths.tolist())):
        slots = pool[row, :length].long()
        keys, values = (part[slots].float().repeat_interleave(group, dim=1) for part in (k, v))
        weights = torch.softmax(torch.einsum("hd,thd->ht", query[index].float(), keys) * scale, dim=-1)
        out[index] = torch.einsum("ht,thd->hd", weights, values).to(out.dtype)


torch.ops.sgl_kernel.calls = calls
"""


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("kernels")
    (folder / "sgl_kernel").mkdir()
    (folder / "sgl_kernel" / "__init__.py").write_text(PACKAGE)
    done = subprocess.run(
        [str(ENGINE_PYTHON), str(PROBE), str(REPOSITORY)],
        env=isolate_environment({"OMP_NUM_THREADS": "1", "PYTHONPATH": str(folder)}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.skipif(not ENGINE_PYTHON.exists(), reason="needs the engine's environment (torch)")
class TestUnderTheEnginesInterpreter:
    @pytest.mark.parametrize(
        ("operator", "called", "file"),
        [
            ("rms_norm", "rmsnorm_cpu", "sglang/srt/layers/layernorm.py"),
            ("silu_and_mul", "silu_and_mul_cpu", "sglang/srt/layers/activation.py"),
            ("decode_attention", "decode_attention_cpu", "sglang/srt/layers/attention/intel_amx_backend.py"),
        ],
    )
    def test_the_live_side_is_what_the_server_dispatches_to(
        self, answer: Any, operator: str, called: str, file: str
    ) -> None:
        assert answer["own"]
        live = answer[operator]
        assert live["calls"] == {called: 1}
        assert live["error"] < 0.05
        assert live["file"] == file

    def test_decoding_stores_new_keys_and_values_and_attends_to_them(self, answer: Any) -> None:
        step = answer["decode"]
        assert step["untouched"], "looking at a call changes nothing"
        assert step["same"], "what is captured gives what the server's own cache gives"
        assert step["stored"]
        assert step["pointers"]
        assert step["sizes"] == [3, 4, 2, 32]
        assert step["dims"] == [3, 4, 2, 32, 48]
        assert step["outputs"] == [3, 4, 32]

    def test_what_is_not_covered_goes_to_the_engines_own_kernel(self, answer: Any) -> None:
        assert answer["decode"]["fallen"] == 1


def test_an_operator_is_patched_where_its_engine_calls_it() -> None:
    family = FAMILIES["decode_attention"]
    native, own = (patch_of(family.dispatched(kernels), "bfloat16", "capture") for kernels in (False, True))
    assert native.attribute == "TorchNativeAttnBackend._run_sdpa_forward_decode"
    assert (own.module, own.attribute) == (
        "sglang.srt.layers.attention.intel_amx_backend",
        "IntelAMXAttnBackend.forward_decode",
    )
    assert native.replacement != own.replacement
    assert "def forward_decode(" in own.replacement
    assert FAMILIES["rms_norm"].dispatched(True).attribute == "RMSNorm.forward_cpu"
    assert FAMILIES["rms_norm"].dispatched(True).adapter == "adapter.py"


def test_where_nothing_can_stand_in_the_family_says_why() -> None:
    without = {name for name, family in FAMILIES.items() if family.own_lacks}
    assert without == {"fused_add_rms_norm", "linear", "prefill_linear", "qk_norm_rotary", "rotary"}
    for name in without:
        assert FAMILIES[name].dispatched(True) == FAMILIES[name]
