"""Short stories and dialogues whose sentences follow from each other."""

from __future__ import annotations

import random
from dataclasses import dataclass

from bankable.tools.model.chance import is_heldout, lean
from bankable.tools.model.people import PEOPLE, Person
from bankable.tools.model.places import PLACES, Place

OPENINGS = (
    "{n} went to the {place} and {act}.",
    "One {weather} {time}, {n} went to the {place} with {m}. There {p} {act}.",
    "{n} and {m} walked to the {place} on a {weather} {time}. There {n} {act}.",
    "It was a {weather} {time}. {n} went to the {place} and {act}.",
)
WEATHERS = ("sunny", "cold", "windy", "bright")
TIMES = ("morning", "day", "afternoon", "evening")
FEELINGS = ("{n} was happy to be there.", "{n} liked it there.", "{p_} looked around for a while.")
CLOSINGS = (
    "Then they went home and told the whole story.",
    "They laughed and walked home together.",
    "In the evening {n} was tired but happy.",
    "From that day on, {n} and {m} were good friends.",
)
REPLIES = ("You are welcome", "I am glad to help", "That is what friends are for")


@dataclass(frozen=True)
class Cast:
    """Who is in a story and where it happens: the identity by which the prose is split."""

    hero: Person
    friend: Person
    place: Place

    @property
    def heldout(self) -> bool:
        """Whether stories with this cast stay out of training."""
        return is_heldout(self.hero.name, self.friend.name, self.place.name)

    def fill(self, text: str, **more: str) -> str:
        """Put the cast into a sentence with holes."""
        return text.format(
            n=self.hero.name,
            m=self.friend.name,
            p=self.hero.pronoun,
            p_=self.hero.pronoun.capitalize(),
            place=self.place.name,
            **more,
        )


def draw_cast(rng: random.Random, *, heldout: bool) -> Cast:
    """Draw a cast from one side of the split."""
    while True:
        hero = lean(rng, PEOPLE, 0.1)
        friend = lean(rng, [p for p in PEOPLE if p != hero])
        cast = Cast(hero, friend, lean(rng, PLACES, 0.1))
        if cast.heldout == heldout:
            return cast


def opening(rng: random.Random, cast: Cast) -> str:
    """Write the sentences that bring the person to the place."""
    return cast.fill(
        lean(rng, OPENINGS), act=lean(rng, cast.place.acts), weather=lean(rng, WEATHERS), time=lean(rng, TIMES)
    )


def story(rng: random.Random, cast: Cast) -> str:
    """Write one story: arrival, scene, wish, trouble, help, thanks and the way home."""
    trouble, help_ = lean(rng, cast.place.turns)
    wish = lean(rng, cast.place.wishes)
    sentences = [opening(rng, cast), lean(rng, cast.place.scenes)]
    if rng.random() < 0.3:
        sentences.append(cast.fill(lean(rng, FEELINGS)))
    sentences += [cast.fill("{n} wanted to {wish}.", wish=wish), trouble, cast.fill(help_)]
    sentences.append(cast.fill('"Thank you, {m}," said {n}. "{reply}," said {m}.', reply=lean(rng, REPLIES)))
    sentences.append(cast.fill("Now {n} could {wish}.", wish=wish))
    return " ".join([*sentences, cast.fill(lean(rng, CLOSINGS))])


def dialogue(rng: random.Random, cast: Cast) -> str:
    """Write a talk of two friends that names the wish, the trouble and the help in order."""
    trouble, help_ = lean(rng, cast.place.turns)
    lines = (
        '"Hello, {m}," said {n}. "Do you want to go to the {place} with me?"',
        '"Yes, I do," said {m}. "What do you want to do there?"',
        '"I want to {wish}," said {n}.',
        "So they went to the {place}. {scene} {trouble} {help}",
        '"Thank you, {m}," said {n}. "{reply}," said {m}.',
    )
    return "\n".join(
        cast.fill(line, wish=wish, scene=scene, trouble=trouble, help=cast.fill(help_), reply=reply)
        for wish, scene, reply in [(lean(rng, cast.place.wishes), lean(rng, cast.place.scenes), lean(rng, REPLIES))]
        for line in lines
    )
