"""A real recorder's process signs files as a ledger enters them; the run never has the key."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import orjson
import pytest

from bankable.tools.errors import UserError
from bankable.tools.evidence.folder import RunFolder
from bankable.tools.evidence.ledger import check_ledger, read_ledger
from bankable.tools.evidence.store import sha256_file
from bankable.tools.recorder.chain import FileSigned, NonceDrawn, RecorderOpened, bound_run_id
from bankable.tools.recorder.check import RecorderChain
from bankable.tools.recorder.client import Recorder
from bankable.tools.recorder.key import is_signed
from bankable.tools.recorder.messages import RecorderOrder

PLAN = "comparisons/control/plan.json"


def chain_of(run: Path) -> RecorderChain:
    return RecorderChain((run / "recorder/chain.jsonl").read_bytes())


def run_id_of(run: Path) -> str:
    return str(orjson.loads((run / "run.json").read_bytes())["run_id"])


def codes(run: Path) -> list[str]:
    """What does not hold in a run folder."""
    chain, entries = chain_of(run), read_ledger(run)
    present = {name: sha256_file(run / name) for name in chain.files if (run / name).is_file()}
    keys = {part.opened.recorder: (run / f"recorder/key-{part.opened.recorder}.json") for part in chain.parts}
    problems = [
        *chain.check_lines(run_id_of(run)),
        *chain.check_keys({number: path.read_bytes() for number, path in keys.items() if path.is_file()}),
        *chain.check_files(present, owed=["comparisons/control"]),
        *chain.check_ledger(entries),
    ]
    return [f"{problem.code} {problem.file}:{problem.line}" for problem in problems]


def put(folder: RunFolder, name: str, text: str) -> Path:
    path = folder.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    folder.ledger.enter(path)
    return path


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    started = Recorder("live")
    yield started
    started.close()


@pytest.fixture(scope="module")
def signed_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run that ended in order."""
    recorder, root = Recorder("live"), tmp_path_factory.mktemp("signed") / "run"
    with RunFolder.create(root, recorder.run_id, {}, recorder) as folder:
        put(folder, PLAN, "{}")
        folder.draw_nonce(folder.root / PLAN)
        for leg in ("b00-candidate", "b00-reference"):
            put(folder, f"comparisons/control/legs/{leg}/leg.json", f'{{"leg": "{leg}"}}')
        put(folder, "comparisons/control/claim.json", "[]")
    return root


@pytest.fixture
def run(signed_run: Path, tmp_path: Path) -> Path:
    """A copy of it to spoil."""
    return Path(shutil.copytree(signed_run, tmp_path / "run"))


def test_every_file_of_a_run_is_signed_by_the_key_that_its_nonce_names(run: Path) -> None:
    chain = chain_of(run)
    (part,) = chain.parts
    assert (part.closed, part.opened.mode, part.opened.ledger_seq) == (True, "live", -1)
    assert run_id_of(run) == bound_run_id(part.opened.public_key)
    assert [line.path for line in part.files] == [entry.path for entry in read_ledger(run)]
    assert part.files[0].path == "recorder/key-1.json"
    assert codes(run) == check_ledger(run) == []


def test_times_run_on_and_seeds_come_after_the_plan(run: Path) -> None:
    lines = chain_of(run).parts[0].lines
    assert all(before.mono_ns <= after.mono_ns for before, after in pairwise(lines))
    places = {line.path: line.seq for line in lines if isinstance(line, FileSigned)}
    (drawn,) = (line for line in lines if isinstance(line, NonceDrawn))
    assert drawn.sha256 == sha256_file(run / PLAN)
    assert places[PLAN] < drawn.seq < places["comparisons/control/legs/b00-candidate/leg.json"]


def test_the_key_is_in_no_other_process(tmp_path: Path, recorder: Recorder) -> None:
    assert recorder.public_key
    assert recorder.pid not in (None, os.getpid())
    if sys.platform == "linux" and os.geteuid() != 0:
        with pytest.raises(PermissionError):
            os.close(os.open(f"/proc/{recorder.pid}/mem", os.O_RDONLY))


