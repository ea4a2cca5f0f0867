"""The memory over runs: it counts at the same place only, and the auditor knows nothing of it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from bankable.tools.store.database import read_store, write_store
from bankable.tools.store.memory import RunPlace, Settled, VerifiedLever, add_verified, read_verified, recall

AUDITOR = Path(__file__).resolve().parents[3] / "nodes" / "auditor"
HERE = RunPlace(engine="sglang 0.5.23", architecture="Qwen3ForCausalLM", device="cpu, 2 cores", workload="128/32")


def lever(
    run: str = "r1", name: str = "stream_interval", outcome: Settled = "banked", gain: float | None = 0.1, **place: str
) -> VerifiedLever:
    return VerifiedLever(
        run_id=run,
        run_folder="/runs/r1",
        place=HERE.model_copy(update=place),
        lever=f"{name}=8",
        flags={name: 8},
        metric="output_throughput",
        outcome=outcome,
        gain=gain,
        lower=0.05,
        upper=0.15,
        reference_level=100.0,
        verdict_digest="",
    )


def test_the_largest_gains_come_first_and_disproved_settings_are_named() -> None:
    memory = recall(
        [
            lever(gain=0.1),
            lever(name="b", gain=0.3),
            lever(name="c", outcome="not_real"),
            lever(name="d", outcome="failed"),
        ],
        HERE,
    )
    assert [entry.flags for entry in memory.gains] == [{"b": 8}, {"stream_interval": 8}]
    assert (memory.losses, memory.expired) == (["c"], 0)


@pytest.mark.parametrize(
    "moved",
    [
        {"engine": "sglang 0.5.24"},
        {"architecture": "LlamaForCausalLM"},
        {"device": "cpu, 4 cores"},
        {"workload": "1024/128"},
    ],
)
def test_a_memory_expires_where_anything_moved(moved: dict[str, str]) -> None:
    memory = recall([lever(), lever(name="c", outcome="not_real")], HERE.model_copy(update=moved))
    assert (memory.gains, memory.losses, memory.expired) == ([], [], 2)


def test_the_latest_outcome_of_a_lever_counts() -> None:
    later = lever(run="r2", outcome="not_real", gain=0.0)
    assert recall([lever(), later], HERE).gains == []
    assert recall([lever(), later], HERE).losses == ["stream_interval"]
    assert recall([later, lever()], HERE).losses == []


def test_replaced_operators_are_listed_and_not_tried() -> None:
    kernel = lever().model_copy(update={"operators": ["rms_norm"], "flags": {}})
    assert recall([kernel], HERE).gains == []


def test_a_run_is_remembered_once(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with write_store(path) as connection:
        assert add_verified(connection, [lever(), lever(name="b")], "0.1.0") == 2
        assert add_verified(connection, [lever(), lever(run="r2")], "0.1.0") == 1
    with read_store(path) as connection:
        rows = read_verified(connection)
    assert [(row.run_id, row.lever) for row in rows] == [
        ("r1", "stream_interval=8"),
        ("r1", "b=8"),
        ("r2", "stream_interval=8"),
    ]
    assert rows[0].model_copy(update={"entered_at": 0.0}) == lever()


def test_no_module_of_the_auditor_imports_the_store() -> None:
    offenders = [
        path.name
        for path in AUDITOR.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom | ast.Import)
        and (
            "tools.store" in (getattr(node, "module", "") or "")
            or any("tools.store" in name.name for name in node.names)
        )
    ]
    assert offenders == []
    with_databases = {path.stem for path in AUDITOR.rglob("*.py") if "sqlite" in path.read_text(encoding="utf-8")}
    assert with_databases == {"evalscope", "evalscope_database"}, "a load generator that writes its results into one"
