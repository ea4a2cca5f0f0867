"""The bundle is the union of its levers, the later one wins."""

from __future__ import annotations

from bankable.nodes.validator import bundle_name, union
from bankable.tools.evidence.records import Lever, OverlayPart

DIGEST = "0" * 64


def part(name: str) -> OverlayPart:
    return OverlayPart(implementation=name, digest=DIGEST, source_digest=DIGEST)


def test_flags_variables_and_operators_are_united() -> None:
    levers = [
        Lever(flags={"a": 1, "b": 2}, overlays={"rms_norm": part("one")}),
        Lever(flags={"b": 3}, env={"X": "1"}, overlays={"silu_and_mul": part("two")}),
    ]
    assert union(levers) == Lever(
        flags={"a": 1, "b": 3}, env={"X": "1"}, overlays={"rms_norm": part("one"), "silu_and_mul": part("two")}
    )


def test_a_second_validation_has_a_name_of_its_own() -> None:
    assert [bundle_name(attempt) for attempt in (1, 2)] == ["bundle", "bundle-2"]
