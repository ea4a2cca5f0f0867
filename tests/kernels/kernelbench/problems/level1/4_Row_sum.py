import torch
from torch import nn

batch_size = 32
shape = (40, 64)


class Model(nn.Module):
    def __init__(self, dim: int):
        super().__init__()
        self.dim = dim

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sum(x, dim=self.dim)


def get_inputs():
    return [torch.rand(batch_size, *shape)]


def get_init_inputs():
    return [1]
