"""CharacterSet: 28x28 images of characters, their classes and splits, in one file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta

from ..documents import decode_json
from ..files import InputError
from ..npz import read_npz, save_npz

__all__ = ["CLASSES", "SPLITS", "TEST", "TRAIN", "VALIDATION", "CharacterSet", "resolve_classes"]

#: Names for sets of classes.
CLASSES = {"digits": "0123456789", "letters": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
CLASSES["all"] = CLASSES["digits"] + CLASSES["letters"]

#: Names of the splits; a row's split is the index into them.
SPLITS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)

_SHAPE = (28, 28)
# Five times what the largest data set of this kind (EMNIST by class) unpacks to.
_UNPACKED_LIMIT = 4 * 2**30


def resolve_classes(asked: str, option: str) -> str:
    """The characters that a name of classes, or a string of the characters themselves, stands for, each once.

    Raises:
        InputError: it is nearly such a name, or names no character.
    """
    if asked in CLASSES:
        return CLASSES[asked]
    if not asked.strip() or asked.lower() in CLASSES or asked.lower() + "s" in CLASSES:
        raise InputError(
            f"{option} {asked}: give {', '.join(CLASSES)}, or the characters themselves, as {option} ABC7"
        )
    return "".join(dict.fromkeys(asked))


@dataclass(frozen=True, eq=False)
class CharacterSet:
    """Images of characters, ready to train on.

    Attributes:
        images: (N, 28, 28) uint8, ink white (255) on black.
        labels: (N,) int64, index into `classes`.
        classes: one character a class.
        splits: (N,) uint8, index into `SPLITS`: TRAIN, VALIDATION or TEST.
        sources: the names of the data sets that the images come from.
        origins: (N,) uint16, index into `sources`.
        options: how the set was prepared; anything that JSON holds.

    Raises:
        ValueError: the arrays have other shapes or types, do not fit together, or point at no class,
            split or source.
    """

    images: np.ndarray
    labels: np.ndarray
    classes: str
    splits: np.ndarray
    sources: tuple[str, ...]
    origins: np.ndarray
    options: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        count = len(self.images)
        wanted = {
            "images": (np.uint8, (count, *_SHAPE)),
            "labels": (np.int64, (count,)),
            "splits": (np.uint8, (count,)),
            "origins": (np.uint16, (count,)),
        }
        for name, (dtype, shape) in wanted.items():
            array = getattr(self, name)
            if array.dtype != dtype or array.shape != shape:
                raise ValueError(
                    f"{name} must be {np.dtype(dtype)} of shape {shape}, not {array.dtype} of shape {array.shape}"
                )
        if not self.classes or len(set(self.classes)) != len(self.classes):
            raise ValueError(f"classes must be different characters, at least one, not {self.classes!r}")
        ends = {"labels": len(self.classes), "splits": len(SPLITS), "origins": len(self.sources)}
        for name, end in ends.items():
            array = getattr(self, name)
            if count and not (array.min() >= 0 and array.max() < end):
                raise ValueError(f"{name} must be 0 to {end - 1}, not {array.min()} to {array.max()}")

    def __len__(self) -> int:
        """The number of images."""
        return len(self.images)

    def subset(self, split: str) -> tuple[np.ndarray, np.ndarray]:
        """Images (n, 28, 28) uint8 and labels (n,) int64 of "train", "validation" or "test".

        Raises:
            ValueError: there is no such split.
        """
        if split not in SPLITS:
            raise ValueError(f"there is no split {split!r}; there are {', '.join(SPLITS)}")
        rows = self.splits == SPLITS.index(split)
        return self.images[rows], self.labels[rows]

    def counts(self) -> np.ndarray:
        """Images of each class in each split, (classes, 3) int64."""
        cells = self.labels * len(SPLITS) + self.splits
        return np.bincount(cells, minlength=len(self.classes) * len(SPLITS)).reshape(-1, len(SPLITS))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one compressed .npz without pickled objects, whole or not at all.

        Raises:
            InputError: the file cannot be written there.
        """
        meta = _Meta("strokes-characters-1", self.classes, self.sources, dict(self.options))
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        save_npz(path, {"meta": np.array(msgspec.json.encode(meta).decode()), **arrays})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> CharacterSet:
        """Read a file that `save` wrote.

        Raises:
            InputError: the file is missing, damaged, or something else than a set of characters.
        """
        try:
            arrays = read_npz(path, {"meta": ("U", 0), **_ARRAYS}, _UNPACKED_LIMIT)
            meta = decode_json(str(arrays.pop("meta")).encode(), _Meta, "its description")
            return cls(classes=meta.classes, sources=meta.sources, options=meta.options, **arrays)
        except FileNotFoundError:
            raise InputError(f"{path}: no such file; make one with 'strokes prepare characters'") from None
        except ValueError as e:
            raise InputError(
                f"{path}: not a set of characters that 'strokes prepare characters' made, or damaged ({e})"
            ) from None


@dataclass(frozen=True)
class _Meta:
    """The document inside a set of characters."""

    format: Literal["strokes-characters-1"]
    classes: Annotated[str, Meta(min_length=1, max_length=5000)]
    sources: Annotated[tuple[str, ...], Meta(max_length=65535)]
    options: dict[str, Any]


# Kinds and dimensions of the arrays in a file.
_ARRAYS = {"images": ("u1", 3), "labels": ("i8", 1), "splits": ("u1", 1), "origins": ("u2", 1)}
