"""The places of the stories, and the events that can happen there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """One place with the phrases that fit it. ``{n}`` is the person, ``{m}`` the friend, ``{p}`` he or she."""

    name: str
    acts: tuple[str, ...]
    """What one does there, after "went to the place and"."""
    scenes: tuple[str, ...]
    """Whole sentences that describe the place."""
    wishes: tuple[str, ...]
    """What the person wants, after "wanted to"."""
    turns: tuple[tuple[str, str], ...]
    """A trouble and the help that fits it, as whole sentences."""


PLACES = (
    Place(
        "market",
        ("bought some fresh bread", "looked at the red apples", "filled a basket with pears", "talked to the baker"),
        ("The market was full of people.", "The stalls were bright with fruit.", "A man sold warm cakes."),
        ("make a pie for dinner", "find a gift for a friend", "buy flowers for the table"),
        (
            ("But the basket was too heavy to carry.", "{m} took one side of it, and they carried it together."),
            ("But a coin fell under the stall.", "{m} found it with a long stick."),
            ("But it began to rain.", "{m} opened a big umbrella."),
        ),
    ),
    Place(
        "park",
        ("played with a ball", "sat on a green bench", "fed the ducks", "flew a yellow kite"),
        ("The grass was soft and green.", "Many birds sang in the trees.", "A small dog ran in circles."),
        ("climb the old tree", "win the race", "ride on the swing"),
        (
            ("But the ball rolled into the pond.", "{m} pulled it out with a branch."),
            ("But the kite got stuck in a tree.", "{m} climbed up and set it free."),
            ("But the swing was broken.", "{m} tied it with a strong rope."),
        ),
    ),
    Place(
        "school",
        ("read a new book", "drew a big map", "sat next to the window", "learned a song"),
        ("The room was warm and quiet.", "The teacher smiled at the class.", "The bell rang twice."),
        ("learn about the stars", "paint a picture", "write a long letter"),
        (
            ("But the pencil broke.", "{m} shared a new pencil."),
            ("But the book was missing a page.", "{m} knew the page by heart."),
            ("But the paint was dry.", "{m} added some water."),
        ),
    ),
    Place(
        "farm",
        ("fed the brown horse", "picked ripe berries", "counted the sheep", "helped the farmer"),
        ("The hens walked in the yard.", "The barn smelled of hay.", "A cow looked over the fence."),
        ("ride the horse", "see the baby goats", "bake a cake with fresh eggs"),
        (
            ("But the gate was open and a sheep ran away.", "{m} called it back with some hay."),
            ("But the horse was afraid.", "{m} sang to it until it was calm."),
            ("But the eggs were high in the barn.", "{m} brought a ladder."),
        ),
    ),
    Place(
        "river",
        ("caught a silver fish", "threw stones into the water", "built a small boat", "watched the frogs"),
        ("The water was clear and cold.", "The sun shone on the waves.", "Tall trees stood by the water."),
        ("cross to the other side", "swim before lunch", "sail the little boat"),
        (
            ("But the bridge was gone.", "{m} knew a safe way over the stones."),
            ("But the boat had a hole.", "{m} closed it with clay."),
            ("But the shoes got wet.", "{m} made a fire to dry them."),
        ),
    ),
    Place(
        "library",
        ("found a book about ships", "asked for a story", "sat in a soft chair", "returned two books"),
        ("The library was very quiet.", "The shelves were tall and full.", "A cat slept by the door."),
        ("read about old kings", "learn how birds fly", "find a book of jokes"),
        (
            ("But the book was on the top shelf.", "{m} held the chair, and {n} reached it."),
            ("But the lamp went out.", "{m} had a small light."),
            ("But the card was lost.", "{m} found it inside a book."),
        ),
    ),
    Place(
        "garden",
        ("planted some seeds", "watered the roses", "pulled up the weeds", "picked a ripe tomato"),
        ("The garden smelled sweet.", "Bees flew from flower to flower.", "The soil was dark and soft."),
        ("grow a tall sunflower", "make a salad", "build a home for the birds"),
        (
            ("But the ground was too hard.", "{m} brought a strong spade."),
            ("But the snails ate the leaves.", "{m} moved them to the old wall."),
            ("But there was no water.", "{m} filled a can at the well."),
        ),
    ),
    Place(
        "beach",
        ("built a castle of sand", "looked for white shells", "swam in the sea", "ate a cold ice cream"),
        ("The sand was warm.", "The waves were small that day.", "A ship passed far away."),
        ("find a pearl", "dig a deep hole", "sleep in the sun"),
        (
            ("But a wave washed the castle away.", "{m} helped to build a bigger one."),
            ("But the wind took the hat.", "{m} ran and caught it."),
            ("But the sun was too hot.", "{m} put up a tent."),
        ),
    ),
    Place(
        "kitchen",
        ("baked a sweet cake", "washed the cups", "cooked a pot of soup", "cut some carrots"),
        ("The kitchen was warm.", "The pots shone on the wall.", "Something smelled very good."),
        ("cook a dinner for all", "surprise the family", "try a new recipe"),
        (
            ("But there was no salt.", "{m} borrowed some from the neighbor."),
            ("But the soup was too hot.", "{m} said to wait a little."),
            ("But the jar would not open.", "{m} turned the lid with a cloth."),
        ),
    ),
    Place(
        "forest",
        ("followed a narrow path", "listened to an owl", "gathered dry wood", "saw a young deer"),
        ("The forest was dark and cool.", "The leaves were red and gold.", "Soft moss covered the stones."),
        ("find the old cabin", "see a fox", "climb to the top of the hill"),
        (
            ("But the path split in two.", "{m} had a map."),
            ("But it grew dark.", "{m} lit a lantern."),
            ("But a tree lay across the path.", "{m} showed a way around it."),
        ),
    ),
)
"""Every place of the stories."""
