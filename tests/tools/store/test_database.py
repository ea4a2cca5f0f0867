"""The store: versions, foreign files, rows that stay, and writers that do not cross."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bankable.tools.errors import UserError
from bankable.tools.store.database import read_store, write_store
from bankable.tools.store.nights import (
    BEGUN,
    StoredLaunch,
    StoredMeasurement,
    StoredRound,
    add_measurement,
    find_current,
    find_known_round,
    group_nights,
    read_measurements,
)
from bankable.tools.store.subject import MeasuredSubject, find_subject_differences, find_unstated

HOUR = 3600.0


def subject(**changes: object) -> MeasuredSubject:
    facts: dict[str, object] = {
        "tool": "vLLM bench serve",
        "model": "tiny",
        "engine": "vllm",
        "device": "cpu",
        "workload": {"max_concurrency": "4"},
        "requests": 12,
        "prompt_tokens": 64.0,
        "answer_tokens": 16.0,
        "cached_share": 0.0,
    }
    return MeasuredSubject.model_validate({**facts, **changes})


def launch(at: float, name: str = "a.json", rate: float = 100.0) -> StoredLaunch:
    return StoredLaunch(name, at, "record", (StoredRound(f"{name}-{at}", {"output_throughput": rate}),))


def measurement(*launches: StoredLaunch, outcome: str = "no_worse", series: str = "main") -> StoredMeasurement:
    return StoredMeasurement(series, "", 1.0, subject(), {"version": "0.5.23"}, outcome, "FLAG", "r", "0.1.0", launches)


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    one = measurement(launch(0.0), launch(60.0, "b.json"), outcome=BEGUN)
    with write_store(tmp_path / "deep" / "nights.sqlite") as connection:
        add_measurement(connection, one)
        add_measurement(connection, measurement(launch(0.0), series="other"))
    with read_store(tmp_path / "deep" / "nights.sqlite") as connection:
        assert read_measurements(connection, "main") == [one]
        assert len(read_measurements(connection)) == 2


def test_a_store_of_a_newer_version_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "nights.sqlite"
    with write_store(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    for use in (read_store, write_store):
        with (
            pytest.raises(UserError, match=r"version 99, and this program reads up to 1 \(.*\)\. Update bankable"),
            use(path),
        ):
            pass


def test_other_files_are_no_store(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "other.sqlite") as other:
        other.execute("CREATE TABLE t (x)")
    (tmp_path / "text.sqlite").write_text("no database, and longer than a hundred bytes " * 10)
    (tmp_path / "empty.sqlite").write_bytes(b"")
    for name, reason in (
        ("other.sqlite", "a database of another program"),
        ("text.sqlite", "not a database"),
        ("empty.sqlite", "it is empty"),
        ("missing.sqlite", "no such file"),
    ):
        with pytest.raises(UserError, match=reason), read_store(tmp_path / name):
            pass


def test_rows_are_only_added(tmp_path: Path) -> None:
    path = tmp_path / "nights.sqlite"
    with write_store(path) as connection:
        add_measurement(connection, measurement(launch(0.0)))
    for statement in ("UPDATE launch SET measured_at = 5", "DELETE FROM measurement", "DELETE FROM round"):
        with pytest.raises(UserError, match="rows of a store are only added"), write_store(path) as connection:
            connection.execute(statement)
    with read_store(path) as connection, pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("INSERT INTO verified DEFAULT VALUES")


def test_a_writer_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "nights.sqlite"
    with write_store(path) as connection:
        add_measurement(connection, measurement(launch(0.0)))

    def fail() -> None:
        with write_store(path) as connection:
            add_measurement(connection, measurement(launch(1.0)))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with read_store(path) as connection:
        assert len(read_measurements(connection)) == 1


def test_a_damaged_row_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "nights.sqlite"
    with write_store(path) as connection:
        connection.execute(
            "INSERT INTO measurement (series, load, entered_at, identity, settings, outcome, verdict, ruleset,"
            " written_by) VALUES ('main', '', 0, '{', '{}', 'begun', 'PASS', '', '')"
        )
    with read_store(path) as connection, pytest.raises(UserError, match="a row is damaged"):
        read_measurements(connection)


def test_writers_in_many_threads_wait_for_each_other(tmp_path: Path) -> None:
    path = tmp_path / "nights.sqlite"
    entered: list[int] = []

    def enter(index: int) -> None:
        with write_store(path) as connection:
            # Read, decide, write: what was read has to hold until the write.
            entered.append(len(read_measurements(connection)))
            add_measurement(connection, measurement(launch(float(index))))

    threads = [threading.Thread(target=enter, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(entered) == list(range(8))


def test_a_writer_that_is_killed_loses_nothing_of_the_others(tmp_path: Path) -> None:
    path = tmp_path / "nights.sqlite"
    with write_store(path) as connection:
        add_measurement(connection, measurement(launch(0.0)))
    code = (
        "import os, sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "connection.execute('BEGIN IMMEDIATE')\n"
        "connection.execute('INSERT INTO launch (measurement, file, measured_at, time_source) '\n"
        "                   'VALUES (1, 1, 0, 1)')\n"
        "os._exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == 9
    with write_store(path) as connection:
        add_measurement(connection, measurement(launch(1.0)))
    with read_store(path) as connection:
        assert [len(entry.launches) for entry in read_measurements(connection)] == [1, 1]


def test_launches_hours_apart_are_nights_and_entries_minutes_apart_are_not() -> None:
    day = 24 * HOUR
    launches = [launch(day + 600.0), launch(0.0), launch(300.0), launch(day), launch(2 * day)]
    assert [len(night) for night in group_nights(launches)] == [2, 2, 1]
    assert [len(night) for night in group_nights([launch(index * HOUR) for index in range(10)])] == [10]


def test_a_run_is_known_by_its_figures(tmp_path: Path) -> None:
    with write_store(tmp_path / "nights.sqlite") as connection:
        add_measurement(connection, measurement(launch(0.0)))
        again = StoredLaunch("copy.json", 9e9, "stated", launch(0.0).rounds)
        known = find_known_round(connection, "main", [launch(5.0), again])
        assert known is not None
        assert (known[0].file, known[1]) == ("copy.json", "a.json")
        assert find_known_round(connection, "other", [again]) is None


def test_a_baseline_that_was_begun_anew_leaves_the_earlier_nights_out() -> None:
    entries = [
        measurement(launch(0.0), outcome=BEGUN),
        measurement(launch(1.0)),
        measurement(launch(2.0), outcome=BEGUN),
        measurement(launch(3.0)),
    ]
    assert find_current(entries) == entries[2:]
    assert find_current(entries[:2]) == entries[:2]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": "large"}, "model: tiny on the baseline, large on the candidate"),
        ({"engine": "sglang"}, "engine: vllm"),
        ({"device": "cuda"}, "device: cpu"),
        ({"tool": "GuideLLM"}, "tool: vLLM bench serve"),
        ({"workload": {"max_concurrency": "8"}}, "workload, max_concurrency: 4 on the baseline, 8"),
        ({"requests": 24}, "requests a round: 12"),
        ({"prompt_tokens": 80.0}, "mean tokens of a prompt: 64.0"),
        ({"answer_tokens": 8.0}, "mean tokens of an answer: 16.0"),
        ({"cached_share": 0.5}, "prompts from the cache: 0% on the baseline, 50%"),
    ],
)
def test_another_subject_is_named(changes: dict[str, object], words: str) -> None:
    texts = find_subject_differences(subject(), subject(**changes))
    assert len(texts) == 1
    assert words in texts[0]


def test_drawn_lengths_and_missing_facts_are_no_difference() -> None:
    other = subject(prompt_tokens=65.5, answer_tokens=None, device="", requests=None, cached_share=None, workload={})
    assert find_subject_differences(subject(), other) == []
    assert find_unstated(subject(), other) == ["device"]