def test_a_nonce_is_drawn_once_and_never_for_what_was_begun_without(tmp_path: Path, recorder: Recorder) -> None:
    with RunFolder.create(tmp_path / "run", recorder.run_id, {}, recorder) as folder:
        plan = put(folder, PLAN, "{}")
        first = folder.draw_nonce(plan)
        assert first is not None
        assert len(first) == 64
        other = put(folder, "comparisons/patch/plan.json", "{}")
        put(folder, "comparisons/patch/legs/b00-reference/leg.json", "{}")
        assert (folder.draw_nonce(plan), folder.draw_nonce(other)) == (first, None)


def test_seeds_are_drawn_after_a_kill_between_plan_and_nonce(tmp_path: Path, recorder: Recorder) -> None:
    root = tmp_path / "run"
    with RunFolder.create(root, recorder.run_id, {}, recorder) as folder:
        put(folder, PLAN, "{}")
    with RunFolder.open(root, Recorder("live")) as folder:
        assert folder.draw_nonce(root / PLAN) is not None
    assert [part.opened.recorder for part in chain_of(root).parts] == [1, 2]
    assert codes(root) == []


def test_a_plan_that_nobody_signed_gets_no_seeds(tmp_path: Path) -> None:
    root = tmp_path / "run"
    with RunFolder.create(root, "0123456789abcdef", {}) as folder:
        put(folder, PLAN, "{}")
    with RunFolder.open(root, Recorder("live")) as folder:
        assert folder.draw_nonce(root / PLAN) is None
    with RunFolder.create(tmp_path / "other", "0123456789abcdef", {}, Recorder("replay")) as folder:
        assert folder.draw_nonce(put(folder, PLAN, "{}")) is None


def test_a_file_that_changes_under_its_signature_is_refused(tmp_path: Path, recorder: Recorder) -> None:
    with RunFolder.create(tmp_path / "run", recorder.run_id, {}, recorder) as folder:
        entry = read_ledger(folder.root)[-1]
        lie = entry.model_copy(update={"sha256": "0" * 64, "link": "1" * 64})
        with pytest.raises(UserError, match=r"run\.json changed while it was entered"):
            recorder.sign([lie])
        outside = entry.model_copy(update={"path": "../elsewhere", "link": "2" * 64})
        with pytest.raises(UserError, match=r"links out|cannot be read"):
            recorder.sign([outside])


def test_a_killed_recorder_stops_the_run_and_the_next_one_is_in_the_chain(tmp_path: Path, recorder: Recorder) -> None:
    root = tmp_path / "run"
    with RunFolder.create(root, recorder.run_id, {}, recorder) as folder:
        put(folder, PLAN, "{}")
        assert recorder.pid is not None
        os.kill(recorder.pid, signal.SIGKILL)
        with pytest.raises(UserError, match=r"the recorder's process has ended \(signal 9\).*`resume`"):
            put(folder, "comparisons/control/legs/b00-reference/leg.json", "{}")
    assert check_ledger(root) == [], "what cannot be signed is not entered"
    told: list[str] = []
    with RunFolder.open(root, Recorder("live", told.append)) as folder:
        put(folder, "comparisons/control/legs/b00-reference/leg.json", "{}")
    first, second = chain_of(root).parts
    assert (first.closed, second.closed) == (False, True)
    assert second.opened.public_key != first.opened.public_key
    assert told == [f"recorder 2 of this run goes on signing, with key sha256:{told[0][-17:-1]}…"]
    assert "ended without closing): 3 files; recorder 2 (live, key " in chain_of(root).describe()
    assert codes(root) == []


