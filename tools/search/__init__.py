"""Which configuration to measure next: ask, measure, tell."""

from bankable.tools.search.baselines import PlainTPE, RandomSearch
from bankable.tools.search.policy import SUGGESTED, SearchPolicy, Settings
from bankable.tools.search.records import Best, Outcome, Told, Trial
from bankable.tools.search.space import Dimension, SearchSpace, space_from_knobs
from bankable.tools.search.trial_log import Searcher

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
