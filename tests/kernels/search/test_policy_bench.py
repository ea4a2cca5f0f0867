"""Replaying a recorded landscape: every policy sees the same figures; one that is not whole is refused."""

from __future__ import annotations

import pytest

from bankable.kernels.benchmark.qualify import parse_dims
from bankable.kernels.build.render import every_choice, render
from bankable.kernels.search.evaluation import LOG, Evaluation
from bankable.kernels.search.policies import POLICIES
from bankable.kernels.search.policy_bench import RECORDED, replay
from bankable.kernels.task.folder import TaskFolder, open_task
from bankable.tools.errors import UserError
from bankable.tools.evidence.store import AppendLog


def recorded(task: TaskFolder, tmp_path, leave_out: int = 0) -> TaskFolder:
    """A task of its own with a made-up landscape: unrolling helps, threads do not."""
    folder = TaskFolder(tmp_path / "run", task.task)
    folder.path.mkdir(parents=True)
    log = AppendLog(folder.path / LOG)
    every = list(every_choice(folder.family, (parse_dims("4x64"),)))
    for choices in every[leave_out:]:
        gain = 1.0 + 0.1 * choices["unroll"] - 0.3 * bool(choices["thread_rows"]) + 0.05 * (choices["fixed_cols"] > 0)
        name = render(folder.family, "bfloat16", choices).implementation
        entry = Evaluation(implementation=name, choices=choices, outcome="measured", log_ratio=gain)
        log.append(entry.line())
    return folder


def test_every_policy_ends_at_the_best_and_rewards_help(norm_task, tmp_path):
    found = {entry.policy: entry for entry in replay(recorded(norm_task, tmp_path), seeds=20, budgets=(4, 12, 36))}
    assert set(found) == set(POLICIES)
    assert all(item.shares[-1] == pytest.approx(1.0) for item in found.values())
    assert all(0 < element.shares[0] <= element.shares[1] <= 1 for element in found.values())
    for policy in ("uct", "beam"):
        assert found[policy].shares[1] > found["random"].shares[1]
        assert found[policy].needed < found["random"].needed


def test_a_landscape_with_a_hole_is_refused(norm_task, tmp_path):
    with pytest.raises(UserError, match="1 kernels of 36 are not recorded"):
        replay(recorded(norm_task, tmp_path, leave_out=1), seeds=1)


def test_the_recorded_landscape_is_whole_and_every_policy_gets_to_its_end():
    folder = open_task(RECORDED, "rms_norm")
    found = replay(folder, seeds=5, budgets=(1, 36))
    assert {entry.policy for entry in found} == set(POLICIES)
    assert all(item.shares[0] < 0.95 for item in found), "the default is not the best"
    assert all(element.shares[1] == pytest.approx(1.0) for element in found)
