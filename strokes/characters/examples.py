"""What a training run of a character model reads, and in which order."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..files import InputError
from .config import CharacterTrainingConfig
from .data import CharacterSet, resolve_classes

__all__ = ["Examples", "Place"]


@dataclass(frozen=True)
class Place:
    """A batch of a run.

    Attributes:
        epoch: of the run, from 0.
        batch: of the epoch, from 0.
        rows: of the images to train on, (n,) int64.
        last: whether the epoch ends with it.
    """

    epoch: int
    batch: int
    rows: np.ndarray
    last: bool


@dataclass(frozen=True, eq=False)
class Examples:
    """Images and labels of the classes that are trained on.

    Attributes:
        images: to train on, (N, 28, 28) uint8.
        labels: of these, (N,) int64, index into `classes`; -1 where hidden.
        held_images: to validate on, (M, 28, 28) uint8.
        held_labels: of these, (M,).
        classes: one character a class.
    """

    images: np.ndarray
    labels: np.ndarray
    held_images: np.ndarray
    held_labels: np.ndarray
    classes: str

    @classmethod
    def select(
        cls, characters: CharacterSet, config: CharacterTrainingConfig, unlabelled: bool = False
    ) -> Examples:
        """Those that `config` asks for.

        Args:
            characters: all there are.
            config: its classes, and the share of the labels that is used.
            unlabelled: whether images whose label is hidden are kept.

        Raises:
            InputError: a class is not in the file, or has no image to train on.
        """
        wanted = resolve_classes(config.classes, "--classes") if config.classes else characters.classes
        lacking = "".join(c for c in wanted if c not in characters.classes)
        if lacking:
            raise InputError(
                f"--classes {config.classes}: {lacking!r} is not among the classes of this file, "
                f"{characters.classes}"
            )
        table = np.array([wanted.find(c) for c in characters.classes])
        (images, labels), held = (_of_classes(*characters.subset(s), table) for s in ("train", "validation"))
        counts = np.bincount(labels, minlength=len(wanted))
        if not counts.all():
            empty = "".join(c for c, n in zip(wanted, counts, strict=True) if not n)
            raise InputError(
                f"there is no image to train on of {empty}; add some, or leave it out of --classes"
            )
        if config.labelled < 1:
            labels = _hide(labels, counts, config)
            if not unlabelled:
                images, labels = images[labels >= 0], labels[labels >= 0]
        return cls(images, labels, *held, wanted)

    def __len__(self) -> int:
        """The number of images to train on."""
        return len(self.labels)

    def checksum(self) -> int:
        """CRC-32 of the images and labels to train on."""
        return zlib.crc32(self.labels.tobytes(), zlib.crc32(np.ascontiguousarray(self.images).data))

    def batches_per_epoch(self, config: CharacterTrainingConfig) -> int:
        """Batches that hold as many images as there are to train on."""
        return math.ceil(len(self) / config.batch)

    def places(self, config: CharacterTrainingConfig, epoch: int = 0, batch: int = 0) -> Iterator[Place]:
        """The batches of a run from this place on; each depends on the seed and its place alone."""
        count = self.batches_per_epoch(config)
        for e in range(epoch, config.epochs):
            order = self.order(config, e)
            for b in range(batch if e == epoch else 0, count):
                rows = order[b * config.batch : (b + 1) * config.batch]
                yield Place(e, b, rows, b == count - 1)

    def order(self, config: CharacterTrainingConfig, epoch: int) -> np.ndarray:
        """The rows of an epoch, (N,). With hidden labels, every second image of a batch has one."""
        rng = np.random.default_rng((config.seed, 0, epoch))
        known = np.flatnonzero(self.labels >= 0)
        counts = np.bincount(self.labels[known], minlength=len(self.classes))
        of_class = len(self.classes) * counts[self.labels[known]]
        chance = (1 - config.balance) / len(known) + config.balance / of_class

        def draw(n: int) -> np.ndarray:
            if config.balance == 0 and n == len(known):
                return rng.permutation(known)
            return known[rng.choice(len(known), n, p=chance / chance.sum())]

        if len(known) == len(self):
            return draw(len(self))
        order = rng.permutation(len(self))
        order[::2] = draw(len(order[::2]))
        return order


def _of_classes(images: np.ndarray, labels: np.ndarray, table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Images and new labels of the classes that `table` (old label -> new, -1 for none) keeps."""
    labels = table[labels]
    return images[labels >= 0], labels[labels >= 0]


def _hide(labels: np.ndarray, counts: np.ndarray, config: CharacterTrainingConfig) -> np.ndarray:
    """Labels with all but a share of each class hidden, at least one of each left."""
    rng = np.random.default_rng((config.seed, 1))
    hidden = np.ones(len(labels), bool)
    for label, count in enumerate(counts):
        keep = max(1, round(count * config.labelled))
        hidden[rng.permutation(np.flatnonzero(labels == label))[:keep]] = False
    return np.where(hidden, -1, labels)
