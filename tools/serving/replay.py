"""The second driver: replays the legs of a recorded run, so that the whole graph runs in seconds, on real records.

A launch is answered with a recorded leg of the same configuration: the very leg of the same name when there is one,
otherwise one drawn by a seeded hash, so that a resumed replay draws the same. What was never recorded fails as
``not_recorded``. Time is virtual: launches and rounds take as long as they took when they were recorded.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import orjson

from bankable.tools.evidence.overlay import Marker
from bankable.tools.evidence.records import Answer, Failure, Generation, HostSample, LegRecord, RoundStamp
from bankable.tools.evidence.store import sha256_file
from bankable.tools.overlay.reports import OverlayState
from bankable.tools.serving.driver import (
    AccuracyQuestion,
    LaunchFailed,
    LaunchIdentity,
    LaunchRequest,
    ProbePrompt,
    RoundFailed,
    RoundLoad,
    RoundResult,
    Server,
)
from bankable.tools.serving.recording import RecordedLeg, Recording, purpose, read_lines


class ReplayDriver:
    """Answers launches from a recording.

    With ``draw`` every block of the run is answered by a recorded A/A block, drawn without replacement and with its
    legs swapped at random: a null experiment on real records, as often as there are seeds.
    """

    kind: Literal["live", "replay", "attached"] = "replay"
    can_launch = True

    def __init__(self, recording: Recording, resumed_at: float | None = None, draw: int | None = None) -> None:
        self.recording = recording
        self.draw = draw
        self._null = recording.equal_blocks() if draw is not None else []
        random.Random(draw).shuffle(self._null)
        self._given: dict[tuple[str, int], int] = {}
        self.device = recording.legs[0].leg.device
        self.now = resumed_at if resumed_at is not None else recording.started

    def clock(self) -> float:
        """Virtual Unix seconds."""
        return self.now

    def launch(self, requests: Sequence[LaunchRequest]) -> list[Server | LaunchFailed]:
        """Servers from recorded legs; the clock moves on by the longest recorded start-up."""
        started, answers = self.now, list[Server | LaunchFailed]()
        longest = 0.0
        for request in requests:
            recorded = self._find(request)
            if recorded is None:
                failure = Failure(
                    kind="not_recorded", line=f"no recorded launch of this configuration ({request.leg_id})"
                )
                answers.append(LaunchFailed(failure))
                continue
            leg = recorded.leg
            longest = max(longest, (leg.ready_at or leg.stopped_at) - leg.launched_at)
            request.log.write_bytes((recorded.folder / "server.log").read_bytes())
            answers.append(
                LaunchFailed(leg.failure)
                if leg.failure and leg.ready_at is None
                else ReplayServer(self, request, recorded, started)
            )
        self.now = started + longest
        return answers

    def _find(self, request: LaunchRequest) -> RecordedLeg | None:
        kind = purpose(request.comparison)
        if self.draw is not None and kind == "comparison":
            return self._draw(request)
        fitting = [
            recorded
            for recorded in self.recording.legs
            if (recorded.leg.config, recorded.leg.overlay_digest, recorded.purpose)
            == (request.config, request.overlay_digest, kind)
        ]
        named = [
            recorded
            for recorded in fitting
            if (recorded.leg.comparison, recorded.leg.leg_id) == (request.comparison, request.leg_id)
        ]
        if named:
            return named[0]
        whole = [recorded for recorded in fitting if recorded.leg.status == "complete"] or fitting
        return whole[_pick(len(whole), request.comparison, request.leg_id)] if whole else None

    def _draw(self, request: LaunchRequest) -> RecordedLeg | None:
        block, _, side = request.leg_id.partition("-")
        number = self._given.setdefault((request.comparison, int(block.lstrip("b"))), len(self._given))
        if number >= len(self._null):
            return None
        swapped = _pick(2, self.draw, request.comparison, block) == 1
        pair = self._null[number]
        return pair[(side == "candidate") != swapped]

    def siblings(self, leg: LegRecord) -> list[RecordedLeg]:
        """Legs of the same configuration in the same comparison: where a round with a given seed may be found."""
        return [
            recorded
            for recorded in self.recording.legs
            if (recorded.leg.comparison, recorded.leg.config) == (leg.comparison, leg.config)
        ]

    def close(self) -> None:
        """Nothing runs."""

    def __enter__(self) -> ReplayDriver:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.recording.close()


class ReplayServer:
    """A recorded leg that answers as the server did."""

    def __init__(self, driver: ReplayDriver, request: LaunchRequest, source: RecordedLeg, launched: float) -> None:
        self._driver, self._request, self._source = driver, request, source
        self._shift = launched - source.leg.launched_at
        self._stopped: float | None = None
        self._spent: dict[str, int] = {}

    @property
    def identity(self) -> LaunchIdentity:
        """As recorded, with times moved to the virtual clock."""
        leg = self._source.leg
        return LaunchIdentity(
            argv=leg.argv,
            env=leg.env,
            engine=leg.engine,
            model_digest=leg.model_digest,
            device=leg.device,
            device_set=leg.device_set,
            host=leg.host,
            boot_id=leg.boot_id,
            pid=leg.pid,
            launched_at=leg.launched_at + self._shift,
            ready_at=(leg.ready_at or leg.stopped_at) + self._shift,
            lifecycle=leg.lifecycle,
            source=leg.source or sha256_file(self._source.folder / "leg.json"),
        )

    def server_info(self) -> dict[str, Any]:
        """As recorded."""
        info: dict[str, Any] = orjson.loads((self._source.folder / "server_info.json").read_bytes())
        return info

    def round(self, load: RoundLoad, peers: Sequence[Server] = ()) -> RoundResult:
        """The recorded round with this seed, else the one with this index. A warm-up takes a round's time."""
        line = self._find_round(load)
        stamp = RoundStamp.model_validate(line["bankable"])
        started = self._driver.now
        if load.index < 0:
            self._pass("warmup", stamp.ended - stamp.started)
        else:
            started = self._pass_span(stamp.started, stamp.ended)
        return RoundResult(
            record={key: value for key, value in line.items() if key != "bankable"},
            started=started,
            ended=self._driver.now,
            request_digest=stamp.request_digest,
            issued=stamp.issued,
            cpu_s=stamp.cpu_s,
            peer_cpu_s=stamp.peer_cpu_s if peers else None,
            flushed=stamp.flushed,
        )

    def _pass(self, kind: str, otherwise: float) -> None:
        """Let the time of the next recorded span of this kind go by, or a plain duration when there is none."""
        spans = [span for span in self._source.leg.spans if span.kind == kind]
        number = self._spent.get(kind, 0)
        self._spent[kind] = number + 1
        if number < len(spans):
            self._pass_span(spans[number].started, spans[number].ended)
        else:
            self._driver.now += otherwise

    def _pass_span(self, begun: float, ended: float) -> float:
        """Let a recorded span go by; returns when it began.

        It begins where it began in the recording, so that rounds and telemetry stay aligned. Screening legs are put
        together anew after a resume and keep durations only.
        """
        if self._source.purpose != "search":
            self._driver.now = max(self._driver.now, begun + self._shift)
        started = self._driver.now
        self._driver.now += ended - begun
        return started

    def _find_round(self, load: RoundLoad) -> dict[str, Any]:
        own, leg = self._source.rounds, self._source.leg
        exact = self._driver.draw is None
        for recorded in [self._source, *self._driver.siblings(leg)] if exact else []:
            for line in recorded.rounds:
                if line["bankable"]["seed"] == load.seed:
                    return line
        if leg.failure and load.index >= len(own):
            raise RoundFailed(leg.failure)
        if not own and load.index < 0:  # a profile leg: its warm-up passes time and shows no round of its own
            alike = (other.rounds for other in self._driver.recording.legs if other.leg.config == leg.config)
            own = next((rounds for rounds in alike if rounds), [])
        if not own:
            raise RoundFailed(Failure(kind="not_recorded", line=f"{leg.leg_id} holds no rounds"))
        return own[max(load.index, 0) % len(own)]

    def generate(self, prompts: Sequence[ProbePrompt], repeat: int = 0) -> list[Generation]:
        """The recorded answers to these prompts; one that was not recorded is an error line, not an invention."""
        if repeat == 0:  # one recorded span covers both repeats
            self._pass("probe", 0.0)
        recorded_answers: dict[tuple[str, str], dict[str, Any]] = {}
        for recorded in [self._source, *self._probed_legs()]:
            for line in read_lines(recorded.folder / "outputs.jsonl"):
                if line["repeat"] == repeat:
                    recorded_answers.setdefault((line["prompt_id"], line["prompt"]), line)
        return [
            Generation.model_validate(recorded_answers[prompt.prompt_id, prompt.text])
            if (prompt.prompt_id, prompt.text) in recorded_answers
            else Generation(
                prompt_id=prompt.prompt_id,
                repeat=repeat,
                prompt=prompt.text,
                token_ids=[],
                text="",
                finish_reason="",
                error="not recorded",
            )
            for prompt in prompts
        ]

    def answer(self, questions: Sequence[AccuracyQuestion], concurrency: int = 8) -> list[Answer]:
        """The recorded answers to these questions."""
        self._pass("probe", 0.0)
        recorded_answers: dict[str, dict[str, Any]] = {}
        for recorded in [self._source, *self._probed_legs()]:
            for line in read_lines(recorded.folder / "accuracy.jsonl"):
                recorded_answers.setdefault(line["question_id"], line)
        return [
            Answer.model_validate(recorded_answers[question.question_id])
            if question.question_id in recorded_answers
            else Answer(
                question_id=question.question_id,
                expected=question.expected,
                predicted=None,
                correct=False,
                text="",
                error="not recorded",
            )
            for question in questions
        ]

    def _probed_legs(self) -> list[RecordedLeg]:
        return [recorded for recorded in self._driver.recording.legs if recorded.leg.config == self._source.leg.config]

    def profile(self, load: RoundLoad, steps: int, folder: Path) -> list[Path]:
        """Copies of the recorded traces."""
        copies = []
        for trace in sorted(self._driver.recording.root.glob("profile/traces/*.trace.json.gz")):
            copies.append(folder / trace.name)
            copies[-1].write_bytes(trace.read_bytes())
        if not copies:
            raise RoundFailed(Failure(kind="not_recorded", line="the recording holds no trace"))
        self.round(load)
        return copies

    def overlay(self) -> OverlayState:
        """As recorded."""
        lines = read_lines(self._source.folder / "engagement.jsonl")
        markers = [Marker.model_validate(line) for line in lines if line.get("operator") == "overlay"]
        return OverlayState(tuple(markers), dict(self._source.leg.modules))

    def close(self) -> float:
        """Hand over the recorded telemetry and stop."""
        if self._stopped is None:
            self._stopped = self._driver.now
            for line in read_lines(self._source.folder / "host.jsonl"):
                sample = HostSample.model_validate(line)
                moved = sample.t + self._shift
                if moved <= self._stopped + 1.0:
                    self._request.on_host_sample(sample.model_copy(update={"t": moved}))
        return self._stopped


def _pick(count: int, *key: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(key).encode()).digest()[:8], "big") % count
