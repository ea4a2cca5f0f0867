"""Tests whether a model's output is coherent text, without a model or a dictionary.

Byte parity with a reference that decodes gibberish proves nothing (Q01). Every test below looks for one kind of
gibberish and stays silent where it has too little text; together they must let honest answers of small models,
arithmetic and other languages pass. What they cannot see: fluent nonsense.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from bankable.tools.statistics import letters
from bankable.tools.statistics.loops import compression_ratio, distinct_share, loop_period

LEAST_WORDS = 30
"""Words in all, below which texts are not called coherent."""

_WINDOW = 80
_LONGEST_TEXT = 4_000
_MOST_TEXTS = 500
_DETERMINERS = frozenset({"the", "a", "an", "my", "your", "their", "our", "its"})
_NEVER_AFTER = frozenset(
    [
        *("the", "a", "an", "of", "and", "to", "in", "is", "was", "are", "were", "be", "he", "she", "it", "they"),
        *("that", "for", "with", "on", "at", "by", "from", "but", "or", "as", "his"),
    ]
)


@dataclass(frozen=True)
class TextFigures:
    """What was measured over all texts together; shares are fractions."""

    texts: int
    words: int
    empty: float
    looping: float
    """Of the texts long enough to loop."""
    same: float
    """Texts, of those with five words or more, that repeat an earlier text: answers that ignore the prompt."""
    junk: float
    common_pairs: float
    distinct_words: float
    """Mean share of distinct words in windows of 80: about 0.7 in prose, nearly 1 in words drawn at random; 0 if too
    short."""
    distinct_2: float
    distinct_3: float
    """Mean share of distinct word n-grams in a text."""
    compression: float
    """Compressed over plain size of all texts together."""
    mean_word: float
    """Letters per Latin word."""
    inner_capitals: float
    script_changes: float
    bad_articles: float
    """English articles followed by a word that cannot follow one."""


@dataclass(frozen=True)
class CoherenceReport:
    """Whether the texts are text."""

    coherent: bool
    enough: bool
    """False when there was too little text to say; then ``coherent`` is False as well, without an accusation."""
    reasons: tuple[str, ...]
    """What speaks against, each with its figure; empty when coherent."""
    figures: TextFigures


def coherence(texts: Sequence[str]) -> CoherenceReport:
    """Judge decoded answers to different prompts, one repeat of each; reads 500 texts, of each 4,000 characters."""
    taken = [text[:_LONGEST_TEXT] for text in texts[:_MOST_TEXTS]]
    split = [letters.words(text) for text in taken]
    figures = _measure(taken, split)
    against = _reasons(figures, taken, [word for answer_words in split for word in answer_words])
    enough = bool(against) or figures.words >= LEAST_WORDS
    if not enough:
        against = [f"only {figures.words} words in {figures.texts} texts, too few to judge"]
    return CoherenceReport(not against, enough, tuple(against), figures)


def _measure(texts: Sequence[str], split: Sequence[Sequence[str]]) -> TextFigures:
    pooled = [word for answer_words in split for word in answer_words]
    lower = [[word.lower() for word in answer_words] for answer_words in split]
    latin = [word for word in pooled if letters.script(word[0]) == "LATIN"]
    filled = [text for text in texts if text.strip()]
    able = [(text, answer_words) for text, answer_words in zip(texts, lower, strict=True) if len(text.strip()) >= 24]
    answers = [" ".join(answer_words) for answer_words in lower if len(answer_words) >= 5]
    everything = "\n".join(texts)
    flat = [word for answer_words in lower for word in answer_words]
    windows = [flat[i : i + _WINDOW] for i in range(0, len(flat) - _WINDOW + 1, _WINDOW)]
    return TextFigures(
        texts=len(texts),
        words=len(pooled),
        empty=1.0 - len(filled) / len(texts) if texts else 0.0,
        looping=fmean(_loops(text, answer_words) for text, answer_words in able) if able else 0.0,
        same=1.0 - len(set(answers)) / len(answers) if answers else 0.0,
        junk=letters.junk_share(everything),
        common_pairs=letters.common_pair_share(everything)[0],
        distinct_words=fmean(len(set(window)) / len(window) for window in windows) if windows else 0.0,
        distinct_2=_mean_distinct(lower, 2),
        distinct_3=_mean_distinct(lower, 3),
        compression=compression_ratio(everything),
        mean_word=fmean(len(word) for word in latin) if latin else 0.0,
        inner_capitals=letters.inner_capital_share(latin),
        script_changes=letters.script_change_share(pooled),
        bad_articles=_bad_articles(lower)[0],
    )


def _reasons(figures: TextFigures, texts: Sequence[str], pooled: Sequence[str]) -> list[str]:
    everything = "\n".join(texts)
    latin = sum(letters.script(word[0]) == "LATIN" for word in pooled)
    english_letters = sum(len(word) for word in pooled if word.isascii()) >= 0.97 * sum(map(len, pooled))
    pairs = letters.common_pair_share(everything)[1]
    articles = _bad_articles([[word.lower() for word in letters.words(text)] for text in texts])[1]
    tests = (
        (figures.texts > 0 and figures.empty > 0.5, f"{figures.empty:.0%} of the texts are empty"),
        (figures.looping > 0.5, f"{figures.looping:.0%} of the texts loop"),
        (figures.texts >= 4 and figures.same > 0.5, f"{figures.same:.0%} of the texts repeat another text"),
        (len(everything) >= 40 and figures.junk > 0.02, f"{figures.junk:.0%} of the characters are undecodable"),
        (
            pairs >= 80 and english_letters and figures.common_pairs < 0.65,
            f"{figures.common_pairs:.0%} of the letter pairs are common ones, prose has about 90 %",
        ),
        (
            figures.distinct_words > 0.9,
            f"{figures.distinct_words:.0%} of the words in a window are distinct, prose has about 70 %",
        ),
        (latin >= 5 and figures.mean_word > 12.0, f"a word has {figures.mean_word:.1f} letters on average"),
        (
            latin >= 40 and figures.inner_capitals > 0.12,
            f"{figures.inner_capitals:.0%} of the words have a capital inside",
        ),
        (
            len(pooled) >= 40 and figures.script_changes > 0.2,
            f"the script changes at {figures.script_changes:.0%} of the words",
        ),
        (
            articles >= 12 and figures.bad_articles > 0.15,
            f"{figures.bad_articles:.0%} of the articles stand before a word that cannot follow one",
        ),
    )
    return [reason for holds, reason in tests if holds]


def _loops(text: str, answer_words: Sequence[str]) -> bool:
    if loop_period(text.strip()) is not None or (len(text) >= 60 and compression_ratio(text) < 0.2):
        return True
    return len(answer_words) >= 12 and (
        loop_period(answer_words, 0.6) is not None or distinct_share(answer_words, 3) < 0.35
    )


def _mean_distinct(split: Sequence[Sequence[str]], n: int) -> float:
    able = [distinct_share(answer_words, n) for answer_words in split if len(answer_words) >= n]
    return fmean(able) if able else 1.0


def _bad_articles(split: Sequence[Sequence[str]]) -> tuple[float, int]:
    after = [b for answer_words in split for a, b in pairwise(answer_words) if a in _DETERMINERS]
    return (sum(word in _NEVER_AFTER for word in after) / len(after) if after else 0.0), len(after)
