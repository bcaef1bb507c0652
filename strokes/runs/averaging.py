"""The running mean of a network's weights."""

from __future__ import annotations

import copy

import torch
from torch import nn

__all__ = ["Ema"]


class Ema:
    """A running mean of the weights. Young runs average over fewer steps, so that it does not lag."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.network = copy.deepcopy(network).requires_grad_(False).eval()

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        decay = min(self.decay, (1 + step) / (10 + step))
        for mean, now in zip(self.network.parameters(), network.parameters(), strict=True):
            mean.lerp_(now, 1 - decay)
        for mean, now in zip(self.network.buffers(), network.buffers(), strict=True):
            mean.copy_(now)  # statistics and counters are taken over as they are
