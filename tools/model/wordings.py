"""The word problems as sentences with holes.

``{n}`` and ``{m}`` are names, ``{i}`` is a thing that can be counted, ``{a} {b} {c}`` are the numbers of the question,
``{s}`` and ``{t}`` the first and the second equation written out, ``{r}`` the result of the first.
"""

from __future__ import annotations

from dataclasses import dataclass

ITEMS = (
    "apples",
    "books",
    "cards",
    "coins",
    "shells",
    "pencils",
    "marbles",
    "stickers",
    "eggs",
    "toys",
    "stamps",
    "cookies",
)


@dataclass(frozen=True)
class Wording:
    """One word problem and its worked answer, with holes."""

    shape: str
    """Key into ``SHAPES``."""
    question: str
    """The question, with holes."""
    answer: str
    """The worked steps, without the last line that repeats the number."""


WORDINGS = (
    Wording("add", "{n} has {a} {i}. {m} gives {n} {b} more {i}. How many {i} does {n} have now?", "{n} has {s} {i}."),
    Wording(
        "add",
        "{n} finds {a} {i} on Monday and {b} {i} on Friday. How many {i} does {n} find in all?",
        "{n} finds {s} {i}.",
    ),
    Wording(
        "add", "{n} has {a} {i} and {m} has {b} {i}. How many {i} do they have together?", "Together they have {s} {i}."
    ),
    Wording(
        "add",
        "There are {a} {i} in a box. {n} puts {b} {i} into the box. How many {i} are in the box?",
        "The box has {s} {i}.",
    ),
    Wording(
        "sub", "{n} has {a} {i}. {n} gives {b} {i} to {m}. How many {i} does {n} have left?", "{n} has {s} {i} left."
    ),
    Wording(
        "sub",
        "There are {a} {i} on a table. {n} takes {b} of them. How many {i} are left on the table?",
        "The table has {s} {i} left.",
    ),
    Wording(
        "sub", "{n} has {a} {i}. {m} has {b} {i}. How many more {i} does {n} have than {m}?", "{n} has {s} more {i}."
    ),
    Wording("sub", "{n} had {a} {i} but lost {b}. How many {i} does {n} still have?", "{n} still has {s} {i}."),
    Wording("mul", "{n} has {a} boxes. Each box holds {b} {i}. How many {i} does {n} have?", "{n} has {s} {i}."),
    Wording("mul", "{n} buys {b} {i} every day. How many {i} does {n} buy in {a} days?", "{n} buys {s} {i}."),
    Wording(
        "mul",
        "There are {a} children. {n} gives {b} {i} to each child. How many {i} does {n} give away?",
        "{n} gives away {s} {i}.",
    ),
    Wording(
        "div",
        "{n} shares {a} {i} equally among {b} friends. How many {i} does each friend get?",
        "Each friend gets {s} {i}.",
    ),
    Wording("div", "{n} packs {a} {i} into bags of {b}. How many bags does {n} need?", "{n} needs {s} bags."),
    Wording(
        "add_add",
        "{n} has {a} red {i}, {b} blue {i} and {c} green {i}. How many {i} does {n} have?",
        "First {s} {i}. Then {t} {i}.",
    ),
    Wording(
        "add_add",
        "{n} buys {a} {i}. {m} gives {n} {b} {i}. Then {n} finds {c} {i}. How many {i} are there?",
        "First {n} has {s} {i}. Then {n} has {t} {i}.",
    ),
    Wording(
        "add_sub",
        "{n} has {a} {i} and buys {b} more. Then {n} gives {c} to {m}. How many {i} does {n} have left?",
        "First {n} has {s} {i}. Then {n} has {t} {i} left.",
    ),
    Wording(
        "add_sub",
        "{n} and {m} have {a} and {b} {i}. They sell {c} of them. How many {i} are left?",
        "Together they have {s} {i}. After the sale {t} {i} are left.",
    ),
    Wording(
        "sub_add",
        "{n} has {a} {i}. {n} loses {b} and then finds {c} new ones. How many {i} does {n} have?",
        "After the loss {n} has {s} {i}. Then {n} has {t} {i}.",
    ),
    Wording(
        "sub_add",
        "A bag holds {a} {i}. {n} takes out {b}. {m} puts in {c}. How many {i} are in the bag?",
        "First the bag has {s} {i}. Then the bag has {t} {i}.",
    ),
    Wording(
        "sub_sub",
        "{n} has {a} {i}. {n} gives {b} to {m} and loses {c}. How many {i} does {n} have left?",
        "First {n} has {s} {i}. Then {n} has {t} {i} left.",
    ),
    Wording(
        "sub_sub",
        "A shop has {a} {i}. It sells {b} in the morning and {c} at night. How many {i} are left?",
        "After the morning {s} {i} are left. After the night {t} {i} are left.",
    ),
    Wording(
        "mul_add",
        "{n} has {a} bags with {b} {i} each. {m} gives {n} {c} more. How many {i} does {n} have?",
        "The bags hold {s} {i}. Then {n} has {t} {i}.",
    ),
    Wording(
        "mul_add",
        "There are {a} rows of {b} {i} and {c} more on the floor. How many {i} does {n} see?",
        "The rows have {s} {i}. In all {n} sees {t} {i}.",
    ),
    Wording(
        "mul_sub",
        "{n} buys {a} boxes of {b} {i}. {n} gives {c} {i} to {m}. How many {i} does {n} have left?",
        "The boxes hold {s} {i}. Then {n} has {t} {i} left.",
    ),
    Wording(
        "mul_sub",
        "{n} makes {b} {i} a day for {a} days and sells {c}. How many {i} does {n} have left?",
        "{n} makes {s} {i}. After the sale {n} has {t} {i} left.",
    ),
)
"""Every word problem; the position is its number in the identity of a question, so new ones go to the end."""
