"""The replaced operator ran in every worker, as declared, and on the candidate only (E01 E02 E03 E04 E05 E06 E07 E08).

Per candidate leg and operator: a marker from the executed branch of every worker, with the declared implementation and
source (E01), live launch parameters as tuned (E02), table look-ups that hit (E03), one overlay folder on the path
(E04), calls inside captured graphs where the server captures them (E06). Without a marker, an error of exactly 0.0
means that the original implementation answered (E05). Per block: the patch point resolves to two
files, the candidate's to the declared one (E08). In scope bundle the same is asked of the assembled bundle's own legs
(E07)."""

from __future__ import annotations

from collections.abc import Iterator

from bankable.nodes.auditor.case import Case
from bankable.nodes.auditor.reading.view import BlockView, LegView
from bankable.nodes.auditor.rule import GAINS, Found, NotApplicable, Outcome, Rule, Unverifiable, at, fail, flag
from bankable.tools.evidence.overlay import Marker
from bankable.tools.evidence.records import OverlayPart, Scalar

HITS = 0.9
"""Share of look-ups below which a tuned table is the wrong table."""
ADVICE = "bind the overlay to the attribute that the live path calls, and prove it by markers before measuring"


def check(case: Case) -> Iterator[Outcome]:
    if case.sold_as_kernel and not case.lever.names():
        fix = "give the overlay and engagement markers from inside the server"
        what = "the kernel's source, and that it ran in the candidate's server"
        yield Unverifiable(what, (at(case.candidate_file),), fix=fix)
        return
    if not case.lever.overlays:
        yield NotApplicable("the lever replaces no operator")
        return
    seen: set[tuple[str, str]] = set()
    for block in case.blocks:
        for name, part in sorted(case.lever.overlays.items()):
            for outcome in (*_markers(case, block.candidate, name, part), *_modules(case, block, name, part)):
                key = name, outcome.code
                if key not in seen:
                    seen.add(key)
                    yield outcome


def _markers(case: Case, leg: LegView, name: str, part: OverlayPart) -> Iterator[Found | Unverifiable]:
    where = at(leg.path("engagement.jsonl"))
    markers = [marker for marker in leg.markers if marker.name == name]
    ran = [marker for marker in markers if marker.engaged and marker.eager_calls + marker.captured_calls > 0]
    lost = ("E07", "E01") if case.scope == "bundle" else ("E01",)
    if not ran and any(marker.error_vs_live == 0.0 for marker in markers):
        yield fail(
            f"{name} answered by {part.implementation}",
            "no marker, and an error of exactly 0.0 against live",
            ADVICE,
            where,
            modes=("E05", *lost),
            code="silent_fallback",
        )
        return
    workers, wanted = {marker.worker for marker in ran}, _workers(leg)
    if len(workers) < wanted:
        yield fail(
            f"{name} marked by {wanted} workers",
            f"{leg.name}: by {len(workers)} ({', '.join(sorted(workers))})"[:300],
            ADVICE,
            where,
            modes=lost,
            code="dropped_by_bundle" if case.scope == "bundle" else "not_engaged",
        )
    graphs = _graphs(leg)
    if graphs is None:
        yield Unverifiable(f"whether the server of {leg.name} captures graphs", (at(leg.path("server_info.json")),))
    for marker in ran:
        yield from _live(leg, name, part, marker)
        if graphs and marker.captured_calls == 0:
            yield fail(
                f"{name} called while graphs were captured",
                f"{marker.worker}: {marker.eager_calls} eager calls only",
                "make the replacement safe under capture: what is captured is what the server replays",
                where,
                modes=("E06",),
                code="not_captured",
            )


