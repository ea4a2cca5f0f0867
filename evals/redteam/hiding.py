"""Frauds that hide a fact: it is planted in all records that show it, then taken out of some of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from shutil import copyfile

from bankable.evals.fixtures.build.edits import later
from bankable.evals.fixtures.build.files import Json, edit, edit_each, read, read_lines, write_lines
from bankable.evals.redteam import facts
from bankable.evals.redteam.mutation import Mutation
from bankable.evals.redteam.rows import pick_requests
from bankable.evals.redteam.scene import (
    ANSWERS,
    HOST,
    INFO,
    LEG,
    LOG,
    OUTPUTS,
    ROUNDS,
    InapplicableError,
    Scene,
    each_round,
    is_timed,
    rounds_of,
)

Samples = list[Json]


def _each_host(scene: Scene, change: Callable[[Path, Samples], Sequence[Json]], side: str = "reference") -> None:
    for leg in scene.legs_with(side, HOST):
        write_lines(leg / HOST, list(change(leg, read_lines(leg / HOST))))


def _no_tenants(scene: Scene) -> None:
    """The lists of other programs are emptied."""
    _each_host(scene, lambda _, samples: [{**sample, "tenants": []} for sample in samples])


def _smaller_tenants(scene: Scene) -> None:
    """Other programs used a fiftieth."""

    def shrink(sample: Json) -> Json:
        tenants = [{**tenant, "cpu_percent": tenant["cpu_percent"] / 50.0} for tenant in sample["tenants"]]
        return {**sample, "tenants": tenants}

    _each_host(scene, lambda _, samples: [shrink(sample) for sample in samples])


def _drop_timed_samples(scene: Scene) -> None:
    """Samples of the timed rounds are missing."""
    _each_host(scene, lambda leg, samples: [sample for sample in samples if not is_timed(leg, sample["t"])])


def _thin_samples(scene: Scene) -> None:
    """One sample of twelve is kept, and it is a quiet one."""
    _each_host(scene, lambda _, samples: [{**sample, "tenants": []} for sample in samples[::12]])


def _no_samples(scene: Scene) -> None:
    _each_host(scene, lambda _, __: [])


def _frozen_samples(scene: Scene) -> None:
    """One quiet sample stands for all, at their times."""
    _each_host(scene, lambda _, samples: [{**samples[0], "tenants": [], "t": sample["t"]} for sample in samples])


def _transplant_samples(scene: Scene) -> None:
    """The telemetry of the candidate stands for the reference's, its times moved."""
    sources = scene.legs_with("candidate", HOST)
    for leg, source in zip(scene.legs_with("reference", HOST), sources, strict=False):
        own, other = read_lines(leg / HOST), read_lines(source / HOST)
        shift = own[0]["t"] - other[0]["t"]
        write_lines(leg / HOST, [{**sample, "t": sample["t"] + shift} for sample in other])


def _transplant_quiet_launch(scene: Scene) -> None:
    """The candidate's telemetry of another block, at the reference's own times."""
    sources = scene.legs_with("candidate", HOST)[::-1]
    for leg, source in zip(scene.legs_with("reference", HOST), sources, strict=False):
        own, other = read_lines(leg / HOST), read_lines(source / HOST)
        chosen = [other[place % len(other)] for place in range(len(own))]
        write_lines(leg / HOST, [{**sample, "t": mine["t"]} for sample, mine in zip(chosen, own, strict=True)])


