"""Scores of characters: accuracy, likelihood bounds, and distances in the features of a reference classifier."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy import linalg
from scipy.spatial.distance import cdist
from torch import Tensor, nn

from .arrays import as_tensor, batches
from .kinds.classifier import Classifier
from .kinds.variational import VariationalNetwork

__all__ = ["Tick", "accuracy", "features", "frechet_distance", "negative_elbo", "precision_recall", "silent"]

#: Is called with the amount of work done since.
Tick = Callable[[int], object]


def silent(_done: int) -> None:
    """A tick that shows nothing."""


@torch.no_grad()
def accuracy(
    network: nn.Module,
    images: np.ndarray,
    labels: np.ndarray,
    among: np.ndarray | None = None,
    tick: Tick = silent,
) -> float:
    """Share of images whose likeliest class is theirs.

    Args:
        network: images (N, 1, 28, 28) in 0..1 -> logits (N, classes).
        images: (N, 28, 28) uint8.
        labels: (N,).
        among: the classes to choose from, (k,); all if None.
    """
    right = 0
    for rows in batches(len(images)):
        logits = network(as_tensor(images[rows]))
        if among is not None:
            allowed = torch.full((logits.shape[1],), -torch.inf)
            allowed[torch.from_numpy(np.asarray(among))] = 0
            logits = logits + allowed
        right += int((logits.argmax(1).numpy() == labels[rows]).sum())
        tick(len(labels[rows]))
    return right / max(1, len(images))


@torch.no_grad()
def features(judge: Classifier, images: np.ndarray | Tensor) -> np.ndarray:
    """The judge's penultimate activations, (N, features) float64, of (N, 28, 28) uint8 or (N, 1, 28, 28) in 0..1."""
    x = as_tensor(images) if isinstance(images, np.ndarray) else images
    return np.concatenate([judge.features(x[rows]).double().numpy() for rows in batches(len(x))])


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """The Frechet distance of two Gaussians fitted to features, |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))
    (Dowson and Landau 1982; Heusel et al. 2017, arXiv:1706.08500, with Inception's features).

    Args:
        a, b: (n, features) and (m, features).

    Raises:
        ValueError: fewer than two rows.
    """
    if len(a) < 2 or len(b) < 2:
        raise ValueError("a Frechet distance needs at least two rows on each side")
    c1, c2 = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    # The root's trace from the eigenvalues of the symmetric C1^(1/2) C2 C1^(1/2), which has no complex root.
    values, vectors = linalg.eigh(np.atleast_2d(c1))
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    trace = np.sqrt(linalg.eigvalsh(root @ np.atleast_2d(c2) @ root).clip(0)).sum()
    difference = a.mean(0) - b.mean(0)
    return float(max(0.0, difference @ difference + np.trace(np.atleast_2d(c1 + c2)) - 2 * trace))


def precision_recall(real: np.ndarray, drawn: np.ndarray, neighbours: int = 3) -> tuple[float, float]:
    """Improved precision and recall (Kynkaanniemi et al. 2019, arXiv:1904.06991): the share of drawn images
    within the k-th-neighbour balls of real ones, and of real images within those of drawn ones.

    Low recall with high precision is mode collapse.

    Args:
        real, drawn: features, (n, d) and (m, d), each more than `neighbours` rows.
    """

    def covered(centres: np.ndarray, points: np.ndarray) -> float:
        # The nearest of all is the centre itself.
        own = np.concatenate(
            [
                np.partition(cdist(centres[rows], centres), neighbours, axis=1)[:, neighbours]
                for rows in batches(len(centres))
            ]
        )
        inside = sum(int((cdist(points[rows], centres) <= own).any(1).sum()) for rows in batches(len(points)))
        return inside / len(points)

    return covered(real, drawn), covered(drawn, real)


@torch.no_grad()
def negative_elbo(
    network: VariationalNetwork[Any], images: np.ndarray, labels: np.ndarray, seed: int = 0
) -> float:
    """Mean -ELBO of log p(x | y) in nats an image, pixels summed, one z each.

    Args:
        network: a variational autoencoder.
        images: (N, 28, 28) uint8.
        labels: (N,).
        seed: of z.
    """
    generator = torch.Generator().manual_seed(seed)
    total = 0.0
    for rows in batches(len(images)):
        of = torch.from_numpy(labels[rows])
        total += network.bound(as_tensor(images[rows]), of, generator).double().sum().item()
    return total / max(1, len(images))
