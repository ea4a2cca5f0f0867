"""Which declared settings took effect, from what a launch shows of itself."""

from __future__ import annotations

from bankable.tools.evidence.records import EngineIdentity, KernelPackage, Lever
from bankable.tools.evidence.threads import BIND, OMP
from bankable.tools.measurement.engagement import engagement

NATIVE = EngineIdentity(python="3.11", sglang="0.5.23", torch="2.13", tree_digest=None)
KERNELS = KernelPackage(name="sglang-kernel-cpu", version="0.4.6", digest="e" * 64)
OWN = NATIVE.model_copy(update={"kernels": KERNELS})
CPU = {"SGLANG_USE_CPU_ENGINE": "1"}


def test_the_variable_of_threads_engages_only_where_the_engine_reads_it() -> None:
    for name, engine, engaged in ((OMP, NATIVE, True), (OMP, OWN, False), (BIND, OWN, True), (BIND, NATIVE, False)):
        (record,) = engagement(Lever(env={name: "2"}), {**CPU, name: "2"}, {}, engine)
        assert record.engaged is engaged, (name, engine.kernels)
    (record,) = engagement(Lever(env={OMP: "2"}), {**CPU, OMP: "2"}, {}, OWN)
    assert record.resolved == f"overridden by {BIND}"


def test_kernels_that_this_machine_cannot_run_bind_nothing() -> None:
    idle = NATIVE.model_copy(update={"kernels": KERNELS.model_copy(update={"live": False})})
    (record,) = engagement(Lever(env={OMP: "2"}), {**CPU, OMP: "2"}, {}, idle)
    assert record.engaged


def test_a_flag_is_believed_from_the_servers_answer_alone() -> None:
    lever = Lever(flags={"stream_interval": 8})
    assert engagement(lever, {}, {"stream_interval": 8}, NATIVE)[0].engaged
    assert not engagement(lever, {}, {"stream_interval": 1}, NATIVE)[0].engaged
