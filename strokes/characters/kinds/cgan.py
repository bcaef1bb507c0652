"""The conditional convolutional GAN: it draws the character that is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import torch
from msgspec import Meta
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from ..config import Sizes, Units
from ..distortion import Distortion, distort
from .adversarial import AdversarialConfig, AdversarialNetwork

__all__ = ["ConditionalGAN", "ConditionalGANConfig", "ConditionalGANSizes"]

# What drawn and real images undergo alike before the discriminator sees them.
_DISTORTION = Distortion(rotate=0.12, scale=0.1, shear=0.15, shift=2.0)


@dataclass(frozen=True)
class ConditionalGANSizes(Sizes):
    """Sizes of the conditional GAN.

    Args:
        latent: size of z.
        width: channels of the generator's middle layer, and of the discriminator's first times two.
    """

    latent: Units = 64
    width: Annotated[int, Meta(ge=2, le=1024)] = 64


@dataclass(frozen=True)
class ConditionalGANConfig(AdversarialConfig):
    """One training run of the conditional GAN."""

    sizes: ConditionalGANSizes = field(default_factory=ConditionalGANSizes)


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
        scale, shift = (of(labels)[:, :, None, None] for of in (self.scale, self.shift))
        scaled: Tensor = self.norm(x) * scale + shift
        return scaled


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
        scores: Tensor = self.score(x).squeeze(1) + (x * self.project(labels)).sum(1)
        return scores


class ConditionalGAN(AdversarialNetwork[ConditionalGANConfig]):
    """A convolutional GAN that draws the class that is asked for: hinge loss, spectral normalisation, class by
    batch normalisation in the generator and by projection in the discriminator. Both real and drawn images
    are distorted before the discriminator sees them, in the same ways (Zhao et al. 2020, arXiv:2006.10738), so
    that it does not memorise the few examples of a class.

    Args:
        classes: how many.
        sizes: of its layers.
    """

    name = "cgan"
    description = "conditional convolutional GAN: draws the class asked for"
    on_demand = True
    sizes_type = ConditionalGANSizes

    def __init__(self, classes: int, sizes: ConditionalGANSizes | None = None) -> None:
        sizes = sizes or ConditionalGANSizes()
        super().__init__(classes, sizes)
        self.latent = sizes.latent
        self.generator = _Generator(classes, sizes.latent, sizes.width)
        self.discriminator = _Discriminator(classes, sizes.width // 2)

    @classmethod
    def default_config(cls) -> ConditionalGANConfig:
        """No momentum, a faster discriminator and averaged weights keep the two in balance."""
        return ConditionalGANConfig(
            epochs=16,
            batch=64,
            learning_rate=2e-4,
            discriminator_rate=2.0,
            beta1=0.0,
            balance=0.9,
            ema=0.999,
            final_rate=0.1,
        )

    def draw_images(self, labels: Tensor, z: Tensor) -> Tensor:
        """Labels (N,) and z (N, latent) -> images (N, 1, 28, 28) in 0..1."""
        drawn: Tensor = self.generator(z, labels)
        return drawn

    def discriminator_losses(
        self, images: Tensor, labels: Tensor, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """What to minimise ("discriminator_loss", a hinge), and the mean scores of real and drawn images.

        Args:
            images: (N, 1, 28, 28) in 0..1.
            labels: (N,).
            generator: of z and distortion.
        """
        with torch.no_grad():
            drawn = self.sample(labels, generator)
        both = distort(torch.cat([images, drawn]), _DISTORTION, generator)
        real, fake = self.discriminator(both, labels.repeat(2)).chunk(2)
        loss = F.relu(1 - real).mean() + F.relu(1 + fake).mean()
        return {"discriminator_loss": loss, "score_real": real.mean(), "score_drawn": fake.mean()}

    def generator_losses(self, labels: Tensor, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """What to minimise ("generator_loss", a hinge), of images of these classes."""
        drawn = distort(self.sample(labels, generator), _DISTORTION, generator)
        return {"generator_loss": -self.discriminator(drawn, labels).mean()}
