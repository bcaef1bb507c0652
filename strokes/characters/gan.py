"""Generative adversarial networks: the multilayer perceptron as published, and a convolutional one that draws the
character that is asked for.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from .distortion import Distortion, distort

__all__ = ["GAN", "ConditionalGAN"]


class GAN(nn.Module):
    """Two multilayer perceptrons (Goodfellow et al. 2014, arXiv:1406.2661): a generator 64-256-256-784 (ReLU,
    tanh) and a discriminator 784-256-256-1 (LeakyReLU 0.2), trained with binary cross-entropy on images in
    -1..1. It draws any character, none that is asked for.

    Args:
        latent, hidden: units.
    """

    def __init__(self, latent: int = 64, hidden: int = 256) -> None:
        super().__init__()
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

    def sample(
        self, labels: Tensor, generator: torch.Generator | None = None, z: Tensor | None = None
    ) -> Tensor:
        """As many images as there are labels, whose values it cannot heed, (N, 1, 28, 28) in 0..1."""
        if z is None:
            z = torch.randn(len(labels), self.latent, generator=generator)
        z = z.to(self.generator[0].weight).expand(len(labels), -1)
        return (self.generator(z).view(-1, 1, 28, 28) + 1) / 2

    def _score(self, images: Tensor) -> Tensor:
        return self.discriminator(images.flatten(1) * 2 - 1).squeeze(1)

    def discriminator_losses(
        self, images: Tensor, labels: Tensor, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """ "discriminator_loss", and the mean probability of being real that it gives to real and drawn images.

        Args:
            images: (N, 1, 28, 28) in 0..1.
            labels: (N,), not used.
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
        """ "generator_loss": -log D(G(z)), which does not saturate."""
        return {"generator_loss": F.softplus(-self._score(self.sample(labels, generator))).mean()}


class _ConditionalNorm(nn.Module):
    """Batch normalisation whose scale and shift are a class's own (Dumoulin et al. 2017, arXiv:1610.07629)."""

    def __init__(self, classes: int, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.scale = nn.Embedding(classes, channels)
        self.shift = nn.Embedding(classes, channels)
        nn.init.ones_(self.scale.weight)
        nn.init.zeros_(self.shift.weight)

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        return self.norm(x) * self.scale(labels)[:, :, None, None] + self.shift(labels)[:, :, None, None]


class _Generator(nn.Module):
    """z and a class -> an image in 0..1, (N, 1, 28, 28)."""

    def __init__(self, classes: int, latent: int, width: int) -> None:
        super().__init__()
        self.shape = (2 * width, 7, 7)
        self.embed = nn.Embedding(classes, 32)
        self.first = nn.Linear(latent + 32, 2 * width * 49)
        self.norms = nn.ModuleList(_ConditionalNorm(classes, c) for c in (2 * width, width, width // 2))
        self.up1 = nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1, bias=False)
        self.up2 = nn.ConvTranspose2d(width, width // 2, 4, stride=2, padding=1, bias=False)
        self.last = nn.Conv2d(width // 2, 1, 3, padding=1)

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        x = self.first(torch.cat([z, self.embed(labels)], 1)).unflatten(1, self.shape)
        x = self.up1(F.relu(self.norms[0](x, labels)))
        x = self.up2(F.relu(self.norms[1](x, labels)))
        return torch.sigmoid(self.last(F.relu(self.norms[2](x, labels))).to(z.dtype))


class _Discriminator(nn.Module):
    """An image and its class -> a score, (N,); the class by projection (Miyato and Koyama 2018,
    arXiv:1802.05637), all weights normalised by their spectral norm (Miyato et al. 2018, arXiv:1802.05957).
    """

    def __init__(self, classes: int, width: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            spectral_norm(nn.Conv2d(1, width, 4, stride=2, padding=1)),
            nn.LeakyReLU(0.1),
            spectral_norm(nn.Conv2d(width, 2 * width, 4, stride=2, padding=1)),
            nn.LeakyReLU(0.1),
            spectral_norm(nn.Conv2d(2 * width, 4 * width, 3, padding=1)),
            nn.LeakyReLU(0.1),
            spectral_norm(nn.Conv2d(4 * width, 4 * width, 3, stride=2, padding=1)),
            nn.LeakyReLU(0.1),
        )
        self.score = spectral_norm(nn.Linear(4 * width, 1))
        self.project = spectral_norm(nn.Embedding(classes, 4 * width))

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        x = self.convolutions(images * 2 - 1).sum((2, 3))
        return self.score(x).squeeze(1) + (x * self.project(labels)).sum(1)


class ConditionalGAN(nn.Module):
    """A convolutional GAN that draws the class that is asked for: hinge loss, spectral normalisation, class by
    batch normalisation in the generator and by projection in the discriminator. Both real and drawn images
    are distorted before they are judged, in the same ways (Zhao et al. 2020, arXiv:2006.10738), so that few
    examples of a class are not learned by heart.

    Args:
        classes: how many.
        latent: size of z.
        width: channels of the generator's middle layer, and of the discriminator's first times two.
    """

    _DISTORTION = Distortion(rotate=0.12, scale=0.1, shear=0.15, shift=2.0)

    def __init__(self, classes: int, latent: int = 64, width: int = 64) -> None:
        super().__init__()
        self.classes, self.latent = classes, latent
        self.generator = _Generator(classes, latent, width)
        self.discriminator = _Discriminator(classes, width // 2)

    def sample(
        self, labels: Tensor, generator: torch.Generator | None = None, z: Tensor | None = None
    ) -> Tensor:
        """Images of these classes, (N, 1, 28, 28) in 0..1; z is normal unless given, (N or 1, latent)."""
        if z is None:
            z = torch.randn(len(labels), self.latent, generator=generator)
        z = z.to(self.generator.first.weight).expand(len(labels), -1)
        return self.generator(z, labels.to(z.device))

    def discriminator_losses(
        self, images: Tensor, labels: Tensor, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """ "discriminator_loss" (hinge), and the mean scores of real and drawn images.

        Args:
            images: (N, 1, 28, 28) in 0..1.
            labels: (N,).
        """
        with torch.no_grad():
            drawn = self.sample(labels, generator)
        both = distort(torch.cat([images, drawn]), self._DISTORTION, generator)
        real, fake = self.discriminator(both, labels.repeat(2)).chunk(2)
        loss = F.relu(1 - real).mean() + F.relu(1 + fake).mean()
        return {"discriminator_loss": loss, "score_real": real.mean(), "score_drawn": fake.mean()}

    def generator_losses(self, labels: Tensor, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """ "generator_loss" (hinge) of images of these classes."""
        drawn = distort(self.sample(labels, generator), self._DISTORTION, generator)
        return {"generator_loss": -self.discriminator(drawn, labels).mean()}
