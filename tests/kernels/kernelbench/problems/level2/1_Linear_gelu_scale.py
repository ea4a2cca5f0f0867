import torch
from torch import nn

batch = 48
in_features = 192
out_features = 96
scale = 0.02


class Model(nn.Module):
    def __init__(self, ins: int, outs: int, scale: float):
        super().__init__()
        self.linear = nn.Linear(ins, outs)
        self.scale = scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.gelu(self.linear(x)) * self.scale


def get_inputs():
    return [torch.rand(batch, in_features)]


def get_init_inputs():
    return [in_features, out_features, scale]
