"""Which images are there twice, which split an image goes to, and which are over a cap.

All hang on the images and the seed alone (by their digests), not on where in a file an image stands.
"""

from __future__ import annotations

import numpy as np

from strokes.characters.data import TEST, TRAIN, VALIDATION

from .collection import Collection
from .options import PreparationOptions

__all__ = ["over_the_cap", "repeats", "splits_of"]


def repeats(found: Collection) -> dict[str, np.ndarray]:
    """Which images to leave out so that none is there twice, by reason, each (n,) bool.

    Official test images all stay, whatever else is the same; of others the first source's. An image that
    stands for two classes is left out.
    """
    ids, labels, test = found.digests[:, :2], found.labels, found.official
    count = len(ids)
    order = np.lexsort((labels, found.origins, ~test, ids[:, 1], ids[:, 0]))
    ids, labels, test = ids[order], labels[order], test[order]
    first = np.ones(count, bool)
    first[1:] = (ids[1:] != ids[:-1]).any(axis=1)
    group = np.cumsum(first) - 1
    starts = np.flatnonzero(first)
    tested = test[starts][group]
    low, high = (f.reduceat(labels, starts) if count else labels for f in (np.minimum, np.maximum))
    mixed = (low != high)[group] & ~tested
    out = {
        "also a test image": tested & ~test,
        "repeated": ~first & ~tested & ~mixed,
        "one image, two classes": mixed,
    }
    back = np.empty(count, np.int64)
    back[order] = np.arange(count)
    return {reason: rows[back] for reason, rows in out.items()}


def splits_of(found: Collection, classes: int, options: PreparationOptions) -> np.ndarray:
    """The split of each image, (n,) uint8: shares of each class of each source.

    A source that has an official test split keeps it, and gives no other image to test on.
    """
    splits = np.where(found.official, TEST, TRAIN).astype(np.uint8)
    for origin in range(len(found.counts)):
        own = found.origins == origin
        share = 0.0 if found.official[own].any() else options.test
        for label in range(classes):
            rows = np.flatnonzero(own & found.kept & ~found.official & (found.labels == label))
            rows = rows[np.argsort(found.digests[rows, 2], kind="stable")]
            tested = int(len(rows) * share + 0.5)
            splits[rows[:tested]] = TEST
            splits[rows[tested : tested + int(len(rows) * options.validation + 0.5)]] = VALIDATION
    return splits


def over_the_cap(found: Collection, classes: int, splits: np.ndarray, cap: int) -> np.ndarray:
    """The rows of training images beyond `cap` a class."""
    over = []
    for label in range(classes):
        rows = np.flatnonzero(found.kept & (splits == TRAIN) & (found.labels == label))
        over.append(rows[np.argsort(found.digests[rows, 3], kind="stable")[cap:]])
    return np.concatenate(over)
