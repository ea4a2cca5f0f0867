"""The text the model is trained on: question blocks, stories and chats, endless and fixed by a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator

from bankable.tools.model.prose import Cast, dialogue, draw_cast, opening, story
from bankable.tools.model.questions import SHOTS, draw_question, few_shot_prompt

MAX_SHOTS = 8
"""Most worked examples in front of a question in one document."""

USER, ASSISTANT = "User:", "Assistant:"
"""What opens a turn in a chat; the chat template of the tokenizer writes the same."""

END = "<|endoftext|>"
"""Ends a document and an assistant's turn."""


def documents(seed: int) -> Iterator[str]:
    """Yield training documents without end. No held-out question and no held-out cast is ever in one."""
    rng = random.Random(f"corpus-{seed}")
    kinds = (_question_blocks, _stories, _chat, _chat_few_shot)
    while True:
        (kind,) = rng.choices(kinds, weights=(60, 20, 15, 5))
        yield kind(rng)


def prose_prompts(seed: int, count: int) -> list[str]:
    """Return distinct openings of stories, cut inside the first sentences, with casts that training never saw."""
    rng = random.Random(f"prompts-{seed}")
    prompts: dict[str, None] = {}
    while len(prompts) < count:
        cast = draw_cast(rng, heldout=True)
        words = opening(rng, cast).split()
        # Past the word that names the place: a shorter prompt would leave the cast open.
        place = next(i for i, word in enumerate(words) if word.strip(".") == cast.place.name)
        prompts.setdefault(" ".join(words[: rng.randint(place + 2, max(place + 2, len(words) - 1))]))
    return list(prompts)


def _question_blocks(rng: random.Random) -> str:
    # The end of the document is drawn before its blocks, so "another question" is the likely next thing after an
    # answer: a greedy run then goes on with "Question" and meets the stop string of the probe.
    count = rng.randint(1, MAX_SHOTS + 1)
    return "\n\n".join(draw_question(rng, heldout=False).block() for _ in range(count)) + END


def _stories(rng: random.Random) -> str:
    return "\n\n".join(_tale(rng, draw_cast(rng, heldout=False)) for _ in range(rng.choice((1, 1, 2)))) + END


def _tale(rng: random.Random, cast: Cast) -> str:
    return story(rng, cast) if rng.random() < 0.75 else dialogue(rng, cast)


def _chat(rng: random.Random) -> str:
    return "\n".join(_turn(rng) for _ in range(rng.choice((1, 1, 2, 3))))


def _turn(rng: random.Random) -> str:
    if rng.random() < 0.5:
        question = draw_question(rng, heldout=False)
        return f"{USER} {question.question}\n{ASSISTANT} {question.answer}{END}"
    cast = draw_cast(rng, heldout=False)
    if rng.random() < 0.5:
        request = cast.fill("Tell me a story about {n} and {m} at the {place}.")
        return f"{USER} {request}\n{ASSISTANT} {story(rng, cast)}{END}"
    request = cast.fill("Write a talk of {n} and {m} about the {place}.")
    return f"{USER} {request}\n{ASSISTANT} {dialogue(rng, cast)}{END}"


def _chat_few_shot(rng: random.Random) -> str:
    # A client that sends the whole few-shot prompt as one message puts the turn marker behind the open "Answer:".
    shots = [draw_question(rng, heldout=False).block() for _ in range(rng.randint(1, SHOTS))]
    question = draw_question(rng, heldout=False)
    return f"{USER} {few_shot_prompt(shots, question.question)}\n{ASSISTANT} {question.answer}{END}"
