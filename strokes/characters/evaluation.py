"""How good drawn characters are, by figures that an independent judge's features give.

Figures compare only where judge, reference images and their numbers are the same, and stand beside a floor: what
real images get against real ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy import linalg
from scipy.spatial.distance import cdist
from torch import Tensor, nn

from .arrays import as_tensor, batches
from .kinds.classifier import Classifier
from .kinds.variational import VariationalNetwork
from .model import CharacterModel

__all__ = [
    "Drawn",
    "accuracy",
    "compare",
    "draw_evenly",
    "features",
    "frechet_distance",
    "negative_elbo",
    "precision_recall",
]

Tick = Callable[[int], object]


def _silent(_done: int) -> None:
    pass


@torch.no_grad()
def accuracy(
    network: nn.Module,
    images: np.ndarray,
    labels: np.ndarray,
    among: np.ndarray | None = None,
    tick: Tick = _silent,
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


@dataclass(frozen=True)
class Drawn:
    """Images that a model drew, (N, 1, 28, 28) in 0..1, and the labels asked for, (N,)."""

    images: Tensor
    labels: Tensor


@torch.no_grad()
def draw_evenly(
    model: CharacterModel, classes: str, each: int, seed: int = 0, tick: Tick = _silent, spread: float = 1.0
) -> Drawn:
    """So many images of each of `classes`; as 8-bit images would have them. `spread` is that of z."""
    labels = model.labels(classes).repeat_interleave(each)
    generator = torch.Generator().manual_seed(seed)
    parts = []
    for rows in batches(len(labels)):
        parts.append((model.draw(labels[rows], generator, spread) * 255).round() / 255)
        tick(len(parts[-1]))
    return Drawn(torch.cat(parts), labels)


@torch.no_grad()
def negative_elbo(model: CharacterModel, images: np.ndarray, labels: np.ndarray, seed: int = 0) -> float:
    """Mean -ELBO of log p(x | y) in nats an image, pixels summed, one z each.

    Raises:
        ValueError: the model is no variational autoencoder.
    """
    network = model.network
    if not isinstance(network, VariationalNetwork):
        raise ValueError(f"a {model.kind} has no bound of log p(x | y)")
    generator = torch.Generator().manual_seed(seed)
    total = 0.0
    for rows in batches(len(images)):
        of = torch.from_numpy(labels[rows])
        total += network.bound(as_tensor(images[rows]), of, generator).double().sum().item()
    return total / max(1, len(images))


def compare(
    judge: CharacterModel, real: np.ndarray, real_labels: np.ndarray, drawn: Drawn, model: CharacterModel
) -> dict[str, float]:
    """What the judge says of drawn images, beside real ones of the same classes.

    Of the real images (which neither judge nor model should have been trained on) two lots are taken, with equally
    many of each class: the first is the reference of all distances, and the second, beside the first, gives the
    floor. As many drawn images, equally many of each class (of a model that cannot be asked, as they come), are the
    third.

    Args:
        judge: a classifier.
        real: (N, 28, 28) uint8.
        real_labels: (N,), of the judge's classes.
        drawn: of `model`, evenly of its classes.
        model: what is judged.

    Returns:
        n (images in each lot), frechet, frechet_floor, precision, recall and those of real images, and, of models
        that draw on demand, of all drawn images, class_asked: the share that the judge takes for the class asked
        for, among all classes that it knows, and among_own: among the classes that were asked for.

    Raises:
        ValueError: a class has fewer than two real images, or none was drawn, or the judge is no classifier.
    """
    if not isinstance(judge.network, Classifier):
        raise ValueError(f"a {judge.kind} is no judge")
    rng = np.random.default_rng(0)
    classes, counts = np.unique(real_labels, return_counts=True)
    asked = np.array([judge.classes.index(c) for c in model.classes])[drawn.labels.numpy()]
    each = int(counts.min()) // 2
    if model.on_demand:
        each = min(each, int(np.bincount(asked, minlength=len(judge.classes))[classes].min()))
    each = min(each, len(asked) // len(classes))
    if each < 1:
        raise ValueError("a comparison needs two real and one drawn image of each class")
    rows = [rng.permutation(np.flatnonzero(real_labels == c)) for c in classes]
    first, second = (np.concatenate([r[i * each : (i + 1) * each] for r in rows]) for i in (0, 1))
    if model.on_demand:
        third = np.concatenate([np.flatnonzero(asked == c)[:each] for c in classes])
    else:
        third = rng.permutation(len(asked))[: each * len(classes)]
    of_first, of_second = (features(judge.network, real[lot]) for lot in (first, second))
    of_drawn = features(judge.network, drawn.images[torch.from_numpy(third)])
    precision, recall = precision_recall(of_first, of_drawn)
    real_precision, real_recall = precision_recall(of_first, of_second)
    result: dict[str, float] = {
        "n": each * len(classes),
        "frechet": frechet_distance(of_first, of_drawn),
        "frechet_floor": frechet_distance(of_first, of_second),
        "precision": precision,
        "recall": recall,
        "real_precision": real_precision,
        "real_recall": real_recall,
    }
    if model.on_demand:
        images = (drawn.images.squeeze(1) * 255).round().to(torch.uint8).numpy()
        result["class_asked"] = accuracy(judge.network, images, asked)
        result["among_own"] = accuracy(judge.network, images, asked, np.unique(asked))
    return result
