"""The soft window over the text: Graves 2013, eqs. 46-51."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["WindowParameters", "one_hot_text", "window_parameters", "window_weights"]


class WindowParameters(NamedTuple):
    """K Gaussians over character positions, each (..., K): importance, inverse width, location."""

    alpha: Tensor
    beta: Tensor
    kappa: Tensor


def window_parameters(projection: Tensor, kappa: Tensor) -> WindowParameters:
    """Eqs. 48-51. `projection` (..., 3K) from layer 1, `kappa` (..., K) of the step before."""
    alpha_hat, beta_hat, kappa_hat = projection.chunk(3, dim=-1)
    return WindowParameters(alpha_hat.exp(), beta_hat.exp(), kappa + kappa_hat.exp())


def window_weights(parameters: WindowParameters, positions: int) -> Tensor:
    """phi(t, u) for u = 1 ... positions, (..., positions): eq. 46. Not normalised, as in the paper."""
    u = torch.arange(1, positions + 1, dtype=parameters.kappa.dtype, device=parameters.kappa.device)
    distance = parameters.kappa.unsqueeze(-1) - u
    return (parameters.alpha.unsqueeze(-1) * (-parameters.beta.unsqueeze(-1) * distance**2).exp()).sum(-2)


def one_hot_text(ids: Tensor, lengths: Tensor, size: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """One-hot characters (B, U, size) of `ids` (B, U); rows at and past `lengths` (B,) are zero.

    A zero row adds nothing to the window and takes no gradient, so padding needs no other mask.
    """
    one_hot = torch.nn.functional.one_hot(ids, size).to(dtype)
    inside = torch.arange(ids.shape[1], device=ids.device) < lengths.unsqueeze(1)
    return one_hot * inside.unsqueeze(-1)
