import torch
from torch import nn


class ModelNew(nn.Module):
    def forward(self, a, b):
        half = a.shape[0] // 2
        return torch.cat([a[:half] @ b, a[half:] @ b])
