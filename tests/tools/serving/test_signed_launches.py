"""Live launches under a recorder: their times fit its clocks, and their seeds follow from its nonce."""

from __future__ import annotations

from pathlib import Path

from bankable.nodes.auditor.engine import evaluate
from bankable.tools.evidence.folder import RunFolder
from bankable.tools.evidence.records import ComparisonKind, LaunchPlan, ServerConfig, Side, Workload
from bankable.tools.evidence.seal import seal
from bankable.tools.measurement.block import run_block
from bankable.tools.measurement.comparison import declare
from bankable.tools.measurement.run_context import MeasurementProtocol, RunContext
from bankable.tools.recorder.client import Recorder
from bankable.tools.recorder.seeds import with_drawn_seeds
from bankable.tools.serving.live import LiveDriver
from tests.tools.measurement.recordings import PROMPT, QUESTION, lines, plan_of


def test_a_signed_control_of_live_launches_is_found_in_order(driver: LiveDriver, tmp_path: Path) -> None:
    recorder, root = Recorder("live"), tmp_path / "run"
    workload = Workload(num_prompts=4, input_len=8, output_len=4, concurrency=2)
    plan = plan_of(ComparisonKind.CONTROL).model_copy(
        update={"run_id": recorder.run_id, "reference": ServerConfig(), "workload": workload}
    )
    with RunFolder.create(root, recorder.run_id, {}, recorder) as folder:
        context = RunContext(
            run_id=recorder.run_id,
            model="tiny",
            driver=driver,
            folder=folder,
            workload=workload,
            protocol=MeasurementProtocol(LaunchPlan.CORESIDENT, (1,), 1, 2, 2, 0.01, 1),
            base=ServerConfig(),
            prompts=[PROMPT],
            questions=[QUESTION],
            known_flags=frozenset(),
            cores=2,
            deadline=driver.clock() + 1e6,
        )
        nonce = folder.draw_nonce(declare(context, plan) / "plan.json")
        assert nonce is not None
        drawn = with_drawn_seeds(plan, nonce)
        result = run_block(context, drawn, drawn.blocks[0])
    assert result.failure is None
    sealed = seal(root, "baseline", "control", 1, tmp_path / "sealed")
    findings = [finding for finding in evaluate(sealed.folder).findings if finding.rule == "signed_as_written"]
    assert [(finding.severity.value, finding.code) for finding in findings] == [("INFO", "signed")]
    for side in Side:
        rounds = lines(root / f"comparisons/control/legs/b00-{side}/bench_runs.jsonl")
        assert tuple(row["bankable"]["seed"] for row in rounds) == drawn.blocks[0].seeds
