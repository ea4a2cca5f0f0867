"""A leg's folder: filled while a server runs, closed once, then never changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bankable.tools.evidence.ledger import check_ledger, read_ledger
from bankable.tools.evidence.records import Failure, LegSpan, Side
from bankable.tools.measurement.leg import NO_ENGINE, PREPARED, LegWriter, publish, read_runs
from bankable.tools.measurement.run_context import RunContext
from bankable.tools.serving.driver import LaunchFailed, RoundLoad, Server
from tests.tools.measurement.recordings import BASE, PROMPT, ROUND_S, START_S, lines, plan_of, record_leg, replaying

WORKLOAD = plan_of().workload


@pytest.fixture
def context(tmp_path: Path) -> RunContext:
    record_leg(tmp_path / "recorded", "patch", "b00-reference", BASE, [100.0, 104.0])
    return replaying(tmp_path / "recorded", tmp_path / "run")[0]


def opened(context: RunContext, name: str = "b00-reference") -> LegWriter:
    folder = context.folder.comparison("patch") / "legs" / name
    return LegWriter(context, folder, "patch", 0, Side.REFERENCE, BASE)


def served(context: RunContext, writer: LegWriter) -> Server:
    (server,) = context.driver.launch([writer.request()])
    assert not isinstance(server, LaunchFailed)
    return server


def test_the_request_names_the_leg_and_where_its_log_goes(context: RunContext) -> None:
    writer = opened(context)
    request = writer.request()
    assert (request.leg_id, request.comparison, request.config) == ("b00-reference", "patch", BASE)
    assert (request.log, request.overlay, request.reports) == (writer.folder / "server.log", None, None)


def test_a_whole_leg_holds_what_happened_in_order(context: RunContext) -> None:
    writer = opened(context)
    server = served(context, writer)
    start = context.driver.clock() - START_S
    writer.server_info(server)
    writer.warm(server, RoundLoad(WORKLOAD, 9, -1), [])
    with writer.span("probe"):
        writer.lines("outputs.jsonl", server.generate([PROMPT]))
    rounds = [writer.round(server, RoundLoad(WORKLOAD, seed, index), []) for index, seed in enumerate((31, 32))]
    record = writer.close(server.identity, server.close(), None)
    assert [timed.output_throughput for timed in rounds] == [100.0, 104.0]
    assert (record.leg_id, record.side, record.status, record.driver) == (
        "b00-reference",
        Side.REFERENCE,
        "complete",
        "replay",
    )
    assert (record.warmups, record.timed_rounds) == (1, 2)
    assert [(span.kind, span.started - start, span.ended - start) for span in record.spans] == [
        ("start", 0.0, START_S),
        ("warmup", START_S, START_S + ROUND_S),
        ("probe", START_S + ROUND_S, START_S + ROUND_S),
        ("round", START_S + ROUND_S, START_S + 2 * ROUND_S),
        ("round", START_S + 2 * ROUND_S, START_S + 3 * ROUND_S),
    ]
    runs = read_runs(writer.folder)
    assert [run.output_throughput for run in runs] == [100.0, 104.0], "the warm-up is not written"
    assert [(run.bankable.index, run.bankable.seed, run.bankable.leg_id) for run in runs] == [
        (0, 31, "b00-reference"),
        (1, 32, "b00-reference"),
    ]
    assert [line["text"] for line in lines(writer.folder / "outputs.jsonl")] == [" Paris."]
    assert [sample["cpu_percent"] for sample in lines(writer.folder / "host.jsonl")] == [50.0]
    assert json.loads((writer.folder / "server_info.json").read_bytes())["max_total_num_tokens"] == 4096


def test_closing_enters_every_file_in_the_ledger(context: RunContext, tmp_path: Path) -> None:
    writer = opened(context)
    server = served(context, writer)
    writer.round(server, RoundLoad(WORKLOAD, 1, 0), [])
    writer.close(server.identity, server.close(), None)
    prefix = "comparisons/patch/legs/b00-reference/"
    entered = [entry.path for entry in read_ledger(tmp_path / "run") if entry.path.startswith(prefix)]
    assert entered == [prefix + name for name in ("bench_runs.jsonl", "host.jsonl", "leg.json", "server.log")]
    assert check_ledger(tmp_path / "run") == []


def test_a_leg_counts_only_once_it_is_published(context: RunContext) -> None:
    writer = opened(context)
    assert publish(context, writer.folder) is None
    prepared = writer.prepare(None, 1234.0, Failure(kind="bad_flag", line="no such option"))
    assert (writer.folder / PREPARED).is_file()
    assert not (writer.folder / "leg.json").exists()
    assert publish(context, writer.folder) == prepared
    assert publish(context, writer.folder) == prepared, "a closed leg stays as it is"
    assert not (writer.folder / PREPARED).exists()


def test_a_launch_that_never_was_is_recorded_without_an_engine(context: RunContext) -> None:
    writer = opened(context)
    record = writer.close(None, 1234.0, Failure(kind="port_taken", line="address in use"))
    assert (record.status, record.engine, record.pid, record.ready_at) == ("failed", NO_ENGINE, 0, None)
    assert (record.launched_at, record.stopped_at, record.spans) == (context.driver.clock(), 1234.0, [])


def test_a_round_that_breaks_leaves_no_span(context: RunContext) -> None:
    writer = opened(context)
    with pytest.raises(RuntimeError), writer.span("round"):
        raise RuntimeError
    with writer.span("probe"):
        pass
    record = writer.close(None, context.driver.clock(), None)
    now = context.driver.clock()
    assert record.spans == [LegSpan(kind="probe", started=now, ended=now)]


def test_nobody_writes_into_another_launch(context: RunContext) -> None:
    opened(context)
    with pytest.raises(FileExistsError):
        opened(context)


def test_a_torn_last_round_is_passed_over(tmp_path: Path) -> None:
    folder = record_leg(tmp_path, "patch", "b00-reference", BASE, [100.0, 104.0])
    whole = (folder / "bench_runs.jsonl").read_bytes()
    (folder / "bench_runs.jsonl").write_bytes(whole[:-20])
    assert [run.output_throughput for run in read_runs(folder)] == [100.0]
