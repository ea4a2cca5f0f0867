import torch
from torch import nn


class ModelNew(nn.Module):
    """The scale and the halves of GELU are one factor."""

    def __init__(self, ins, outs, scale):
        super().__init__()
        self.linear = nn.Linear(ins, outs)
        self.factor = scale / 2

    def forward(self, x):
        y = torch.addmm(self.linear.bias, x, self.linear.weight.t())
        return (torch.erf(y * 0.7071067811865476) + 1).mul_(y).mul_(self.factor)
