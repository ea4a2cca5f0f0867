"""The training text: fixed by its seed, free of what is held out; and the folder that training left."""

from __future__ import annotations

import json
import random
import re
import struct
from itertools import islice
from pathlib import Path

from bankable.tools.model.chance import is_heldout, lean
from bankable.tools.model.corpus import END, documents, prose_prompts
from bankable.tools.model.people import PEOPLE
from bankable.tools.model.places import PLACES
from bankable.tools.model.prose import Cast, dialogue, draw_cast, story
from bankable.tools.model.questions import draw_set

SHIPPED = Path(__file__).parents[3] / "tools" / "model" / "shipped"
TOM_AND_ANNA = Cast(PEOPLE[0], PEOPLE[10], PLACES[0])


def test_the_same_seed_gives_the_same_text_and_another_seed_another() -> None:
    first, again, other = (list(islice(documents(seed), 50)) for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_every_document_ends_with_the_end_mark() -> None:
    assert all(text.endswith(END) for text in islice(documents(4), 300))


def test_no_heldout_question_is_in_the_text() -> None:
    text = "".join(islice(documents(0), 3000))
    train, heldout = (draw_set(0, 1000, heldout=side) for side in (False, True))
    assert [q.question for q in heldout if q.question in text] == []
    # Shows that the look-up can find a question at all: the training side does meet its own text.
    assert sum(q.question in text for q in train) > 0


def test_no_heldout_cast_meets_in_a_document() -> None:
    request = re.compile(r"(?:story about|talk of) (\w+) and (\w+) (?:at|about) the (\w+)\.")
    casts = {match for text in islice(documents(0), 3000) for match in request.findall(text)}
    assert len(casts) > 200
    assert [cast for cast in casts if is_heldout(*cast)] == []


def test_prompts_are_distinct_name_a_person_and_a_place_and_stop_before_the_story() -> None:
    prompts = prose_prompts(0, 60)
    assert prompts == prose_prompts(0, 60)
    assert prompts != prose_prompts(1, 60)
    assert len(set(prompts)) == 60
    for prompt in prompts:
        assert any(person.name in prompt for person in PEOPLE)
        assert any(f"the {place.name}" in prompt for place in PLACES)
        assert "wanted" not in prompt
        assert len(prompt.split()) < 25


def test_a_story_keeps_its_cast_and_its_wish() -> None:
    text = story(random.Random(1), TOM_AND_ANNA)
    assert {p.name for p in PEOPLE if re.search(rf"\b{p.name}\b", text)} == {"Tom", "Anna"}
    wish = re.search(r"Tom wanted to (.*?)\.", text)
    assert wish is not None
    assert f"Now Tom could {wish[1]}." in text
    trouble = next((t, h) for t, h in TOM_AND_ANNA.place.turns if t in text)
    assert f"{trouble[0]} {trouble[1].format(n='Tom', m='Anna')}" in text


def test_a_dialogue_has_no_open_holes_and_keeps_the_order() -> None:
    lines = dialogue(random.Random(2), TOM_AND_ANNA).split("\n")
    assert len(lines) == 5
    assert lines[0] == '"Hello, Anna," said Tom. "Do you want to go to the market with me?"'
    assert not re.search(r"[{}]", "".join(lines))


def test_a_drawn_cast_lies_on_the_asked_side() -> None:
    rng = random.Random(0)
    assert [draw_cast(rng, heldout=side).heldout for side in (True, False, True)] == [True, False, True]


def test_a_leaning_choice_prefers_the_first_option_and_reaches_the_others() -> None:
    rng = random.Random(0)
    drawn = [lean(rng, "abcd", 0.3) for _ in range(4000)]
    assert 0.44 < drawn.count("a") / 4000 < 0.51
    assert all(0.14 < drawn.count(option) / 4000 < 0.21 for option in "bcd")


def test_about_one_identity_in_eight_is_held_out() -> None:
    share = sum(is_heldout("x", number) for number in range(8000)) / 8000
    assert 0.11 < share < 0.14


def test_the_shipped_folder_is_small_and_complete() -> None:
    sizes = {path.name: path.stat().st_size for path in SHIPPED.iterdir()}
    assert sum(sizes.values()) <= 8 * 2**20
    assert {
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "questions_train.jsonl",
        "questions_heldout.jsonl",
        "MODEL_CARD.md",
    } <= set(sizes)


def test_the_shipped_weights_are_bfloat16_and_fill_their_file() -> None:
    with (SHIPPED / "model.safetensors").open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    header.pop("__metadata__")
    assert {entry["dtype"] for entry in header.values()} == {"BF16"}
    assert header["model.embed_tokens.weight"]["shape"] == [1024, 256]
    end = max(entry["data_offsets"][1] for entry in header.values())
    assert 8 + length + end == (SHIPPED / "model.safetensors").stat().st_size


def test_the_shipped_configuration_is_the_described_architecture() -> None:
    config = json.loads((SHIPPED / "config.json").read_text(encoding="utf-8"))
    assert config["architectures"] == ["Qwen3ForCausalLM"]
    assert (config["hidden_size"], config["num_hidden_layers"], config["head_dim"]) == (256, 4, 64)
    assert config["tie_word_embeddings"] is True
    tokenizer = json.loads((SHIPPED / "tokenizer.json").read_text(encoding="utf-8"))
    special = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    assert config["eos_token_id"] == special[END]
    assert max(tokenizer["model"]["vocab"].values()) < config["vocab_size"]
