"""A small byte-level tokenizer, trained on the corpus, with every digit a token of its own."""

from __future__ import annotations

from itertools import islice

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from bankable.tools.model.corpus import ASSISTANT, END, USER, documents

VOCABULARY = 1024
"""Entries of the vocabulary: 256 bytes, the merges and the special tokens."""
PAD = "<|pad|>"
SAMPLE = 6000
"""Documents the merges are learned from."""

WORDS = Regex(r"\d| ?[A-Za-z']+|\n+| ?[^\sA-Za-z\d']+|\s")
"""Pieces that no merge crosses. A single digit is a piece, so the model sees numbers as written, digit by digit."""

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'user' %}" + USER + " {{ message['content'] }}\n"
    "{% elif message['role'] == 'assistant' %}" + ASSISTANT + " {{ message['content'] }}" + END + "\n"
    "{% else %}{{ message['content'] }}\n{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}" + ASSISTANT + "{% endif %}"
)


def train_tokenizer(seed: int, context: int) -> PreTrainedTokenizerFast:
    """Learn the merges from the first documents of the corpus."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(WORDS, "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[END, PAD],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator(islice(documents(seed), SAMPLE), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        eos_token=END,
        pad_token=PAD,
        model_max_length=context,
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
    )
