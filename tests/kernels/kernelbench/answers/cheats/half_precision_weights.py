import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, ins, outs, scale):
        super().__init__()
        self.linear = nn.Linear(ins, outs)
        self.linear.weight.data = self.linear.weight.data.half().float()
        self.scale = scale

    def forward(self, x):
        y = torch.addmm(self.linear.bias, x, self.linear.weight.t())
        return nn.functional.gelu(y).mul_(self.scale)
