"""The origin of each kernel: the search, or a language model."""

from __future__ import annotations

from bankable.tools.report.reading import ReportReader, clean

MAX_OPERATORS = 50
SOURCES = {"llm": "llm", "search": "policy"}


def kernel_sources(reader: ReportReader) -> dict[str, str]:
    """``policy`` or ``llm`` by implementation; the first proposal counts. Empty where no model took part."""
    sources: dict[str, str] = {}
    for folder in reader.folders(reader.root / "ops", MAX_OPERATORS):
        for name in ("entered.jsonl", "search.jsonl"):
            for raw in reader.lines(folder / name, needed=False):
                source = SOURCES.get(clean(raw.get("source"), 20))
                if source is not None:
                    sources.setdefault(clean(raw.get("implementation"), 80), source)
    return sources
