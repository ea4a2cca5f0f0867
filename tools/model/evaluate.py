"""Measure the accuracy of a trained folder with transformers: ``python -m bankable.tools.model.evaluate --model DIR``.

The probe of the engine asks the same way: five worked examples, greedy decoding, stop at the next question, the last
number of the text is the answer.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from bankable.tools.model.questions import SHOTS, block, few_shot_prompt

NEW_TOKENS = 64
"""Longest answer; a worked answer of the set takes about 30 tokens."""

Item = dict[str, str]


def read_jsonl(path: Path) -> list[Item]:
    """Read a question set."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def prompts_for(pool: list[Item], items: list[Item], seed: int) -> list[str]:
    """Build the prompts; every question gets its own five examples."""
    rng = random.Random(f"shots-{seed}")
    prompts = []
    for item in items:
        blocks = [block(shot["question"], shot["answer"]) for shot in rng.sample(pool, SHOTS)]
        prompts.append(few_shot_prompt(blocks, item["question"]))
    return prompts


def last_number(text: str) -> int | None:
    """Return the last whole number before the next question, or None where there is none."""
    numbers = re.findall(r"\d+", text.partition("Question")[0])
    return int(numbers[-1]) if numbers else None


def answer(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompts: list[str]) -> list[str]:
    """Decode a batch greedily."""
    batch = tokenizer(prompts, return_tensors="pt", padding=True, padding_side="left", return_token_type_ids=False)
    with torch.inference_mode():
        out = model.generate(**batch, max_new_tokens=NEW_TOKENS, do_sample=False)
    texts: list[str] = tokenizer.batch_decode(out[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    return texts


def main() -> None:
    """Read the command line, ask, print the share of right answers and the wrong ones."""
    parser = argparse.ArgumentParser(description="Five-shot greedy accuracy on the held-out questions.")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--batch", type=int, default=25)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(options.model)
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.bfloat16).eval()
    questions = read_jsonl(options.model / "questions_heldout.jsonl")[: options.count]
    prompts = prompts_for(read_jsonl(options.model / "questions_train.jsonl"), questions, options.seed)
    right = 0
    for start in range(0, len(questions), options.batch):
        texts = answer(model, tokenizer, prompts[start : start + options.batch])
        for item, text in zip(questions[start : start + options.batch], texts, strict=True):
            good = last_number(text) == int(item["answer"].rsplit("#### ", 1)[1])
            right += good
            if not good:
                print(json.dumps({**item, "text": text.partition("Question")[0]}))
    print(json.dumps({"right": right, "asked": len(questions), "accuracy": right / len(questions)}))


if __name__ == "__main__":
    main()
