import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, channels, filters):
        super().__init__()
        self.conv = nn.Conv2d(channels, filters, 3)
        self.bias = nn.Parameter(torch.randn(filters, 1, 1))

    def forward(self, x):
        columns = nn.functional.unfold(x, 3)
        y = self.conv.weight.flatten(1) @ columns + self.conv.bias[:, None]
        side = x.shape[-1] - 2
        return y.relu_().view(x.shape[0], -1, side, side).add_(self.bias)
