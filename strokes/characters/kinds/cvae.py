"""The conditional variational autoencoder: a multilayer perceptron with the label at both ends."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..config import Sizes, Units
from .base import Batch
from .variational import Posterior, VariationalConfig, VariationalNetwork, divergence, reconstruction

__all__ = ["ConditionalVAE", "ConditionalVAEConfig", "ConditionalVAESizes"]


@dataclass(frozen=True)
class ConditionalVAESizes(Sizes):
    """Sizes of the conditional variational autoencoder.

    Args:
        hidden: units of both hidden layers.
        latent: size of z.
    """

    hidden: Units = 400
    latent: Units = 20


@dataclass(frozen=True)
class ConditionalVAEConfig(VariationalConfig):
    """One training run of the conditional variational autoencoder."""

    sizes: ConditionalVAESizes = field(default_factory=ConditionalVAESizes)


class ConditionalVAE(VariationalNetwork[ConditionalVAEConfig]):
    """A multilayer perceptron with the label, one of classes, at both ends (Sohn, Lee and Yan 2015):
    784 + classes -> 400 -> 20 means and log-variances; 20 + classes -> 400 -> 784.

    Args:
        classes: how many.
        sizes: of its layers.
    """

    name = "cvae"
    description = "conditional variational autoencoder: draws the class asked for"
    sizes_type = ConditionalVAESizes

    def __init__(self, classes: int, sizes: ConditionalVAESizes | None = None) -> None:
        sizes = sizes or ConditionalVAESizes()
        super().__init__(classes, sizes)
        self.latent = sizes.latent
        self.hidden = nn.Linear(784 + classes, sizes.hidden)
        self.posterior_head = nn.Linear(sizes.hidden, 2 * sizes.latent)
        self.draw = nn.Sequential(
            nn.Linear(sizes.latent + classes, sizes.hidden), nn.ReLU(), nn.Linear(sizes.hidden, 784)
        )

    @classmethod
    def default_config(cls) -> ConditionalVAEConfig:
        """As published."""
        return ConditionalVAEConfig(classes="digits", epochs=100, validate_every=10, precision="fp32")

    def posterior(self, images: Tensor, labels: Tensor | None) -> Posterior:
        """(N, 1, 28, 28) in 0..1 and labels (N,) -> q(z | x, y)."""
        if labels is None:
            raise ValueError("the posterior of this kind needs labels")
        both = torch.cat([images.flatten(1), F.one_hot(labels, self.classes).to(images)], 1)
        posterior = self.posterior_head(F.relu(self.hidden(both))).to(images.dtype)
        return Posterior(*posterior.chunk(2, dim=1))

    def pixel_logits(self, labels: Tensor, z: Tensor) -> Tensor:
        """Labels (N,) and z (N, latent) -> logits of the pixels (N, 1, 28, 28)."""
        both = torch.cat([z, F.one_hot(labels, self.classes).to(z)], 1)
        pixels: Tensor = self.draw(both)
        return pixels.view(-1, 1, 28, 28)

    def losses(
        self,
        images: Tensor,
        labels: Tensor,
        generator: torch.Generator | None = None,
        *,
        pixel_weight: float = 1.0,
        kl_weight: float = 1.0,
    ) -> dict[str, Tensor]:
        """What to minimise ("loss") and its parts "pixels" and "kl"; means over the batch, in nats.

        Args:
            images: (N, 1, 28, 28) in 0..1.
            labels: (N,).
            generator: of z.
            pixel_weight: of the pixels' term.
            kl_weight: of the divergence.
        """
        posterior = self.posterior(images, labels)
        pixels = reconstruction(self.pixel_logits(labels, posterior.sample(generator)), images).mean()
        kl = divergence(posterior).mean()
        return {"loss": pixel_weight * pixels + kl_weight * kl, "pixels": pixels, "kl": kl}

    def training_losses(
        self, batch: Batch, generator: torch.Generator, config: ConditionalVAEConfig
    ) -> dict[str, Tensor]:
        """See `losses`."""
        return self.losses(
            batch.images,
            batch.labels,
            generator,
            pixel_weight=config.pixel_weight,
            kl_weight=config.kl_weight,
        )
