"""The generative adversarial network of two perceptrons, as published: it draws, but not on demand."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..config import Sizes, Units
from .adversarial import AdversarialConfig, AdversarialNetwork

__all__ = ["GAN", "GANConfig", "GANSizes"]


@dataclass(frozen=True)
class GANSizes(Sizes):
    """Sizes of the two perceptrons.

    Args:
        latent: size of z.
        hidden: units of every hidden layer.
    """

    latent: Units = 64
    hidden: Units = 256


@dataclass(frozen=True)
class GANConfig(AdversarialConfig):
    """One training run of the two perceptrons."""

    sizes: GANSizes = field(default_factory=GANSizes)


class GAN(AdversarialNetwork[GANConfig]):
    """Two multilayer perceptrons (Goodfellow et al. 2014, arXiv:1406.2661): a generator 64-256-256-784 (ReLU,
    tanh) and a discriminator 784-256-256-1 (LeakyReLU 0.2), trained with binary cross-entropy on images in
    -1..1. It draws any character, none that is asked for.

    Args:
        classes: how many it learns from.
        sizes: of its layers.
    """

    name = "gan"
    description = "generative adversarial network of two perceptrons: draws, but not on demand"
    sizes_type = GANSizes

    def __init__(self, classes: int, sizes: GANSizes | None = None) -> None:
        sizes = sizes or GANSizes()
        super().__init__(classes, sizes)
        latent, hidden = sizes.latent, sizes.hidden
        self.latent = latent
        self.generator = nn.Sequential(
            nn.Linear(latent, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, 784),
            nn.Tanh(),
        )
        self.discriminator = nn.Sequential(
            nn.Linear(784, hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(hidden, hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(hidden, 1),
        )

    @classmethod
    def default_config(cls) -> GANConfig:
        """As published."""
        return GANConfig(
            classes="letters",
            epochs=300,
            batch=64,
            learning_rate=2e-4,
            balance=1.0,
            precision="fp32",
            validate_every=25,
            checkpoint_every=10,
        )

    def draw_images(self, labels: Tensor, z: Tensor) -> Tensor:
        """As many images as there are labels, whose values it ignores, (N, 1, 28, 28) in 0..1."""
        drawn: Tensor = self.generator(z)
        return (drawn.view(-1, 1, 28, 28) + 1) / 2

    def _score(self, images: Tensor) -> Tensor:
        score: Tensor = self.discriminator(images.flatten(1) * 2 - 1)
        return score.squeeze(1)

    def discriminator_losses(
        self, images: Tensor, labels: Tensor, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """What to minimise ("discriminator_loss"), and the mean probabilities of real and drawn images to be real.

        Args:
            images: (N, 1, 28, 28) in 0..1.
            labels: (N,), not used.
            generator: of z.
        """
        with torch.no_grad():
            drawn = self.sample(labels, generator)
        real, fake = self._score(images), self._score(drawn)
        # log(1 - sigmoid(x)) is -softplus(x).
        loss = F.softplus(-real).mean() + F.softplus(fake).mean()
        return {
            "discriminator_loss": loss,
            "score_real": real.sigmoid().mean(),
            "score_drawn": fake.sigmoid().mean(),
        }

    def generator_losses(self, labels: Tensor, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """What to minimise ("generator_loss"): -log D(G(z)), which does not saturate."""
        return {"generator_loss": F.softplus(-self._score(self.sample(labels, generator))).mean()}