def _live(leg: LegView, name: str, part: OverlayPart, marker: Marker) -> Iterator[Found | Unverifiable]:
    where = at(leg.path("engagement.jsonl"))
    if (marker.resolved, marker.source_digest) != (part.implementation, part.source_digest):
        yield fail(
            f"{name}: {part.implementation} from {part.source_digest[:12]}",
            f"{marker.worker}: {marker.resolved} from {(marker.source_digest or 'nowhere')[:12]}"[:300],
            ADVICE,
            where,
            modes=("E01",),
            code="other_implementation",
        )
    other = [key for key, value in sorted(part.parameters.items()) if not _same(marker.parameters.get(key), value)]
    if other:
        key = other[0]
        yield fail(
            f"{name}: {key} = {part.parameters[key]} as tuned"[:300],
            f"{marker.worker}: {key} = {marker.parameters.get(key)}"[:300],
            "pass the tuned values to the launch itself, and let the marker print what was launched",
            where,
            modes=("E02",),
            code="other_parameters",
        )
    if part.table:
        yield from _table(leg, name, marker)
    if len(marker.overlays) > 1:
        yield fail(
            "one folder with a sitecustomize on the path",
            f"{marker.worker}: {', '.join(marker.overlays)}"[:300],
            "compose overlays into one folder: only the first sitecustomize runs",
            where,
            modes=("E04",),
            code="dead_overlay",
        )


def _same(live: Scalar | None, tuned: Scalar) -> bool:
    """Equal as text or as a number: a kernel prints a switch as 1, and a whole number as 4.0."""
    return str(live) == str(tuned) or live == tuned


def _table(leg: LegView, name: str, marker: Marker) -> Iterator[Found | Unverifiable]:
    where = at(leg.path("engagement.jsonl"))
    if not marker.table_lookups or marker.table_hits is None:
        yield Unverifiable(f"look-ups and hits of the table of {name}", (where,), code="table_unknown")
    elif marker.table_hits < HITS * marker.table_lookups:
        weigh = flag if marker.table_hits else fail
        yield weigh(
            f"look-ups of {name} that hit",
            f"{marker.worker}: {marker.table_hits} of {marker.table_lookups}",
            "key the table by the shapes that the server calls with",
            where,
            modes=("E03",),
            code="table_misses",
        )


def _modules(case: Case, block: BlockView, name: str, part: OverlayPart) -> Iterator[Found | Unverifiable]:
    reference, candidate = block.reference.record, block.candidate.record
    if reference is None or candidate is None:
        return
    where = at(block.reference.path("leg.json")), at(block.candidate.path("leg.json"))
    before, after = reference.modules.get(name), candidate.modules.get(name)
    same = reference.overlay_digest is not None and reference.overlay_digest == candidate.overlay_digest
    ran = any(
        marker.engaged
        for marker in block.reference.markers
        if marker.name == name and marker.resolved == part.implementation
    )
    if ran or same or (before is not None and before in (after, part.source_digest)):
        yield fail(
            f"a reference without {name} = {part.implementation}",
            "both legs resolve to the change",
            "start the reference without the overlay on its path",
            *where,
            modes=("E08",),
            code="both_engaged",
        )
    elif before is None or after is None:
        yield Unverifiable(f"digest of the file that {name} resolves to, on both legs", where, code="no_module_digest")
    elif after != part.source_digest:
        yield fail(
            f"{name} from {part.source_digest[:12]}",
            f"{after[:12]} on {block.candidate.name}",
            ADVICE,
            *where,
            modes=("E08", "E01"),
            code="other_module",
        )
    if len(case.lever.overlays) == 1 and candidate.overlay_digest != part.digest:
        yield fail(
            f"overlay {part.digest[:12]}",
            f"{(candidate.overlay_digest or 'none')[:12]} on {block.candidate.name}",
            "launch every candidate with the declared overlay",
            where[1],
            modes=("E08", "E07"),
            code="other_overlay",
        )


def _workers(leg: LegView) -> int:
    """Processes that hold a part of the model."""
    info = leg.server_info or {}
    sizes = [info.get(key) for key in ("tp_size", "pp_size")]
    tensor, pipeline = (size if isinstance(size, int) and 1 <= size <= 4096 else 1 for size in sizes)
    return tensor * pipeline


def _graphs(leg: LegView) -> bool | None:
    """Whether the server captures its decode steps; ``None`` when unknown."""
    if leg.record is None or leg.record.device == "cpu":
        return False
    disabled = (leg.server_info or {}).get("disable_cuda_graph")
    return None if not isinstance(disabled, bool) else not disabled


rule = Rule(
    "kernel_engagement",
    GAINS,
    ("E01", "E02", "E03", "E04", "E05", "E06", "E07", "E08"),
    ("lever", "rounds", "server_info"),
    check,
    gate=True,
)
