"""Makes a larger model with the same answers.

``python tools/start.py bankable.tools.model.grow OUT --hidden 1024 --layers 8``, under the engine's interpreter.

A model with dummy weights speaks gibberish, and nothing measured on gibberish is worth banking. This one is as large as
asked and still coherent, because what was added is exactly neutral:

- further hidden dimensions stay zero: nothing writes to them. A norm over r times as many dimensions divides by a root
  that is √r smaller, so its weights are divided by √r; r is a power of four, which makes that exact in any float (sums
  may be rounded in another order);
- further heads and intermediate rows hold random weights, and the columns that would read them are zero;
- further layers add zero to the residual stream.

Its matrix products, attention and norms cost what those of a dense model of its shape cost: no value of a weight
changes the work. After Net2Net (Chen, Goodfellow and Shlens, arXiv:1511.05641), which widens by copies instead.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

SHIPPED = Path(__file__).parent / "shipped"
SPREAD = 0.02
"""Standard deviation of added weights."""
BESIDE = ("generation_config.json", "tokenizer.json", "tokenizer_config.json", "*.jsonl")


@dataclass(frozen=True)
class ModelDimensions:
    """What makes a model of this architecture as large as it is."""

    hidden: int
    layers: int
    intermediate: int
    heads: int
    kv_heads: int


def grown_shape(config: dict, hidden: int, layers: int, intermediate: int) -> ModelDimensions:
    """The shape with heads in proportion to ``hidden``. Raises ValueError where nothing exact can be made."""
    wider = hidden / config["hidden_size"]
    if wider < 1 or math.log(wider, 4) % 1:
        raise ValueError(f"hidden must be {config['hidden_size']} times a power of 4, not {hidden}")
    if layers < config["num_hidden_layers"] or intermediate < config["intermediate_size"]:
        raise ValueError("a model only grows: layers and intermediate may not be fewer than before")
    by = int(wider)
    return ModelDimensions(
        hidden, layers, intermediate, config["num_attention_heads"] * by, config["num_key_value_heads"] * by
    )


def grow(weights: dict[str, torch.Tensor], config: dict, to: ModelDimensions, seed: int) -> dict[str, torch.Tensor]:
    """Weights of the larger model; its logits are those of the smaller one."""
    chance = torch.Generator().manual_seed(seed)
    head, old = config["head_dim"], config["num_hidden_layers"]
    norm_scale = 1.0 / math.sqrt(to.hidden / config["hidden_size"])
    rows = {"q_proj": to.heads * head, "k_proj": to.kv_heads * head, "v_proj": to.kv_heads * head}
    rows |= {"gate_proj": to.intermediate, "up_proj": to.intermediate}
    readers = {"o_proj": to.heads * head, "down_proj": to.intermediate}

    def grown(name: str, small: torch.Tensor | None) -> torch.Tensor:
        kind = name.split(".")[-2]
        if kind in rows:
            new = torch.randn(rows[kind], to.hidden, generator=chance) * SPREAD
        elif kind in readers:
            new = torch.zeros(to.hidden, readers[kind])
        elif kind == "embed_tokens":
            new = torch.zeros(config["vocab_size"], to.hidden)
        else:
            new = torch.ones(head if kind in ("q_norm", "k_norm") else to.hidden)
        if small is not None:
            wide = small.float() * norm_scale if kind.endswith("norm") and kind not in ("q_norm", "k_norm") else small
            new[tuple(slice(size) for size in small.shape)] = wide.float()
        return new.to(torch.bfloat16)

    grown_weights = {name: grown(name, small) for name, small in weights.items()}
    pattern = [name for name in weights if name.startswith("model.layers.0.")]
    for layer in range(old, to.layers):
        for name in pattern:
            added = name.replace("layers.0.", f"layers.{layer}.")
            grown_weights[added] = grown(added, None)
    return grown_weights


def write(out: Path, to: ModelDimensions, seed: int) -> int:
    """Write the model that grew from the shipped one; returns its number of parameters."""
    config = json.loads((SHIPPED / "config.json").read_text())
    weights = grow(load_file(SHIPPED / "model.safetensors"), config, to, seed)
    config |= {
        "hidden_size": to.hidden,
        "intermediate_size": to.intermediate,
        "num_hidden_layers": to.layers,
        "num_attention_heads": to.heads,
        "num_key_value_heads": to.kv_heads,
        "layer_types": ["full_attention"] * to.layers,
        # The mean of the squares is r times smaller, and so is what is added to it.
        "rms_norm_eps": config["rms_norm_eps"] * config["hidden_size"] / to.hidden,
    }
    out.mkdir(parents=True)
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    save_file(weights, out / "model.safetensors", metadata={"format": "pt"})
    (out / "model.safetensors").chmod(0o644)  # the library writes it for the owner alone
    for pattern in BESIDE:
        for path in SHIPPED.glob(pattern):
            shutil.copy(path, out)
    return sum(tensor.numel() for tensor in weights.values())


def main() -> None:
    """Read the command line, grow, write."""
    parser = argparse.ArgumentParser(description="Make a larger model that answers as the shipped one does.")
    parser.add_argument("out", type=Path, help="folder to write the model to; must not exist")
    parser.add_argument("--hidden", type=int, default=1024)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--intermediate", type=int, default=3072)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.out.exists():
        parser.error(f"{options.out} exists: name a new folder")
    config = json.loads((SHIPPED / "config.json").read_text())
    try:
        to = grown_shape(config, options.hidden, options.layers, options.intermediate)
    except ValueError as problem:
        parser.error(str(problem))
    print(f"{write(options.out, to, options.seed):,} parameters in {options.out}")


if __name__ == "__main__":
    main()
