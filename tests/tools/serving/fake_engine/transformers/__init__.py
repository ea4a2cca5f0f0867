"""A tokenizer loader that refuses to run code that comes with a model, and counts how often it is asked."""


class Tokenizer:
    chat_template = None
    vocab_size = 1000


class AutoTokenizer:
    loads = 0

    @classmethod
    def from_pretrained(cls, name: str, trust_remote_code: bool) -> Tokenizer:
        assert trust_remote_code is False
        cls.loads += 1
        assert cls.loads == 1, "the tokenizer must be kept between jobs"
        return Tokenizer()
