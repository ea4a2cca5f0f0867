"""A run signs its verdicts with a key that never leaves its file, and anybody can check them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from bankable.graph.audits import AuditSubject, audit
from bankable.graph.verification import verify_folder
from bankable.tools.evidence.folder import RunFolder
from bankable.tools.evidence.ledger import check_ledger
from bankable.tools.measurement.run_context import RunContext
from tests.graph.conftest import RECORDING, ROOT, Bankable
from tests.graph.signed import fixed_key, small_run
from tests.nodes.auditor.builders import standard_run

SHIPPED = ROOT / "tools" / "model" / "shipped"


@pytest.fixture(scope="module")
def public(replayed: Path, bankable: Bankable, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The public half of the key that the run made on first use."""
    shown = bankable("keys", "show")
    assert shown.code == 0, shown.err
    path = tmp_path_factory.mktemp("public") / "key.pem"
    path.write_text(shown.out)
    return path


def test_a_run_is_signed_and_so_is_its_bundle(replayed: Path, bankable: Bankable, public: Path) -> None:
    verdicts = list(replayed.glob("audits/*/verdict.json"))
    assert verdicts
    assert all((path.parent / "attestation.json").is_file() for path in verdicts)
    for folder in (replayed, replayed / "bundle"):
        done = bankable("verify", folder, "--public-key", public)
        assert done.code == 0, done.out
        assert "signed   " in done.out
        assert "all bytes equal" in done.out
        assert "trusted on first use" not in done.out


def test_without_a_known_key_verify_says_what_a_signature_is_worth(replayed: Path, bankable: Bankable) -> None:
    done = bankable("verify", replayed / "bundle")
    (key,) = (replayed / "keys").glob("*.pem")
    assert done.code == 0
    assert f"by sha256:{key.stem}" in done.out
    assert "trusted on first use" in done.out


def test_another_key_is_refused(replayed: Path, bankable: Bankable, tmp_path: Path) -> None:
    (tmp_path / "other.pem").write_bytes(fixed_key(tmp_path, 9).public.pem)
    done = bankable("verify", replayed / "bundle", "--public-key", tmp_path / "other.pem")
    assert done.code == 20
    assert "DIFFERS  attestation.json: signed by key sha256:" in done.out


def test_nothing_of_the_private_key_is_in_the_run(replayed: Path, settings_folder: Path) -> None:
    key = settings_folder / "bankable" / "signing-key.pem"
    secret = key.read_text().splitlines()[1].encode()
    for path in replayed.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert secret not in content, path
            assert str(key).encode() not in content, path
            assert b"PRIVATE KEY" not in content, path


