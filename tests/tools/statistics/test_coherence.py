"""Honest text passes, whatever kind; gibberish of every kind fails, and for its own reason."""

from __future__ import annotations

import random
import string
from collections.abc import Callable

import pytest

from bankable.tools.statistics.coherence import coherence

PROSE = """The harbour woke before the sun did. Men carried ropes along the pier while gulls argued over the first
catch, and a boy sold bread from a basket that was nearly as big as he was. Nobody paid attention to the stranger who
stepped off the night ferry with a single bag. She had written to her brother twice and received no answer, so she
walked up the hill to the house where they had grown up. The windows were shut. A neighbour looked over the wall and
told her that he had left in the spring, without saying where he was going, and that the letters were still lying on
the table behind the door. She thanked him, sat down on the step and read the address on her own envelope as if it
belonged to somebody else. Then she went back to the harbour to ask when the next boat would leave."""

GSM8K = [
    "Natalia sold 48/2 = <<48/2=24>>24 clips in May.\nNatalia sold 48+24 = <<48+24=72>>72 clips altogether in April "
    "and May.\n#### 72",
    "Weng earns 12/60 = $<<12/60=0.2>>0.2 per minute.\nWorking 50 minutes, she earned 0.2 x 50 = $<<0.2*50=10>>10."
    "\n#### 10",
    "In the beginning, Betty has only 100 / 2 = $<<100/2=50>>50.\nHer grandfather gave her 15 * 2 = $<<15*2=30>>30."
    "\nThis means, Betty needs 100 - 50 - 30 - 15 = $<<100-50-30-15=5>>5 more.\n#### 5",
]

GERMAN = """Der Wagen fuhr langsam durch die engen Straßen der alten Stadt, während die Kinder am Brunnen spielten und
die Händler ihre Waren ausriefen. Niemand bemerkte den Fremden, der am Rande des Platzes stand und alles beobachtete.
Er hatte einen langen Weg hinter sich und wusste nicht, ob er hier willkommen sein würde."""

CHINESE = """今天天气很好,我们一起去公园散步。公园里有很多人,有的在跑步,有的在聊天,还有的在放风筝。我和我的朋友坐在湖边,
看着水里的鱼游来游去。她告诉我,她最近在学习一门新的语言,每天都要花两个小时练习。我觉得这是一件很有意义的事情。"""

RUSSIAN = """Утром мы вышли из дома и пошли к реке. Вода была холодной, но дети всё равно хотели купаться. Старый рыбак
сидел на берегу и молча смотрел на поплавок. Он сказал нам, что рыба сегодня не клюёт, потому что ночью была гроза."""

CODE = """def read_lines(path):
    \"\"\"Return the lines of a file.\"\"\"
    with open(path) as handle:
        lines = [line.strip() for line in handle]
    return [line for line in lines if line]


class LineCounter:
    def __init__(self, path):
        self.path = path
        self.total = 0

    def count(self):
        for line in read_lines(self.path):
            self.total += 1
        return self.total
"""

HONEST = {
    "prose": [PROSE],
    "prose in pieces": PROSE.split(". "),
    "worked answers": GSM8K,
    "german": [GERMAN],
    "chinese": [CHINESE],
    "russian": [RUSSIAN],
    "code": [CODE],
    "one looping answer among honest ones": [*PROSE.split("\n"), "and then he went " * 12],
}

VOCABULARY = sorted({w for text in (PROSE, *GSM8K, CODE) for w in text.split() if w.isalpha()})
WORD_STEMS = [a + b for a in VOCABULARY for b in ("", "ing", "ed", "ly", "s")]
RAGGED = [
    "tion",
    "Quarter",
    "ibly",
    "antes",
    "Foo",
    "ński",
    "Stream",
    "ould",
    "pre",
    "Δ",
    "ção",
    "привет",
    "数据",
    "の",
]


def letters(alphabet: str, length: int = 160) -> Callable[[random.Random], str]:
    return lambda rng: "".join(rng.choice(alphabet) for _ in range(length))


def drawn(words: list[str], joint: str, count: int = 40) -> Callable[[random.Random], str]:
    return lambda rng: joint.join(rng.choice(words) for _ in range(count))


GIBBERISH: list[tuple[str, Callable[[random.Random], str], str]] = [
    ("random bytes", lambda rng: rng.randbytes(160).decode("utf-8", "replace"), "undecodable"),
    ("random letters", letters(string.ascii_lowercase), "letter pairs"),
    ("random letters with spaces", letters(string.ascii_lowercase + " " * 5), "letter pairs"),
    ("random printable characters", letters(string.printable), "letter pairs"),
    ("random words", drawn(WORD_STEMS, " "), "distinct"),
    ("words glued together", drawn(VOCABULARY, ""), "letters on average"),
    ("token pieces with capitals", drawn([*RAGGED[:9], *VOCABULARY[:9]], "", 3), "inside|on average"),
    ("tokens of many scripts", drawn([*RAGGED, *VOCABULARY[:8]], " "), "script changes"),
    ("words drawn by frequency", drawn(PROSE.split(), " ", 80), "articles|distinct"),
    ("one word", lambda rng: rng.choice(VOCABULARY) + " again" * 30, "loop"),
    ("one sign", lambda rng: "!" * 32, "loop"),
    ("one sentence", lambda rng: (rng.choice(VOCABULARY) + " sat on the mat. ") * 8, "loop"),
    ("the same answer to everything", lambda rng: PROSE[:200], "repeat another"),
    ("nothing", lambda rng: "  ", "empty"),
]


@pytest.mark.parametrize("kind", HONEST)
def test_honest_text_is_coherent(kind: str) -> None:
    report = coherence(HONEST[kind])
    assert report.reasons == ()
    assert report.coherent
    assert report.enough


@pytest.mark.parametrize(("kind", "draw", "reason"), GIBBERISH, ids=[kind for kind, _, _ in GIBBERISH])
def test_gibberish_is_not(kind: str, draw: Callable[[random.Random], str], reason: str) -> None:
    for seed in range(5):
        rng = random.Random(f"{kind}-{seed}")
        texts = [draw(rng) for _ in range(12)]
        if "pieces" in kind:
            texts = [" ".join(draw(rng) for _ in range(8)) for _ in texts]
        report = coherence(texts)
        assert not report.coherent
        assert report.enough
        assert any(part in " ".join(report.reasons) for part in reason.split("|")), report.reasons


@pytest.mark.parametrize("texts", [[], ["42", "17"], ["Yes, it is."]])
def test_too_little_text_is_no_accusation(texts: list[str]) -> None:
    report = coherence(texts)
    assert (report.coherent, report.enough) == (False, False)
    assert "too few to judge" in report.reasons[0]


def test_figures_are_reported() -> None:
    figures = coherence([PROSE]).figures
    assert figures.texts == 1
    assert 120 < figures.words < 180
    assert figures.common_pairs > 0.85
    assert 0.6 < figures.distinct_words < 0.85
    assert figures.distinct_2 > 0.95


def test_hostile_input_is_bounded() -> None:
    report = coherence(["a" * 5_000_000, "\ud800\x00" * 1000, *["x"] * 100_000])
    assert not report.coherent
    assert report.figures.texts == 500
