"""Train the shipped model from nothing: ``python -m bankable.tools.model.train --out DIR --seed 0``.

Runs under the engine's interpreter. The text, the tokenizer, the first weights and the order of the batches follow from
the seed; the same machine with the same number of threads gives the same weights.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean

import torch
from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from bankable.tools.model.corpus import documents
from bankable.tools.model.questions import draw_set, write_jsonl
from bankable.tools.model.tokenizer import VOCABULARY, train_tokenizer

CONTEXT = 4096
"""Positions the configuration allows. Training sees ``TrainingRecipe.row`` of them."""
POOL, HELDOUT = 400, 1200
"""Questions in the few-shot pool and in the held-out set."""


@dataclass(frozen=True)
class TrainingRecipe:
    """What a training run does."""

    seed: int
    steps: int
    threads: int
    """CPU threads. Sums are split by thread, so only the same number gives the same weights."""
    rows: int = 8
    """Rows in a batch."""
    row: int = 512
    """Tokens in a row."""
    matrix_rate: float = 3e-3
    """Peak learning rate of the layers' matrices (Muon)."""
    other_rate: float = 3e-3
    """Peak learning rate of the embedding and the norms (AdamW)."""
    warmup: int = 30
    """Steps until the peak."""
    decay: float = 0.5
    """Share of the steps at the end over which the rate falls linearly to zero."""

    def rate(self, step: int) -> float:
        """The factor on the peak rates at a step."""
        left = (self.steps - step) / (self.decay * self.steps)
        return min(1.0, (step + 1) / self.warmup, left)


def new_model(tokenizer: PreTrainedTokenizerFast) -> Qwen3ForCausalLM:
    """Build the architecture with random weights."""
    return Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=VOCABULARY,
            hidden_size=256,
            intermediate_size=512,
            num_hidden_layers=4,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=64,
            max_position_embeddings=CONTEXT,
            tie_word_embeddings=True,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=None,
        )
    )


def batches(recipe: TrainingRecipe, tokenizer: PreTrainedTokenizerFast) -> Iterator[torch.Tensor]:
    """Yield batches of token rows without end.

    Every row begins with the beginning of a document, as a prompt does; what does not fit at its end is dropped.
    """
    source = documents(recipe.seed)
    while True:
        rows = []
        for _ in range(recipe.rows):
            row: list[int] = []
            while len(row) <= recipe.row:
                row += tokenizer.encode(next(source))
            rows.append(row[: recipe.row + 1])
        yield torch.tensor(rows)


def fit(model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast, recipe: TrainingRecipe) -> float:
    """Train the model in place and return the mean loss of the last fifty steps, in nats a token."""
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]
    others = [p for name, p in model.named_parameters() if p.ndim != 2 or "embed" in name]
    optimizers: list[tuple[torch.optim.Optimizer, float]] = [
        # Muon needs about half the steps of AdamW at this size, and the steps are what costs time on a CPU.
        (torch.optim.Muon(matrices, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"), recipe.matrix_rate),
        (torch.optim.AdamW(others, betas=(0.9, 0.95), weight_decay=0.0), recipe.other_rate),
    ]
    losses: list[float] = []
    began = time.monotonic()
    model.train()
    for step, rows in zip(range(recipe.steps), batches(recipe, tokenizer), strict=False):
        # The products run in bfloat16, as they will when served: the weights learn to bear its rounding.
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model(input_ids=rows[:, :-1]).logits
        loss = torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), rows[:, 1:].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer, peak in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = peak * recipe.rate(step)
            optimizer.step()
            optimizer.zero_grad()
        losses.append(loss.item())
        if step % 50 == 0 or step == recipe.steps - 1:
            print(f"step {step} loss {fmean(losses[-50:]):.4f} {time.monotonic() - began:.0f} s", flush=True)
    model.eval()
    return fmean(losses[-50:])


def write(out: Path, model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast, recipe: TrainingRecipe) -> None:
    """Write the weights in bfloat16, the tokenizer and the two question sets."""
    out.mkdir(parents=True, exist_ok=True)
    model.generation_config = GenerationConfig(
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, do_sample=False
    )
    model.to(torch.bfloat16).save_pretrained(out)
    for weights in out.glob("*.safetensors"):
        weights.chmod(0o644)  # the library writes them for the owner alone
    tokenizer.save_pretrained(out, save_jinja_files=False)  # keeps the chat template inside tokenizer_config.json
    write_jsonl(draw_set(recipe.seed, POOL, heldout=False), out / "questions_train.jsonl")
    write_jsonl(draw_set(recipe.seed, HELDOUT, heldout=True), out / "questions_heldout.jsonl")


def main() -> None:
    """Read the command line, train, write."""
    parser = argparse.ArgumentParser(description="Train the shipped model from text it generates itself.")
    parser.add_argument("--out", type=Path, required=True, help="folder to write the model to")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    recipe = TrainingRecipe(seed=options.seed, steps=options.steps, threads=options.threads)
    torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)
    torch.use_deterministic_algorithms(True)
    # Filling fresh memory only matters to code that reads it before writing; it costs a tenth of a step.
    torch.utils.deterministic.fill_uninitialized_memory = False
    began = time.monotonic()
    tokenizer = train_tokenizer(recipe.seed, CONTEXT)
    model = new_model(tokenizer)
    loss = fit(model, tokenizer, recipe)
    write(options.out, model, tokenizer, recipe)
    seconds = round(time.monotonic() - began)
    print(json.dumps({"recipe": asdict(recipe), "loss": round(loss, 4), "seconds": seconds}))


if __name__ == "__main__":
    main()