@pytest.mark.parametrize("how", ["option", "variable"])
def test_an_unfit_key_stops_a_run_before_it_starts(
    bankable: Bankable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    fixed_key(tmp_path, 1)
    key = tmp_path / "key-1.pem"
    key.chmod(0o644)
    words = ["run", "--model", SHIPPED, "--out", tmp_path / "run"]
    if how == "option":
        words += ["--key", key]
    else:
        monkeypatch.setenv("BANKABLE_SIGNING_KEY", str(key))
    done = bankable(*words)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "others can read it (mode 0644)" in done.err
    assert not (tmp_path / "run").exists()


def test_a_run_from_before_is_still_read_and_said_to_be_unsigned(tmp_path: Path) -> None:
    with tarfile.open(RECORDING) as archive:
        archive.extractall(tmp_path, filter="data")
    (run,) = [path.parent for path in tmp_path.rglob("outcome.json")]
    found = verify_folder(run)
    assert (found.signed, found.notes) == ({}, ("not signed",))
    others = [problem for problem in found.problems if not problem.endswith(": gone")]  # left out when it was packed
    assert all("other_rules: evidence unchanged" in problem for problem in others)
    counts = [re.match(r"(\d+) verdicts: ", problem) for problem in others]  # those of other rules stand in one line
    counted = sum(int(count[1]) if count else 1 for count in counts)
    assert counted + len(found.same) == len(list(run.glob("audits/*/verdict.json")))


def test_an_audit_that_a_crash_interrupted_is_repeated_to_the_same_bytes(tmp_path: Path) -> None:
    root = standard_run(tmp_path / "run")
    key, other = fixed_key(tmp_path, 1), fixed_key(tmp_path, 2)
    subject = AuditSubject("patch", 1, "patch-stream_interval", "control")
    place = root / "audits" / "patch-patch-stream_interval-1"
    with RunFolder.open(root) as folder:
        context = cast(RunContext, SimpleNamespace(folder=folder, tell=lambda _: None))
        judged = audit(context, subject, key)
        written = {path.name: path.read_bytes() for path in place.iterdir()}
        assert audit(context, subject, other) == judged
        assert {path.name: path.read_bytes() for path in place.iterdir()} == written
        (place / "attestation.json").unlink()
        assert audit(context, subject, key) == judged
        assert {path.name: path.read_bytes() for path in place.iterdir()} == written
    assert check_ledger(root) == []
    assert verify_folder(root).signed == {key.public.fingerprint: (place.name,)}


def test_a_verdict_that_somebody_planted_is_not_taken_over(tmp_path: Path) -> None:
    root = standard_run(tmp_path / "run")
    subject = AuditSubject("patch", 1, "patch-stream_interval", "control")
    with RunFolder.open(root) as folder:
        context = cast(RunContext, SimpleNamespace(folder=folder, tell=lambda _: None))
        place = root / "audits" / "patch-patch-stream_interval-1" / "verdict.json"
        place.parent.mkdir(parents=True)
        place.write_text('{"verdict": "PASS"}')
        with pytest.raises(Exception, match="already holds other evidence"):
            audit(context, subject, fixed_key(tmp_path, 1))
    assert not (place.parent / "attestation.json").exists()


def test_auditing_and_verifying_unsigned_files_load_no_cryptography(tmp_path: Path) -> None:
    old = small_run(tmp_path / "old", None)
    program = (
        "import sys, bankable.graph.cli, bankable.nodes.auditor, bankable.nodes.auditor.pair\n"
        "import bankable.nodes.auditor.replay, bankable.tools.attest.statement\n"
        "from pathlib import Path\n"
        "from bankable.graph.verification import verify_folder\n"
        f"assert verify_folder(Path({str(old / 'bundle')!r})).ok\n"
        "print(sorted({'cryptography', 'securesystemslib', 'cffi', 'langgraph', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_signatures_without_their_library_are_one_line(replayed: Path, tmp_path: Path) -> None:
    (tmp_path / "securesystemslib.py").write_text("raise ModuleNotFoundError(name='securesystemslib')")
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from bankable.graph.cli import main; main()"
    for words in (("verify", replayed / "bundle"), ("run", "--model", SHIPPED, "--out", tmp_path / "run")):
        done = subprocess.run(
            [sys.executable, "-c", program, *map(str, words)], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert "bankable[attest]" in done.stderr


def test_a_key_is_made_once_and_shown_by_its_public_half(bankable: Bankable, tmp_path: Path) -> None:
    path = tmp_path / "new.pem"
    made = bankable("keys", "new", path)
    assert made.code == 0, made.err
    assert os.stat(path).st_mode & 0o777 == 0o600
    again = bankable("keys", "new", path)
    assert (again.code, again.err.count("\n")) == (2, 1)
    shown = bankable("keys", "show", "--key", path)
    assert shown.out.startswith("-----BEGIN PUBLIC KEY-----\n")
    assert "PRIVATE" not in shown.out + shown.err
    assert shown.err.split()[0] in made.out


def test_where_there_is_no_key_yet_none_is_shown(
    bankable: Bankable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    done = bankable("keys", "show")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "Cannot show the signing key: there is none yet" in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_where_no_key_can_be_kept_the_run_goes_on_and_says_so(
    bankable: Bankable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "settings").write_text("no folder")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    done = bankable("run", "--replay", RECORDING, "--out", tmp_path / "run")
    assert done.code == 0, done.err
    assert "the signing key cannot be stored (Not a directory): it is lost after this run" in done.out
    assert bankable("verify", tmp_path / "run" / "bundle").code == 0
    shutil.rmtree(tmp_path / "run")
