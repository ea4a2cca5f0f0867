"""The reference follows the machine and what is installed in the engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bankable.tools.errors import UserError
from bankable.tools.evidence.records import LaunchPlan
from bankable.tools.evidence.threads import BIND, OMP
from bankable.tools.serving.choice import choose_reference, describe_kernels
from bankable.tools.serving.command import Permissions, base_config, build
from bankable.tools.serving.cpu_kernels import ALWAYS, check_kernels, needed_operators
from bankable.tools.serving.engine import STANDIN, Engine, InstalledKernels
from bankable.tools.serving.tree import TreeDigest

TOGETHER, IN_TURN = LaunchPlan.CORESIDENT, LaunchPlan.ALTERNATING
QWEN = {"model_type": "qwen3", "rms_norm_eps": 1e-6, "rope_theta": 1e6, "hidden_act": "silu"}


def kernels(folder: Path, *, live: bool = True, operators: frozenset[str] = frozenset()) -> InstalledKernels:
    return InstalledKernels("sglang-kernel-cpu", "0.4.6", operators, live, TreeDigest(folder, compiled=True))


@pytest.fixture
def own(engine: Engine, tmp_path: Path) -> Engine:
    """An engine with its own CPU kernels."""
    return replace(engine, kernels=kernels(tmp_path), standin_needed=False)


@pytest.mark.parametrize(
    ("cores", "launch_plan", "threads"),
    [(2, TOGETHER, 1), (1, IN_TURN, 1), (2, IN_TURN, 2), (5, TOGETHER, 2), (64, TOGETHER, 32), (64, IN_TURN, 64)],
)
def test_a_server_gets_its_share_of_the_cores(
    engine: Engine, own: Engine, cores: int, launch_plan: LaunchPlan, threads: int
) -> None:
    native = choose_reference(engine, range(cores), launch_plan)
    assert native.config.env[OMP] == str(threads)
    assert native.config.flags["attention_backend"] == "torch_native"
    assert BIND not in native.config.env
    bound = choose_reference(own, range(cores), launch_plan)
    first = cores - threads
    assert bound.config.env[BIND] == (str(first) if threads == 1 else f"{first}-{cores - 1}")
    assert OMP not in bound.config.env
    assert "attention_backend" not in bound.config.flags, "the engine's own default"
    for choice in (native.choice, bound.choice):
        assert choice is not None
        assert (choice.cores, choice.threads) == (cores, threads)
        assert {"attention_backend", "max_total_tokens"} < choice.reasons.keys()


def test_on_two_cores_the_reference_is_the_recipe_of_old(engine: Engine) -> None:
    assert choose_reference(engine, [0, 1], TOGETHER).config == base_config("cpu")


def test_only_cores_that_the_run_may_use_are_bound(own: Engine) -> None:
    assert choose_reference(own, [3, 8, 9, 17], TOGETHER).config.env[BIND] == "9,17"


def test_no_core_to_spare_for_two_servers_is_one_line(engine: Engine) -> None:
    with pytest.raises(UserError, match="Cannot run 2 servers side by side: this run has 1 CPU core ") as refused:
        choose_reference(engine, [0], TOGETHER)
    assert "\n" not in str(refused.value)


def test_kernels_that_this_cpu_cannot_run_bind_nothing(engine: Engine, tmp_path: Path) -> None:
    other = replace(engine, kernels=kernels(tmp_path, live=False), standin_needed=False)
    chosen = choose_reference(other, [0, 1], TOGETHER)
    assert chosen.config.env[OMP] == "1"
    assert chosen.choice is not None
    assert chosen.choice.kernels == ""
    assert "no AMX" in describe_kernels(other)


def test_an_accelerator_keeps_the_engines_defaults(engine: Engine) -> None:
    chosen = choose_reference(replace(engine, device="cuda"), [0, 1], IN_TURN)
    assert (chosen.config, chosen.choice) == (base_config("cuda"), None)


def test_the_stand_in_steps_aside(engine: Engine, own: Engine) -> None:
    config = choose_reference(own, [0, 1], TOGETHER).config
    command = build(own, Path("/m"), config, 31000, Permissions())
    assert "PYTHONPATH" not in command.env
    assert "--attention-backend" not in command.argv
    assert (command.env[BIND], command.recorded_env[BIND]) == ("1", "1")
    assert build(engine, Path("/m"), base_config("cpu"), 31000, Permissions()).env["PYTHONPATH"] == str(STANDIN)


def test_which_kernels_are_live_is_said(engine: Engine, own: Engine) -> None:
    assert describe_kernels(engine) == "torch-native operators (no kernel package)"
    assert describe_kernels(own) == "CPU kernels sglang-kernel-cpu 0.4.6, 0 operators"
    broken = replace(engine, kernel_problem="sgl-kernel 0.4.10 does not import: libcuda.so.1")
    assert describe_kernels(broken) == "torch-native operators (sgl-kernel 0.4.10 does not import: libcuda.so.1)"


def test_the_identity_knows_the_package_and_an_edit_of_a_library(own: Engine, tmp_path: Path) -> None:
    (tmp_path / "common_ops.so").write_bytes(b"one")
    first = own.identity().kernels
    assert first is not None
    assert (first.name, first.version, first.live) == ("sglang-kernel-cpu", "0.4.6", True)
    (tmp_path / "common_ops.so").write_bytes(b"two")
    second = own.identity().kernels
    assert second is not None
    assert second.digest != first.digest


def test_an_engine_without_kernels_is_written_as_it_always_was(engine: Engine) -> None:
    assert "kernels" not in engine.identity().model_dump()


def test_a_model_names_the_operators_that_it_calls() -> None:
    dense = needed_operators(QWEN)
    assert {*ALWAYS, "rmsnorm_cpu", "fused_add_rmsnorm_cpu", "rotary_embedding_cpu", "silu_and_mul_cpu"} == dense
    assert needed_operators({**QWEN, "num_experts": 8}) - dense == {"fused_experts_cpu"}
    inner = needed_operators({"model_type": "gemma3", "text_config": {"hidden_activation": "gelu_pytorch_tanh"}})
    assert {"gemma3_rmsnorm_cpu", "gelu_tanh_and_mul_cpu"} <= inner


def test_a_package_that_lacks_an_operator_of_the_model_is_one_line(engine: Engine, tmp_path: Path) -> None:
    operators = needed_operators(QWEN) - {"decode_attention_cpu"}
    short = replace(engine, kernels=kernels(tmp_path, operators=operators))
    with pytest.raises(UserError, match=r"sglang-kernel-cpu 0\.4\.6 has no decode_attention_cpu") as refused:
        check_kernels(short, QWEN, Path("/m"))
    assert "\n" not in str(refused.value)
    check_kernels(replace(engine, kernels=kernels(tmp_path, operators=needed_operators(QWEN))), QWEN, Path("/m"))
    check_kernels(replace(engine, kernels=kernels(tmp_path, live=False)), QWEN, Path("/m"))
    check_kernels(engine, QWEN, Path("/m"))
