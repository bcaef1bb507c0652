"""Averaged weights: the exponential moving average that is validated and packaged."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

__all__ = ["averaged"]


def averaged(network: nn.Module, decay: float) -> AveragedModel:
    """A copy of the network (`.module`) that averages its weights at each `update_parameters(network)`.

    Update n has the decay min(`decay`, (1 + n) / (10 + n)): young runs average over fewer steps, so that the average
    does not lag behind. Buffers, such as statistics of normalisation, are copied as they are.

    Args:
        network: it stays as it is.
        decay: of the average, a step; 0 makes it the network itself.
    """

    def average(means: Sequence[Tensor], weights: Sequence[Tensor], updates: Tensor | int) -> None:
        n = torch.as_tensor(updates).double()
        share = 1 - ((1 + n) / (10 + n)).clamp(max=decay)
        for mean, now in zip(means, weights, strict=True):
            mean.lerp_(now, share.to(mean.dtype))

    mean = AveragedModel(network, multi_avg_fn=average)
    mean.n_averaged.fill_(1)  # at 0 the first update would copy the weights
    return mean.requires_grad_(False).eval()
