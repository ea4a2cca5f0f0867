"""Which configuration to measure next: ask, measure, tell."""

from tools.search.baselines import PlainTPE, RandomSearch
from tools.search.book import Searcher
from tools.search.policy import SUGGESTED, SearchPolicy, Settings
from tools.search.records import Best, Outcome, Told, Trial
from tools.search.space import Dimension, SearchSpace, space_from_knobs

__all__ = [
    "SUGGESTED",
    "Best",
    "Dimension",
    "Outcome",
    "PlainTPE",
    "RandomSearch",
    "SearchPolicy",
    "SearchSpace",
    "Searcher",
    "Settings",
    "Told",
    "Trial",
    "space_from_knobs",
]
