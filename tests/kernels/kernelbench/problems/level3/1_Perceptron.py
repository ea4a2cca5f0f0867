from itertools import pairwise

import torch
from torch import nn

batch_size = 8
sizes = [96, 64, 64, 32]


class Model(nn.Module):
    def __init__(self, sizes: list[int]):
        super().__init__()
        layers = []
        for ins, outs in pairwise(sizes):
            layers += [nn.Linear(ins, outs), nn.ReLU()]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


def get_inputs():
    return [torch.rand(batch_size, sizes[0])]


def get_init_inputs():
    return [sizes]