def test_a_chain_that_cannot_be_written_goes_on_where_it_was(tmp_path: Path, recorder: Recorder) -> None:
    root, leg = tmp_path / "run", "comparisons/control/legs/b00-reference/leg.json"
    with RunFolder.create(root, recorder.run_id, {}, recorder) as folder:
        put(folder, PLAN, "{}")
        assert recorder.pid is not None
        full = (root / "recorder/chain.jsonl").stat().st_size + 100  # as on a disk with so much space
        before = resource.prlimit(recorder.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(recorder.pid, resource.RLIMIT_FSIZE, (full, before[1]))
        with pytest.raises(UserError, match=r"the chain cannot be written: .*Free some space, then continue"):
            put(folder, leg, "{}")
        with contextlib.suppress(ProcessLookupError):  # there is space again, and the recorder has ended all the same
            resource.prlimit(recorder.pid, resource.RLIMIT_FSIZE, before)
    with RunFolder.open(root, Recorder("live")) as folder:
        put(folder, leg, "{}")
    assert [part.closed for part in chain_of(root).parts] == [False, True]
    assert codes(root) == []


def test_what_was_signed_and_not_entered_is_signed_again(tmp_path: Path, recorder: Recorder) -> None:
    """The ledger's disk was full after the recorder had signed; the run ended in order."""
    root = tmp_path / "run"
    with RunFolder.create(root, recorder.run_id, {}, recorder) as folder:
        path = put(folder, PLAN, "{}").with_name("claim.json")
        path.write_text("[]")
        name, last = path.relative_to(root).as_posix(), read_ledger(root)[-1]
        lost = last.model_copy(update={"path": name, "sha256": sha256_file(path), "size": 2, "link": "2" * 64})
        recorder.sign([lost])
    assert codes(root) == ["entry_dropped ledger.jsonl:None"]
    with RunFolder.open(root, Recorder("live")) as folder:
        folder.ledger.enter(path)
    assert codes(root) == []


def test_one_key_signs_one_run(tmp_path: Path, recorder: Recorder) -> None:
    with RunFolder.create(tmp_path / "run", recorder.run_id, {}, recorder), pytest.raises(UserError, match="is open"):
        recorder._ask(RecorderOrder(do="open", root=str(tmp_path / "run")))
    with pytest.raises(UserError, match="the recorder was closed"):
        recorder.sign([])


def test_a_run_that_an_earlier_version_began_is_signed_from_here_on(tmp_path: Path) -> None:
    root = tmp_path / "run"
    with RunFolder.create(root, "0123456789abcdef", {}) as folder:
        put(folder, PLAN, "{}")
    with RunFolder.open(root, Recorder("live")) as folder:
        put(folder, "comparisons/control/claim.json", "{}")
    chain = chain_of(root)
    assert chain.unsigned_before == 2
    assert [problem.code for problem in chain.check_lines("0123456789abcdef")] == []
    assert [problem.code for problem in chain.check_ledger(read_ledger(root))] == []
    assert PLAN not in chain.files


def test_resuming_a_finished_run_starts_no_recorder(run: Path) -> None:
    again = Recorder("live")
    with RunFolder.open(run, again) as folder:
        folder.ledger.enter(run / PLAN)
        assert again.pid is None
    assert codes(run) == []


@pytest.mark.parametrize("torn", [True, False])
def test_a_kill_between_signature_and_entry_leaves_nothing_wrong(run: Path, torn: bool) -> None:
    """The last two entries of the ledger did not get to the disk; the recorder was killed with the run."""
    chain, ledger = run / "recorder/chain.jsonl", run / "ledger.jsonl"
    chain.write_bytes(b"".join(chain.read_bytes().splitlines(keepends=True)[:-1]))
    ledger.write_bytes(b"".join(ledger.read_bytes().splitlines(keepends=True)[:-2]))
    if torn:
        chain.write_bytes(chain.read_bytes() + b'{"half')
    with RunFolder.open(run, Recorder("live")) as folder:
        folder.ledger.enter(run / "comparisons/control/claim.json")
        assert codes(run) == ["entry_dropped ledger.jsonl:None"]
        folder.ledger.enter(run / LEG)
    assert codes(run) == []
    assert chain.with_name("chain.jsonl.torn-1").exists() == torn


LEG = "comparisons/control/legs/b00-reference/leg.json"


def lines_of(run: Path) -> list[bytes]:
    return (run / "recorder/chain.jsonl").read_bytes().splitlines(keepends=True)


def write(run: Path, lines: list[bytes]) -> None:
    (run / "recorder/chain.jsonl").write_bytes(b"".join(lines))


def line_of(run: Path, path: str) -> int:
    return next(number for number, line in enumerate(lines_of(run)) if f'"path":"{path}"'.encode() in line)


def test_an_edited_leg_is_located(run: Path) -> None:
    (run / LEG).write_text("{}")
    assert codes(run) == [f"file_edited {LEG}:None"]


def test_a_leg_in_the_place_of_another_is_located_and_recognised(run: Path) -> None:
    (run / LEG).write_bytes((run / LEG.replace("reference", "candidate")).read_bytes())
    chain = chain_of(run)
    (problem,) = chain.check_files({LEG: sha256_file(run / LEG)})
    assert problem.observed == "the file that was signed as comparisons/control/legs/b00-candidate/leg.json"


def test_a_leg_that_is_left_out_is_located(run: Path) -> None:
    (run / LEG).unlink()
    assert codes(run) == [f"file_gone {LEG}:None"]


def test_a_line_of_another_key_is_located(run: Path, tmp_path: Path) -> None:
    """The same line with the signature that another recorder would have given it."""
    lines, number = lines_of(run), line_of(run, LEG)
    sig = orjson.loads(lines[number - 1])["sig"]
    lines[number] = lines[number].replace(orjson.loads(lines[number])["sig"].encode(), sig.encode())
    write(run, lines)
    assert codes(run)[0] == f"chain_signature recorder/chain.jsonl:{number + 1}"


def test_an_edited_line_is_located(run: Path) -> None:
    lines, number = lines_of(run), line_of(run, LEG)
    lines[number] = lines[number].replace(b'"size":', b'"size":1', 1)
    write(run, lines)
    assert codes(run)[0] == f"chain_signature recorder/chain.jsonl:{number + 1}"
    lines[number] = lines[number].replace(b'"size":', b'"size": ', 1)
    write(run, lines)
    assert codes(run)[0] == f"chain_line recorder/chain.jsonl:{number + 1}"


def test_a_dropped_line_is_located(run: Path) -> None:
    lines, number = lines_of(run), line_of(run, LEG)
    write(run, lines[:number] + lines[number + 1 :])
    found = codes(run)
    assert found[0] == f"chain_order recorder/chain.jsonl:{number + 1}"
    assert any(code.startswith("entry_unsigned ledger.jsonl:") for code in found)


def test_the_last_lines_dropped_are_missed_in_the_ledger(run: Path) -> None:
    write(run, lines_of(run)[:-2])
    assert codes(run) == [f"entry_unsigned ledger.jsonl:{len(read_ledger(run))}"]


def test_moved_lines_are_located(run: Path) -> None:
    lines, number = lines_of(run), line_of(run, LEG)
    lines[number], lines[number - 1] = lines[number - 1], lines[number]
    write(run, lines)
    assert codes(run)[0] == f"chain_order recorder/chain.jsonl:{number}"


def test_a_dropped_entry_of_the_ledger_is_missed_by_the_chain(run: Path) -> None:
    path = run / "ledger.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    assert codes(run) == ["entry_dropped ledger.jsonl:None"]


def test_another_public_key_beside_the_chain_is_located(run: Path) -> None:
    path = run / "recorder/key-1.json"
    path.write_text(path.read_text().replace('"pid": ', '"pid": 1'))
    assert "key_differs recorder/key-1.json:None" in codes(run)


def test_a_second_recorder_cannot_sign_a_file_anew_unseen(run: Path) -> None:
    with RunFolder.open(run, Recorder("live")) as folder:
        put(folder, LEG, '{"better": true}')
    assert codes(run) == [f"file_rewritten {LEG}:None"]


def test_a_run_signed_anew_has_a_nonce_that_names_another_key(run: Path) -> None:
    (run / "ledger.jsonl").unlink()
    for path in (run / "recorder").iterdir():
        path.unlink()
    with RunFolder.open(run, Recorder("live")) as folder:
        folder.ledger.enter_tree(run / "comparisons")
    assert codes(run) == ["key_not_bound recorder/chain.jsonl:1"]


def test_an_outside_service_stamps_where_a_command_is_set(tmp_path: Path) -> None:
    told: list[str] = []
    stamping = Recorder("live", told.append, f"{sys.executable} -c 'import sys; print(sys.argv[1])'")
    with RunFolder.create(tmp_path / "run", stamping.run_id, {}, stamping):
        pass
    stamps = sorted((tmp_path / "run/recorder").glob("stamp-*"))
    stored = chain_of(tmp_path / "run").stored
    assert [path.read_text().strip() for path in stamps] == [stored[0].digest, stored[-1].digest]
    with RunFolder.create(tmp_path / "other", "x", {}, Recorder("replay", told.append, "no-such-command")):
        pass
    assert told[-1] == "no time stamp: no-such-command: FileNotFoundError"


def test_a_signature_holds_for_its_text_and_key_alone(run: Path) -> None:
    opened = chain_of(run).parts[0].opened
    assert isinstance(opened, RecorderOpened)
    assert not is_signed(opened.public_key, b"another text", opened.sig)
    assert not is_signed("00" * 32, b"", "00" * 64)
