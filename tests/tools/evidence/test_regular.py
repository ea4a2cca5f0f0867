"""Only regular files are opened, and nobody is waited for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bankable.tools.evidence.regular import IrregularFileError, open_regular, printable_name, regular_files, stamp


def test_a_file_is_opened_and_a_change_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    with open_regular(path) as stream:
        before = stamp(stream)
        assert (stream.read(), before[0]) == (b"one", 3)
        with path.open("ab") as more:
            more.write(b"!")
        assert stamp(stream) != before


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"x")
    (tmp_path / "link").symlink_to("target")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("link", "pipe", "folder"):
        with pytest.raises(IrregularFileError):
            open_regular(tmp_path / name)
    with pytest.raises(IrregularFileError):
        open_regular(Path("/dev/zero"))
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "nothing")


def test_a_listing_leaves_out_links_and_shows_every_name(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b/x.json").write_bytes(b"")
    (tmp_path / "a.json").write_bytes(b"")
    (tmp_path / "link").symlink_to("a.json")
    (tmp_path / "away").symlink_to("/etc")
    os.mkfifo(tmp_path / "pipe")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/z\xff")).write_bytes(b"")
    assert [name for name, _ in regular_files(tmp_path)] == ["a.json", "b/x.json", "z\\xff"]


def test_a_name_always_has_a_text_form() -> None:
    assert printable_name("plain") == "plain"
    assert printable_name("b\udcff").encode() == b"b\\xff"
