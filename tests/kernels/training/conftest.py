"""Results of KernelBench answers, as they are recorded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bankable.kernels.kernelbench.result import LOG, BenchFinding, BenchResult
from bankable.kernels.training.row import digest_text
from bankable.tools.evidence.store import AppendLog

PROBLEM = (
    "import torch\nfrom torch import nn\n\n\nclass Model(nn.Module):\n    def forward(self, x):\n"
    "        return torch.relu(x)\n\n\n"
    "def get_inputs():\n    return [torch.rand(64, 256)]\n\n\ndef get_init_inputs():\n    return []\n"
)


def result(source: str, verdict: str = "PASS", lower: float = 1.5, **values: Any) -> BenchResult:
    """An answer to the problem; 1.8 times as fast unless it failed."""
    return BenchResult.model_validate(
        {
            "level": 1,
            "problem": 2,
            "name": "2_Relu.py",
            "problem_digest": digest_text(PROBLEM),
            "problem_source": PROBLEM,
            "sample": 0,
            "origin": "2_Relu.py",
            "answer_digest": digest_text(source),
            "source": source,
            "verdict": verdict,
            "log_ratio": 0.5878 if verdict == "PASS" else None,
            "interval": (lower, 2.2) if verdict == "PASS" else None,
            "findings": () if verdict == "PASS" else (BenchFinding(rule="stale_result", detail="of call 1"),),
            **values,
        }
    )


@pytest.fixture
def recorded(tmp_path: Path) -> Callable[..., Path]:
    """Writes a folder of results."""

    def write(*results: BenchResult, name: str = "run") -> Path:
        log = AppendLog(tmp_path / name / LOG)
        for entry in results:
            log.append(entry.model_dump(mode="json"))
        return tmp_path / name

    return write
