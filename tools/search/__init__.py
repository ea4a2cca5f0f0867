"""Search over configurations: propose a trial, measure it, record the result."""

from bankable.tools.search.baselines import PlainTPE, RandomSearch
from bankable.tools.search.policy import SUGGESTED, SearchPolicy, SearchSettings
from bankable.tools.search.records import BestTrial, FinishedTrial, Trial, TrialOutcome
from bankable.tools.search.space import Dimension, SearchSpace, space_from_knobs
from bankable.tools.search.trial_log import Searcher

__all__ = [
    "SUGGESTED",
    "BestTrial",
    "Dimension",
    "FinishedTrial",
    "PlainTPE",
    "RandomSearch",
    "SearchPolicy",
    "SearchSettings",
    "SearchSpace",
    "Searcher",
    "Trial",
    "TrialOutcome",
    "space_from_knobs",
]