def _drop_half_of_file(scene: Scene) -> None:
    """The telemetry ends before the rounds do."""
    _each_host(scene, lambda _, samples: [{**sample, "tenants": []} for sample in samples[: len(samples) // 3]])


def _no_clocks(scene: Scene) -> None:
    _each_host(scene, lambda _, samples: [{**sample, "cpu_mhz": None} for sample in samples])


def _clocks_of_other(scene: Scene) -> None:
    """The clock of every sample is that of the candidate's launch."""
    other = read_lines(scene.legs_with("candidate", HOST)[0] / HOST)
    clocks = [sample["cpu_mhz"] for sample in other]
    _each_host(
        scene,
        lambda _, samples: [{**sample, "cpu_mhz": clocks[place % len(clocks)]} for place, sample in enumerate(samples)],
    )


def _forget_failed(scene: Scene) -> None:
    """Failed requests are left out of the lists."""
    each_round(
        scene.legs("candidate"),
        lambda row: pick_requests(row, [place for place, error in enumerate(row["errors"]) if not error]),
    )


def _fill_failed(scene: Scene) -> None:
    """Failed requests get the record of another request of their round."""

    def fill(row: Json) -> None:
        good = [place for place, error in enumerate(row["errors"]) if not error]
        lists = ("output_lens", "ttfts", "itls", "generated_texts", "errors")
        for place in [place for place, error in enumerate(row["errors"]) if error]:
            source = scene.rng.choice(good)
            for name in lists:
                if row.get(name):
                    row[name][place] = row[name][source]

    each_round(scene.legs("candidate"), fill)


def _clear_errors(scene: Scene) -> None:
    """Failed requests have no error, and no tokens."""
    each_round(scene.legs("candidate"), lambda row: row.update(errors=[""] * len(row["errors"])))


def _fill_and_pass(scene: Scene) -> None:
    """Failed requests get another request's record, and the log's lines of them are gone."""
    _fill_failed(scene)
    for leg in scene.legs_with("candidate", LOG):
        lines = (leg / LOG).read_text().splitlines(keepends=True)
        (leg / LOG).write_text("".join(line for line in lines if " 500 Internal" not in line))


def _reference_rounds(scene: Scene) -> dict[Path, list[Json]]:
    pairs = zip(scene.legs("candidate"), scene.legs("reference"), strict=False)
    return {right: rounds_of(left) for right, left in pairs}


def _prompts_of_reference(scene: Scene) -> None:
    """The rounds say the reference's prompt lengths and digests."""
    for leg, sources in _reference_rounds(scene).items():
        rows = rounds_of(leg)
        for row, source in zip(rows, sources, strict=False):
            row["input_lens"] = source["input_lens"]
            row["bankable"]["request_digest"] = source["bankable"]["request_digest"]
        write_lines(leg / ROUNDS, rows)
        facts.resettle(leg)


def _nothing_cached(scene: Scene) -> None:
    """The rounds say that nothing came from the cache."""
    each_round(scene.legs("candidate"), lambda row: row.update(cached_tokens=[0] * len(row["input_lens"])))


def _nothing_cached_at_all(scene: Scene) -> None:
    """Rounds and log say that nothing came from the cache; the log's other counter stays."""
    _nothing_cached(scene)
    for leg in scene.legs_with("candidate", LOG):
        text = (leg / LOG).read_text()
        (leg / LOG).write_text(re.sub(r"#cached-token: \d+", "#cached-token: 0", text))


def _say_warmed(scene: Scene) -> None:
    """The launch's record has a warm-up between start and rounds."""
    lengths = [
        span["ended"] - span["started"]
        for leg in scene.legs("candidate")
        for span in read(leg / LEG)["spans"]
        if span["kind"] == "warmup"
    ]
    if not lengths:
        raise InapplicableError("warm-ups")

    def warmed(record: Json) -> None:
        begun = next(span["ended"] for span in record["spans"] if span["kind"] == "start") + 0.2
        added = {"kind": "warmup", "started": begun, "ended": begun + lengths[0]}
        record["spans"] = [record["spans"][0], added, *record["spans"][1:]]
        record["warmups"] = 1

    for leg in scene.legs("reference"):
        edit(leg / LEG, warmed)


def _argument_of_report(scene: Scene) -> None:
    """Report and rounds say the other argument no more; command line and log do."""
    _restore_argument(scene, report=True, rounds=True, argv=False)


def _argument_but_log(scene: Scene) -> None:
    """Report, rounds and command line say the argument no more; the log does."""
    _restore_argument(scene, report=True, rounds=True, argv=True)


def _argument_but_rounds(scene: Scene) -> None:
    """Report and command line say the argument no more; rounds and log do."""
    _restore_argument(scene, report=True, rounds=False, argv=True)


def _restore_argument(scene: Scene, *, report: bool, rounds: bool, argv: bool) -> None:
    base = read(scene.legs_with("reference", INFO)[0] / INFO)
    name = next(
        (
            name
            for name in facts.ARGUMENTS
            if read(scene.legs_with("candidate", INFO)[0] / INFO).get(name) != base.get(name)
            and name not in read(scene.folder / "plan.json")["lever"]["flags"]
        ),
        None,
    )
    if name is None:
        raise InapplicableError("a second argument")
    for leg in scene.legs_with("candidate", INFO):
        if report:
            edit(leg / INFO, lambda info: info.update({name: base[name]}))
        if rounds:
            edit_each(leg / ROUNDS, lambda row: row["server_info"].update({name: base[name]}))
        if argv:
            edit(leg / LEG, lambda record: record.update(argv=record["argv"][:-2]))


def _borrow_probes(scene: Scene) -> None:
    """The candidate's probes are the reference's file."""
    source = scene.legs_with("reference", OUTPUTS)[0]
    for leg in scene.legs_with("candidate", OUTPUTS):
        copyfile(source / OUTPUTS, leg / OUTPUTS)


def _mark_correct(scene: Scene) -> None:
    """Wrong answers are said to be right."""
    for leg in scene.legs_with("candidate", ANSWERS):
        edit_each(leg / ANSWERS, lambda line: line.update(predicted=line["expected"], correct=True))


def _only_marked(scene: Scene) -> None:
    """Wrong answers are marked as right, and what was read from them stays."""
    for leg in scene.legs_with("candidate", ANSWERS):
        edit_each(leg / ANSWERS, lambda line: line.update(correct=True))


def _drop_wrong(scene: Scene) -> None:
    """Wrong answers are left out."""
    for leg in scene.legs_with("candidate", ANSWERS):
        write_lines(leg / ANSWERS, [line for line in read_lines(leg / ANSWERS) if line["correct"]])


def _error_for_wrong(scene: Scene) -> None:
    """Wrong answers are said to be request errors."""
    for leg in scene.legs_with("candidate", ANSWERS):
        edit_each(leg / ANSWERS, lambda line: None if line["correct"] else line.update(error="timed out"))


def _faulted(scene: Scene) -> tuple[Path, Path]:
    """The launch with the fault, and another one of its side."""
    legs = scene.legs_with("candidate", LOG)
    broken = [leg for leg in legs if facts.is_faulted(leg)]
    others = [leg for leg in legs if leg not in broken]
    if not broken or not others:
        raise InapplicableError("two launches with logs")
    return broken[0], scene.rng.choice(others)


def _cut_log(scene: Scene) -> None:
    """The log ends before the fault."""
    leg, _ = _faulted(scene)
    text = (leg / LOG).read_text()
    (leg / LOG).write_text(text[: text.index("Scheduler hit an exception")])


def _log_of_other(scene: Scene) -> None:
    leg, other = _faulted(scene)
    copyfile(other / LOG, leg / LOG)


def _adapted_log_of_other(scene: Scene) -> None:
    """Another launch's log, with this launch's process and port in it."""
    leg, other = _faulted(scene)
    mine, its = read(leg / LEG), read(other / LEG)
    text = (other / LOG).read_text()
    for name in ("pid",):
        text = text.replace(f"[{its[name]}]", f"[{mine[name]}]")
    ports = [_port(record["argv"]) for record in (its, mine)]
    if ports[0] and ports[1]:
        text = text.replace(ports[0], ports[1])
    (leg / LOG).write_text(text)


def _port(argv: list[str]) -> str:
    return next((value for name, value in pairwise(argv) if name == "--port"), "")


def _no_log(scene: Scene) -> None:
    leg, _ = _faulted(scene)
    (leg / LOG).unlink()


def _today(scene: Scene) -> None:
    """The launches' records say that the reference was measured beside the candidate; nothing else does."""
    for leg in scene.legs("reference"):

        def moved(record: Json) -> None:
            for key in ("launched_at", "ready_at", "stopped_at"):
                record[key] += 2.0 * facts.DAY_S
            for span in record["spans"]:
                span.update(started=span["started"] + 2.0 * facts.DAY_S, ended=span["ended"] + 2.0 * facts.DAY_S)

        edit(leg / LEG, moved)


def _today_but_log(scene: Scene) -> None:
    """Record, rounds and telemetry of the reference are moved beside the candidate; the log is not."""
    for leg in scene.legs_with("reference", HOST):
        later(leg, 2.0 * facts.DAY_S)


def _today_but_telemetry(scene: Scene) -> None:
    """Record, rounds and log of the reference are moved beside the candidate; the telemetry is not."""
    for leg in scene.legs_with("reference", HOST):
        samples = read_lines(leg / HOST)
        later(leg, 2.0 * facts.DAY_S)
        write_lines(leg / HOST, samples)
        facts.move_log(leg, 2)


_HIDES: tuple[tuple[str, Callable[[Scene], object], Callable[[Scene], object]], ...] = (
    ("tenants-emptied", facts.busy_tenants, _no_tenants),
    ("tenants-scaled", facts.busy_tenants, _smaller_tenants),
    ("telemetry-without-rounds", facts.busy_tenants, _drop_timed_samples),
    ("telemetry-thinned", facts.busy_tenants, _thin_samples),
    ("telemetry-emptied", facts.busy_tenants, _no_samples),
    ("telemetry-frozen", facts.busy_tenants, _frozen_samples),
    ("telemetry-of-the-other-side", facts.busy_tenants, _transplant_samples),
    ("telemetry-of-another-block", facts.busy_tenants, _transplant_quiet_launch),
    ("telemetry-cut-short", facts.busy_tenants, _drop_half_of_file),
    ("clocks-left-out", facts.throttled_reference, _no_clocks),
    ("clocks-copied", facts.throttled_reference, _clocks_of_other),
    ("failures-forgotten", facts.failed_requests, _forget_failed),
    ("failures-filled", facts.failed_requests, _fill_failed),
    ("failures-without-errors", facts.failed_requests, _clear_errors),
    ("failures-filled-and-unlogged", facts.failed_requests, _fill_and_pass),
    ("prompts-of-the-reference", facts.shorter_prompts, _prompts_of_reference),
    ("cache-hits-zeroed", facts.cached_prompts, _nothing_cached),
    ("cache-hits-zeroed-everywhere", facts.cached_prompts, _nothing_cached_at_all),
    ("warm-up-added", facts.cold_reference, _say_warmed),
    ("argument-of-the-report", facts.second_argument, _argument_of_report),
    ("argument-but-in-the-log", facts.second_argument, _argument_but_log),
    ("argument-but-in-the-rounds", facts.second_argument, _argument_but_rounds),
    ("probes-borrowed", facts.wrong_outputs, _borrow_probes),
    ("answers-corrected", facts.wrong_answers, _mark_correct),
    ("answers-marked", facts.wrong_answers, _only_marked),
    ("answers-dropped", facts.wrong_answers, _drop_wrong),
    ("answers-as-errors", facts.wrong_answers, _error_for_wrong),
    ("log-cut-short", facts.faulted_server, _cut_log),
    ("log-of-another-launch", facts.faulted_server, _log_of_other),
    ("log-of-another-launch-adapted", facts.faulted_server, _adapted_log_of_other),
    ("log-left-out", facts.faulted_server, _no_log),
    ("dates-of-the-record", facts.old_reference, _today),
    ("dates-but-of-the-log", facts.old_reference, _today_but_log),
    ("dates-but-of-the-telemetry", facts.old_reference, _today_but_telemetry),
)

HIDING_KINDS: tuple[Mutation, ...] = tuple(Mutation(name, "hides", hide, spoil) for name, spoil, hide in _HIDES)
