"""tritonbench's results: a kernel of zeros is fast, and no speed-up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bankable.kernels.cli import app
from bankable.kernels.tritonbench.audit import audit_points, by_label
from bankable.kernels.tritonbench.results import read_results
from bankable.tools.errors import UserError

CSV = """(M, H);eager-latency;ours-latency;ours-speedup;ours-accuracy;zeros-latency;zeros-speedup;zeros-accuracy
(4, 64);0.10;0.05;2.0;1.0;0.01;10.0;0.0
(8, 64);0.30;0.10;3.0;1.0;0.01;30.0;0.0
average;0.20;0.075;2.5;1.0;0.01;20.0;0.0
"""


def as_json(text: str) -> str:
    head, *rows = [line.split(";") for line in text.splitlines()]
    return json.dumps(
        {
            f"tritonbench_rms_norm_fwd[x_{row[0]}-{name.rpartition('-')[0]}]_{name.rpartition('-')[2]}": value
            for row in rows
            for name, value in zip(head[1:], row[1:], strict=True)
        }
    )


@pytest.mark.parametrize("text", [CSV, as_json(CSV)], ids=["csv", "json"])
def test_a_speedup_of_what_is_wrong_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "results"
    path.write_text(text)
    points = read_results(path)
    audits = audit_points(points)
    assert {(audit.label, audit.x): audit.verdict for audit in audits} == {
        ("ours", "(4, 64)"): "stands",
        ("ours", "(8, 64)"): "stands",
        ("zeros", "(4, 64)"): "refused",
        ("zeros", "(8, 64)"): "refused",
    }
    ours, zeros = by_label(points, audits)
    assert (ours.claimed, ours.stands, ours.standing) == (2.5, pytest.approx(6**0.5), 2)
    assert (zeros.claimed, zeros.stands, zeros.standing) == (20.0, None, 0)
    done = CliRunner().invoke(app, ["tritonbench", str(path)])
    assert done.exit_code == 21
    assert "zeros: average 20.00 claimed, nothing stands, 0 of 2 inputs" in done.output


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        ("0.10;0.05;2.0;1.0", "stands"),
        ("0.10;0.05;2.04;True", "stands"),
        ("0.10;0.05;4.0;1.0", "refused"),
        ("0.10;0.05;2.0;", "doubted"),
        ("0.10;0.05 (±3%);2.0;1.0", "stands"),
    ],
)
def test_a_speedup_is_the_ratio_of_the_latencies(row: str, verdict: str, tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    path.write_text(f"x;eager-latency;ours-latency;ours-speedup;ours-accuracy\n1;{row}\n")
    (audit,) = audit_points(read_results(path))
    assert audit.verdict == verdict, audit.why


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "{}", '{"tritonbench": 1}', "{"])
def test_other_files_are_a_user_error(text: str, tmp_path: Path) -> None:
    path = tmp_path / "results"
    path.write_text(text)
    with pytest.raises(UserError, match="Cannot read the results"):
        read_results(path)
