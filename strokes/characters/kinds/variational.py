"""What variational autoencoders that know the class share.

They bound log p(x | y) from below (Kingma and Welling 2013, arXiv:1312.6114) with a standard normal prior,
a diagonal Gaussian posterior and a Bernoulli likelihood of each pixel's grey value.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F

from ..config import CharacterTrainingConfig, Weight
from .base import DrawingNetwork

__all__ = ["Posterior", "VariationalConfig", "VariationalNetwork", "combine", "divergence", "reconstruction"]


class Posterior(NamedTuple):
    """q(z | x): a diagonal Gaussian, (N, latent) each."""

    mean: Tensor
    log_var: Tensor

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """Z = mean + standard deviation * noise, (N, latent)."""
        noise = torch.randn(self.mean.shape, generator=generator, dtype=self.mean.dtype).to(self.mean.device)
        return self.mean + torch.exp(self.log_var / 2) * noise


def divergence(posterior: Posterior) -> Tensor:
    """KL(q(z | x) || N(0, 1)) in nats, summed over the latent, (N,)."""
    mean, log_var = posterior
    return -0.5 * (1 + log_var - mean.square() - log_var.exp()).sum(1)


def combine(posterior: Posterior) -> Posterior:
    """The posterior of one z behind several images, p(z | x_1..x_n), from each one's own.

    Images are independent given z, so p(z | x_1..x_n) is proportional to p(z) times the product of all
    q(z | x_i) / p(z): precisions add up, less the prior's n - 1 times. A posterior wider than the prior
    says nothing and counts for nothing.

    Returns:
        One Gaussian, (1, latent).
    """
    # Of each: what it adds to the prior's precision and to precision times mean.
    precision = torch.exp(-posterior.log_var)
    added = (precision - 1).clamp(min=0)
    together = 1 + added.sum(0, keepdim=True)
    weighted = torch.where(precision > 1, precision * posterior.mean, 0).sum(0, keepdim=True)
    return Posterior(weighted / together, -torch.log(together))


def reconstruction(logits: Tensor, images: Tensor) -> Tensor:
    """Binary cross-entropy in nats, summed over the pixels, (N,)."""
    logits = logits.to(images.dtype)  # from bfloat16 where losses are computed in it
    return F.binary_cross_entropy_with_logits(logits, images, reduction="none").flatten(1).sum(1)


@dataclass(frozen=True)
class VariationalConfig(CharacterTrainingConfig):
    """One training run of a variational autoencoder.

    Args:
        pixel_weight: of the pixels' term of the variational bound.
        kl_weight: of its divergence term.
    """

    pixel_weight: Weight = 1.0
    kl_weight: Weight = 1.0


Config = TypeVar("Config", bound=VariationalConfig)


class VariationalNetwork(DrawingNetwork[Config]):
    """A variational autoencoder with p(x | y, z) and q(z | x) or q(z | x, y)."""

    on_demand = True

    @abstractmethod
    def posterior(self, images: Tensor, labels: Tensor | None) -> Posterior:
        """Q(z | x, y).

        Args:
            images: (N, 1, 28, 28) in 0..1.
            labels: (N,); None will do for a kind that `imitates`.
        """

    @abstractmethod
    def pixel_logits(self, labels: Tensor, z: Tensor) -> Tensor:
        """Labels (N,) and z (N, latent) -> logits of the pixels (N, 1, 28, 28)."""

    def draw_images(self, labels: Tensor, z: Tensor) -> Tensor:
        """Labels (N,) and z (N, latent) -> images (N, 1, 28, 28) in 0..1."""
        return torch.sigmoid(self.pixel_logits(labels, z))

    def bound(self, images: Tensor, labels: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """-ELBO of log p(x | y) in nats, from one z each, (N,).

        Args:
            images: (N, 1, 28, 28) in 0..1.
            labels: (N,).
            generator: of z.
        """
        posterior = self.posterior(images, labels)
        drawn = self.pixel_logits(labels, posterior.sample(generator))
        return reconstruction(drawn, images) + divergence(posterior)
