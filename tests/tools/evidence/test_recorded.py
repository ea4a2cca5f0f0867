"""Recorded evidence is taken over under the nonce of the run that replays it."""

from __future__ import annotations

import json
from pathlib import Path

from bankable.tools.evidence.canonical import digest
from bankable.tools.evidence.folder import RunFolder
from bankable.tools.evidence.ledger import check_ledger, read_ledger
from bankable.tools.evidence.recorded import take_over

OLD, NEW = "0123456789abcdef", "fedcba9876543210"
TASK = json.dumps({"run_id": OLD}).encode()


def recording(root: Path) -> Path:
    with RunFolder.create(root, OLD, {}):
        pass
    for name, content in {
        "ops/rms_norm/task.json": TASK,
        "ops/rms_norm/oracle/4x64.inputs.safetensors": OLD.encode(),
        "ops/rms_norm/bench-1/claim.json": json.dumps({"run_id": OLD}).encode(),
        "ops/rms_norm/bench-1/measurement.json": json.dumps({"task": digest(TASK), "else": "f" * 64}).encode(),
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def test_records_get_the_new_nonce_and_tensors_stay_as_they_are(tmp_path: Path) -> None:
    recorded = recording(tmp_path / "recorded")
    (recorded / "ops/rms_norm/link.json").symlink_to("/etc/hostname")
    with RunFolder.create(tmp_path / "run", NEW, {}) as run:
        assert take_over(recorded, run, "ops/rms_norm", leave="bench-")
        assert not take_over(recorded, run, "ops/rotary")
        taken = run.root / "ops/rms_norm"
        assert json.loads((taken / "task.json").read_bytes()) == {"run_id": NEW}
        assert (taken / "oracle/4x64.inputs.safetensors").read_bytes() == OLD.encode()
        assert not (taken / "bench-1").exists()
        assert not (taken / "link.json").exists()
        assert take_over(recorded, run, "ops/rms_norm/bench-1")
        assert json.loads((taken / "bench-1/claim.json").read_bytes()) == {"run_id": NEW}
        named = json.loads((taken / "bench-1/measurement.json").read_bytes())
        assert named == {"task": digest((taken / "task.json").read_bytes()), "else": "f" * 64}
    assert [entry.path for entry in read_ledger(tmp_path / "run")][1:] == [
        "ops/rms_norm/oracle/4x64.inputs.safetensors",
        "ops/rms_norm/task.json",
        "ops/rms_norm/bench-1/claim.json",
        "ops/rms_norm/bench-1/measurement.json",
    ]
    assert check_ledger(tmp_path / "run") == []
