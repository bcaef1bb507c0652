"""The semi-supervised variational autoencoder: class and style of an image apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

import torch
from msgspec import Meta
from torch import Tensor, nn
from torch.nn import functional as F

from ..config import Sizes, Units, Weight
from ..distortion import Distortion, distort
from .base import Batch
from .variational import Posterior, VariationalConfig, VariationalNetwork, divergence, reconstruction

__all__ = ["SemiSupervisedVAE", "SemiSupervisedVAEConfig", "SemiSupervisedVAESizes"]

# How drawn characters are moved before the class head looks at them: as readers would, not by single pixels.
_GLANCE = Distortion(rotate=0.1, scale=0.1, shear=0.1, shift=1.0)
# The logit, above the others' mean, of a class head that is sure of a clear image.
_CONFIDENT = 12.0


@dataclass(frozen=True)
class SemiSupervisedVAESizes(Sizes):
    """Sizes of the semi-supervised variational autoencoder.

    Args:
        latent: size of z.
        channels: of both convolutions.
        hidden: units between classes and 1568, both ways.
        class_input: what stands for the class in the decoder while training: "label" (one of classes, as in
            the paper; an unknown one is marginalised) or "logits" of the class head (through which style
            can pass by z).
    """

    latent: Units = 64
    channels: Annotated[int, Meta(ge=1, le=1024)] = 32
    hidden: Units = 128
    class_input: Literal["label", "logits"] = "label"


@dataclass(frozen=True)
class SemiSupervisedVAEConfig(VariationalConfig):
    """One training run of the semi-supervised variational autoencoder.

    Args:
        class_weight: of the class's cross-entropy beside the bound.
        swap_weight: of the cross-entropy of other classes drawn with an image's z, which keeps class and style
            apart; 0 leaves it out, as the paper does.
        marginalise: an unknown class is summed over this many of the likeliest ones; 0 for all.
    """

    class_weight: Weight = 1.0
    swap_weight: Weight = 0.0
    marginalise: Annotated[int, Meta(ge=0, le=1000)] = 0
    sizes: SemiSupervisedVAESizes = field(default_factory=SemiSupervisedVAESizes)


class SemiSupervisedVAE(VariationalNetwork[SemiSupervisedVAEConfig]):
    """Class and style of an image apart: q(y | x), q(z | x) and p(x | y, z) (the M2 model of Kingma, Rezende,
    Mohamed and Welling 2014, arXiv:1406.5298).

    Two strided convolutions, 28x28x1 -> 14x14x32 -> 7x7x32, are shared by the class head (1568 -> 128 ->
    classes) and the posterior's (1568 -> 64 means and 64 log-variances). The decoder adds what it makes of the
    class (classes -> 128 -> 1568) to what it makes of z (64 -> 1568), and two transposed convolutions
    draw the image.

    Args:
        classes: how many.
        sizes: of its layers.
    """

    name = "ssvae"
    description = "semi-supervised variational autoencoder: classifies, imitates, draws"
    classifies = True
    imitates = True
    learns_unlabelled = True
    sizes_type = SemiSupervisedVAESizes

    def __init__(self, classes: int, sizes: SemiSupervisedVAESizes | None = None) -> None:
        sizes = sizes or SemiSupervisedVAESizes()
        super().__init__(classes, sizes)
        self.latent, self.class_input = sizes.latent, sizes.class_input
        channels, hidden = sizes.channels, sizes.hidden
        flat = channels * 7 * 7
        self.shape = (channels, 7, 7)
        self.convolutions = nn.Sequential(
            nn.Conv2d(1, channels, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
        )
        self.class_head = nn.Sequential(nn.Linear(flat, hidden), nn.ReLU(), nn.Linear(hidden, classes))
        self.posterior_head = nn.Linear(flat, 2 * sizes.latent)
        self.from_class = nn.Sequential(nn.Linear(classes, hidden), nn.ReLU(), nn.Linear(hidden, flat))
        self.from_latent = nn.Linear(sizes.latent, flat)
        self.draw = nn.Sequential(
            nn.ReLU(),
            nn.ConvTranspose2d(channels, channels, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(channels, 1, 4, stride=2, padding=1),
        )

    @classmethod
    def default_config(cls) -> SemiSupervisedVAEConfig:
        """Slant, width and weight vary apart from the class, so that z and not the class must carry them."""
        return SemiSupervisedVAEConfig(
            epochs=20,
            final_rate=0.02,
            balance=0.5,
            ema=0.998,
            class_weight=50.0,
            kl_weight=1.5,
            swap_weight=25.0,
            marginalise=4,
            distortion=Distortion(rotate=0.05, aspect=0.55, shear=0.4, shift=0.5, weight=0.9, fit=True),
        )

    def encode(self, images: Tensor) -> tuple[Tensor, Posterior]:
        """(N, 1, 28, 28) in 0..1 -> logits of the class (N, classes), q(z | x)."""
        features = self.convolutions(images)
        logits, posterior = (
            head(features).to(images.dtype) for head in (self.class_head, self.posterior_head)
        )
        return logits, Posterior(*posterior.chunk(2, dim=1))

    def posterior(self, images: Tensor, labels: Tensor | None) -> Posterior:
        """(N, 1, 28, 28) in 0..1 -> q(z | x), which does not depend on the labels."""
        return self.encode(images)[1]

    def forward(self, images: Tensor) -> Tensor:
        """Logits of the class, (N, classes)."""
        logits: Tensor = self.class_head(self.convolutions(images))
        return logits

    def decode(self, classes: Tensor, z: Tensor) -> Tensor:
        """Class vectors (N, classes) and z (N, latent) -> logits of the pixels (N, 1, 28, 28)."""
        pixels: Tensor = self.draw((self.from_class(classes) + self.from_latent(z)).unflatten(1, self.shape))
        return pixels

    def class_vectors(self, labels: Tensor) -> Tensor:
        """Labels (N,) as the decoder takes them, (N, classes)."""
        one_hot = F.one_hot(labels, self.classes).to(self.from_latent.weight)
        return one_hot if self.class_input == "label" else _CONFIDENT * (one_hot - 1 / self.classes)

    def pixel_logits(self, labels: Tensor, z: Tensor) -> Tensor:
        """Labels (N,) and z (N, latent) -> logits of the pixels (N, 1, 28, 28)."""
        return self.decode(self.class_vectors(labels), z)

    def losses(
        self,
        images: Tensor,
        labels: Tensor,
        generator: torch.Generator | None = None,
        *,
        pixel_weight: float = 1.0,
        class_weight: float = 1.0,
        kl_weight: float = 1.0,
        swap_weight: float = 0.0,
        marginalise: int = 0,
    ) -> dict[str, Tensor]:
        """What to minimise ("loss"), and what to watch; means over the batch, in nats.

        A labelled image adds -log p(x | y, z) + KL + the cross-entropy of its class; one without a label the
        expectation of the first two over q(y | x), less the entropy of q(y | x) (eqs. 6, 7 and 9 of the paper,
        with a uniform p(y), whose constant is left out).

        Args:
            images: (N, 1, 28, 28) in 0..1.
            labels: (N,), -1 where unknown.
            generator: of z, and of what the swap term draws.
            pixel_weight: of -log p(x | y, z).
            class_weight: of the cross-entropy.
            kl_weight: of KL.
            swap_weight: of a fourth term, which is not in the paper: the cross-entropy of the class head, held fixed,
                for other classes drawn with the z of these images (and, every second one, with a z of the prior). It
                keeps what makes a character that character out of z.
            marginalise: the expectation runs over this many of the likeliest classes, renormalised; 0 for all.
        """
        logits, posterior = self.encode(images)
        z = posterior.sample(generator)
        known = labels >= 0
        log_q = F.log_softmax(logits, 1)
        kl = divergence(posterior)
        pixels, entropy = self._pixel_terms(images, labels, z, logits, marginalise)
        cross = torch.zeros_like(kl)
        if known.any():
            cross = cross.index_put((known,), F.nll_loss(log_q[known], labels[known], reduction="none"))
        loss = kl_weight * kl + pixel_weight * pixels + class_weight * cross - entropy
        swapped = torch.zeros((), dtype=loss.dtype, device=loss.device)
        if swap_weight:
            swapped = self._swapped(z, generator)
            loss = loss + swap_weight * swapped
        right = (logits.argmax(1) == labels).float()
        seen = known.float().sum().clamp(min=1)
        return {
            "loss": loss.mean(),
            "pixels": pixels.mean(),
            "kl": kl.mean(),
            "cross_entropy": cross.sum() / seen,
            "accuracy": right.sum() / seen,
        } | ({"swapped": swapped} if swap_weight else {})

    def _pixel_terms(
        self, images: Tensor, labels: Tensor, z: Tensor, logits: Tensor, marginalise: int
    ) -> tuple[Tensor, Tensor]:
        """-log p(x | y, z) and the entropy of q(y | x), (N,) each.

        Where the label is unknown, the first is an expectation over q(y | x); where it is known, the second is 0.
        """
        zeros = torch.zeros(len(images), dtype=images.dtype, device=images.device)
        if self.class_input == "logits":
            return reconstruction(self.decode(logits, z), images), zeros
        known = labels >= 0
        pixels, entropy = zeros, zeros
        if known.any():
            drawn = self.pixel_logits(labels[known], z[known])
            pixels = pixels.index_put((known,), reconstruction(drawn, images[known]))
        if not known.all():
            unknown = ~known
            count = min(marginalise or self.classes, self.classes)
            log_top, top = F.log_softmax(logits, 1)[unknown].topk(count, dim=1)
            log_top = log_top - log_top.logsumexp(1, keepdim=True)
            share = log_top.exp()
            drawn = self.pixel_logits(top.flatten(), z[unknown].repeat_interleave(count, 0))
            each = reconstruction(drawn, images[unknown].repeat_interleave(count, 0)).view(-1, count)
            pixels = pixels.index_put((unknown,), (share * each).sum(1))
            entropy = entropy.index_put((unknown,), -(share * log_top).sum(1))
        return pixels, entropy

    def _swapped(self, z: Tensor, generator: torch.Generator | None) -> Tensor:
        """Cross-entropy of the class head for classes drawn at random with these z, every second one replaced."""
        asked = torch.randint(self.classes, (len(z),), generator=generator).to(z.device)
        other = torch.randn(z.shape, generator=generator, dtype=z.dtype).to(z.device)
        every_second = (torch.arange(len(z), device=z.device) % 2 == 0)[:, None]
        drawn = torch.sigmoid(self.pixel_logits(asked, torch.where(every_second, z, other)).to(z.dtype))
        drawn = distort(drawn, _GLANCE, generator)
        fixed = {name: p.detach() for name, p in self.named_parameters()}
        judged: Tensor = torch.func.functional_call(self, fixed, (drawn,))
        return F.cross_entropy(judged.to(z.dtype), asked)

    def training_losses(
        self, batch: Batch, generator: torch.Generator, config: SemiSupervisedVAEConfig
    ) -> dict[str, Tensor]:
        """See `losses`."""
        return self.losses(
            batch.images,
            batch.labels,
            generator,
            pixel_weight=config.pixel_weight,
            class_weight=config.class_weight,
            kl_weight=config.kl_weight,
            swap_weight=config.swap_weight,
            marginalise=config.marginalise,
        )

    def validation_losses(
        self, batch: Batch, generator: torch.Generator, config: SemiSupervisedVAEConfig
    ) -> dict[str, Tensor]:
        """See `losses`; without the swap term, so that runs with and without it compare."""
        return self.losses(
            batch.images,
            batch.labels,
            generator,
            pixel_weight=config.pixel_weight,
            class_weight=config.class_weight,
            kl_weight=config.kl_weight,
        )
