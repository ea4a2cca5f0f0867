import torch
from torch import nn

rows = 64
cols = 256


class Model(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        gate, up = x.chunk(2, dim=-1)
        return nn.functional.silu(gate) * up


def get_inputs():
    return [torch.randn(rows, 2 * cols)]


def get_init_inputs():
    return []
