"""A place that accepts nothing is tried once more at the end, and not as often as one that has accepted something."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event

import pytest

from bankable.tools.tracing.outbox import LAST_TRIES, Outbox, SendError
from bankable.tools.tracing.span import Span
from tests.tools.tracing.servers import wait_until
from tests.tools.tracing.spans import audit_in, run_of, within


class Place:
    """Counts what is sent to it and answers as it is told."""

    name = "Place"

    def __init__(self, answer: Callable[[int, Sequence[Span]], None]) -> None:
        self.answer, self.tries, self.interrupted = answer, 0, Event()

    def send(self, spans: Sequence[Span]) -> None:
        self.tries += 1
        self.answer(self.tries, spans)

    def interrupt(self) -> None:
        self.interrupted.set()


def refuse(number: int, spans: Sequence[Span]) -> None:
    raise SendError("Connection")


def test_a_dead_place_is_tried_once_at_the_end() -> None:
    place = Place(refuse)
    box = Outbox(place)
    box.put(run_of())
    assert box.close() == "Place: 1 of 1 records of the trace were not sent: Connection"
    assert place.tries == 1


def test_a_place_that_failed_before_is_tried_once_more_at_the_end() -> None:
    place = Place(refuse)
    box = Outbox(place)
    box.put(run_of())
    wait_until(lambda: place.tries == 1)
    box.close()
    assert place.tries == 2


def test_a_score_that_is_not_taken_yet_is_sent_again_a_bounded_number_of_times() -> None:
    def keep_score(number: int, spans: Sequence[Span]) -> None:
        raise SendError("scores: NotFound", [span for span in spans if span.score is not None])

    run = run_of()
    place = Place(keep_score)
    box = Outbox(place)
    box.put(run)
    box.put(audit_in(run))
    assert box.close() == "Place: 1 of 2 records of the trace were not sent: scores: NotFound"
    assert place.tries == LAST_TRIES


def test_a_place_that_recovers_at_the_end_gets_everything() -> None:
    def answer(number: int, spans: Sequence[Span]) -> None:
        if number == 1:
            raise SendError("Connection")

    run = run_of()
    place = Place(answer)
    box = Outbox(place)
    box.put(run)
    wait_until(lambda: place.tries == 1)
    box.put(within(run))
    assert box.close() == ""
    assert place.tries == 2


@pytest.mark.parametrize(("failed_before", "line"), [(True, "Connection"), (False, "no answer within 0 s")])
def test_a_place_that_does_not_answer_is_interrupted(failed_before: bool, line: str) -> None:
    stuck, release = Event(), Event()

    def answer(number: int, spans: Sequence[Span]) -> None:
        if failed_before and number == 1:
            raise SendError("Connection")
        stuck.set()
        release.wait()

    place = Place(answer)
    box = Outbox(place, flush_s=0.2)
    box.put(run_of())
    if failed_before:
        wait_until(lambda: place.tries == 1)
    box.finish()
    stuck.wait()
    assert box.close() == f"Place: 1 of 1 records of the trace were not sent: {line}"
    assert place.interrupted.is_set()
    release.set()
