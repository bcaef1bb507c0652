"""Variational autoencoders that know the class: the semi-supervised one and the conditional one.

Both bound log p(x | y) from below (Kingma and Welling 2013, arXiv:1312.6114) with a standard normal prior,
a diagonal Gaussian posterior and a Bernoulli likelihood of each pixel's grey value.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .distortion import Distortion, distort

__all__ = ["ConditionalVAE", "Posterior", "SemiSupervisedVAE", "combine", "divergence"]

# How drawn characters are moved before the class head looks at them.
_GLANCE = Distortion(rotate=0.1, scale=0.1, shear=0.1, shift=1.0)


class Posterior(NamedTuple):
    """q(z | x): a diagonal Gaussian, (N, latent) each."""

    mean: Tensor
    log_var: Tensor

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """Z = mean + deviation * noise, (N, latent)."""
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
    logits = logits.to(images.dtype)  # of products in bfloat16, perhaps
    return F.binary_cross_entropy_with_logits(logits, images, reduction="none").flatten(1).sum(1)


class SemiSupervisedVAE(nn.Module):
    """Class and style of an image apart: q(y | x), q(z | x) and p(x | y, z) (the M2 model of Kingma, Rezende,
    Mohamed and Welling 2014, arXiv:1406.5298).

    Two strided convolutions, 28x28x1 -> 14x14x32 -> 7x7x32, are shared by the class head (1568 -> 128 ->
    classes) and the posterior's (1568 -> 64 means and 64 log-variances). The decoder adds what it makes of the
    class (classes -> 128 -> 1568) to what it makes of z (64 -> 1568), and two transposed convolutions
    draw the image.

    Args:
        classes: how many.
        latent: size of z.
        channels: of both convolutions.
        hidden: units between classes and 1568, both ways.
        class_input: what stands for the class in the decoder while training: "label" (one of classes, as in
            the paper; an unknown one is marginalised) or "logits" of the class head (through which style
            can pass by z).
    """

    def __init__(
        self,
        classes: int,
        latent: int = 64,
        channels: int = 32,
        hidden: int = 128,
        class_input: str = "label",
    ) -> None:
        super().__init__()
        if class_input not in ("label", "logits"):
            raise ValueError(f"class_input must be label or logits, not {class_input!r}")
        self.classes, self.latent, self.class_input = classes, latent, class_input
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
        self.posterior_head = nn.Linear(flat, 2 * latent)
        self.from_class = nn.Sequential(nn.Linear(classes, hidden), nn.ReLU(), nn.Linear(hidden, flat))
        self.from_latent = nn.Linear(latent, flat)
        self.draw = nn.Sequential(
            nn.ReLU(),
            nn.ConvTranspose2d(channels, channels, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(channels, 1, 4, stride=2, padding=1),
        )

    # As confident as a class head is of a clear image.
    _CONFIDENT = 12.0

    def encode(self, images: Tensor) -> tuple[Tensor, Posterior]:
        """(N, 1, 28, 28) in 0..1 -> logits of the class (N, classes), q(z | x)."""
        features = self.convolutions(images)
        logits, posterior = (
            head(features).to(images.dtype) for head in (self.class_head, self.posterior_head)
        )
        return logits, Posterior(*posterior.chunk(2, dim=1))

    def forward(self, images: Tensor) -> Tensor:
        """Logits of the class, (N, classes)."""
        return self.class_head(self.convolutions(images))

    def decode(self, classes: Tensor, z: Tensor) -> Tensor:
        """Class vectors (N, classes) and z (N, latent) -> logits of the pixels (N, 1, 28, 28)."""
        return self.draw((self.from_class(classes) + self.from_latent(z)).unflatten(1, self.shape))

    def class_vectors(self, labels: Tensor) -> Tensor:
        """Labels (N,) as the decoder takes them, (N, classes)."""
        one_hot = F.one_hot(labels, self.classes).to(self.from_latent.weight)
        return one_hot if self.class_input == "label" else self._CONFIDENT * (one_hot - 1 / self.classes)

    def sample(
        self, labels: Tensor, generator: torch.Generator | None = None, z: Tensor | None = None
    ) -> Tensor:
        """Images of these classes, (N, 1, 28, 28) in 0..1; z is the prior's unless given, (N or 1, latent)."""
        if z is None:
            z = torch.randn(len(labels), self.latent, generator=generator)
        z = z.to(self.from_latent.weight).expand(len(labels), -1)
        return torch.sigmoid(self.decode(self.class_vectors(labels.to(z.device)), z))

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
            pixel_weight, class_weight, kl_weight: of the three terms.
            swap_weight: of a fourth, which is not in the paper: the cross-entropy of the class head, held fixed, for
                other classes drawn with the z of these images (and, every second one, with a z of the prior). It
                keeps what makes a character that character out of z.
            marginalise: the expectation runs over the so many likeliest classes, renormalised; 0 for all.
        """
        logits, posterior = self.encode(images)
        z = posterior.sample(generator)
        known = labels >= 0
        log_q = F.log_softmax(logits, 1)
        kl = divergence(posterior)
        loss = kl_weight * kl
        pixels = torch.zeros_like(kl)
        entropy = torch.zeros_like(kl)
        cross = torch.zeros_like(kl)
        if self.class_input == "logits":
            pixels = reconstruction(self.decode(logits, z), images)
        elif known.any():
            pixels = pixels.index_put(
                (known,),
                reconstruction(self.decode(self.class_vectors(labels[known]), z[known]), images[known]),
            )
        if known.any():
            cross = cross.index_put((known,), F.nll_loss(log_q[known], labels[known], reduction="none"))
        if self.class_input == "label" and not known.all():
            unknown = ~known
            count = min(marginalise or self.classes, self.classes)
            log_top, top = log_q[unknown].topk(count, dim=1)
            log_top = log_top - log_top.logsumexp(1, keepdim=True)
            share = log_top.exp()
            drawn = self.decode(self.class_vectors(top.flatten()), z[unknown].repeat_interleave(count, 0))
            each = reconstruction(drawn, images[unknown].repeat_interleave(count, 0)).view(-1, count)
            pixels = pixels.index_put((unknown,), (share * each).sum(1))
            entropy = entropy.index_put((unknown,), -(share * log_top).sum(1))
        loss = loss + pixel_weight * pixels + class_weight * cross - entropy
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

    def _swapped(self, z: Tensor, generator: torch.Generator | None) -> Tensor:
        """Cross-entropy of the class head for classes drawn at random with these z, every second one replaced."""
        asked = torch.randint(self.classes, (len(z),), generator=generator).to(z.device)
        other = torch.randn(z.shape, generator=generator, dtype=z.dtype).to(z.device)
        every_second = (torch.arange(len(z), device=z.device) % 2 == 0)[:, None]
        drawn = torch.sigmoid(
            self.decode(self.class_vectors(asked), torch.where(every_second, z, other)).to(z.dtype)
        )
        # Judged as readers would, not by the grain of a few pixels.
        drawn = distort(drawn, _GLANCE, generator)
        fixed = {name: p.detach() for name, p in self.named_parameters()}
        return F.cross_entropy(torch.func.functional_call(self, fixed, (drawn,)).to(z.dtype), asked)

    def bound(self, images: Tensor, labels: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """-ELBO of log p(x | y) in nats, from one z each, (N,)."""
        _, posterior = self.encode(images)
        drawn = self.decode(self.class_vectors(labels), posterior.sample(generator))
        return reconstruction(drawn, images) + divergence(posterior)


class ConditionalVAE(nn.Module):
    """A multilayer perceptron with the label, one of classes, at both ends (Sohn, Lee and Yan 2015):
    784 + classes -> 400 -> 20 means and log-variances; 20 + classes -> 400 -> 784.

    Args:
        classes: how many.
        hidden, latent: units.
    """

    def __init__(self, classes: int = 10, hidden: int = 400, latent: int = 20) -> None:
        super().__init__()
        self.classes, self.latent = classes, latent
        self.hidden = nn.Linear(784 + classes, hidden)
        self.posterior_head = nn.Linear(hidden, 2 * latent)
        self.draw = nn.Sequential(nn.Linear(latent + classes, hidden), nn.ReLU(), nn.Linear(hidden, 784))

    def encode(self, images: Tensor, labels: Tensor) -> Posterior:
        """(N, 1, 28, 28) in 0..1 and labels (N,) -> q(z | x, y)."""
        both = torch.cat([images.flatten(1), F.one_hot(labels, self.classes).to(images)], 1)
        posterior = self.posterior_head(F.relu(self.hidden(both))).to(images.dtype)
        return Posterior(*posterior.chunk(2, dim=1))

    def decode(self, labels: Tensor, z: Tensor) -> Tensor:
        """Labels (N,) and z (N, latent) -> logits of the pixels (N, 1, 28, 28)."""
        both = torch.cat([z, F.one_hot(labels, self.classes).to(z)], 1)
        return self.draw(both).view(-1, 1, 28, 28)

    def sample(
        self, labels: Tensor, generator: torch.Generator | None = None, z: Tensor | None = None
    ) -> Tensor:
        """Images of these classes, (N, 1, 28, 28) in 0..1; z is the prior's unless given, (N or 1, latent)."""
        if z is None:
            z = torch.randn(len(labels), self.latent, generator=generator)
        z = z.to(self.hidden.weight).expand(len(labels), -1)
        return torch.sigmoid(self.decode(labels.to(z.device), z))

    def losses(
        self,
        images: Tensor,
        labels: Tensor,
        generator: torch.Generator | None = None,
        *,
        pixel_weight: float = 1.0,
        kl_weight: float = 1.0,
    ) -> dict[str, Tensor]:
        """ "loss", its parts "pixels" and "kl"; means over the batch, in nats.

        Args:
            images: (N, 1, 28, 28) in 0..1.
            labels: (N,).
            pixel_weight, kl_weight: of the two parts.
        """
        posterior = self.encode(images, labels)
        pixels = reconstruction(self.decode(labels, posterior.sample(generator)), images).mean()
        kl = divergence(posterior).mean()
        return {"loss": pixel_weight * pixels + kl_weight * kl, "pixels": pixels, "kl": kl}

    def bound(self, images: Tensor, labels: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """-ELBO of log p(x | y) in nats, from one z each, (N,)."""
        posterior = self.encode(images, labels)
        return reconstruction(self.decode(labels, posterior.sample(generator)), images) + divergence(
            posterior
        )
