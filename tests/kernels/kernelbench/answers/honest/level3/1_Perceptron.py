from itertools import pairwise

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(ins, outs) for ins, outs in pairwise(sizes))

    def forward(self, x):
        for layer in self.layers:
            x = torch.addmm(layer.bias, x, layer.weight.t()).clamp_(min=0)
        return x
