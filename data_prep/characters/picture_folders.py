"""Folders of pictures, named by their class."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from strokes.characters.image import load_image
from strokes.files import InputError

from .streams import Block, Tick, nothing

__all__ = ["class_folders", "read_folder"]

_PICTURES = frozenset(
    (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pbm", ".pgm", ".ppm")
)
_PICTURES_A_BLOCK = 256


def read_folder(
    folder: str | os.PathLike[str],
    *,
    reject: Callable[[str], object],
    tick: Tick = nothing,
) -> Iterator[Block]:
    """Read pictures from subfolders that are named by their class: A, B, 7, ...

    Files whose name is not one of a picture, and hidden ones, are passed over.

    Args:
        folder: where the subfolders are.
        reject: called with a sentence for each picture that cannot be read or shows no character; it is left out.
        tick: called with the number of pictures read.
    """
    for of, paths in class_folders(Path(folder)).items():
        for first in range(0, len(paths), _PICTURES_A_BLOCK):
            images = []
            for path in paths[first : first + _PICTURES_A_BLOCK]:
                try:
                    images.append(load_image(path))
                except InputError as e:
                    reject(str(e))
                tick(1)
            if images:
                yield np.stack(images), np.full(len(images), ord(of), np.uint32)


def class_folders(folder: Path) -> dict[str, list[Path]]:
    """Class -> its pictures, sorted by name; nothing for folders with longer names or without pictures."""
    found = {}
    for below in sorted(p for p in folder.iterdir() if p.is_dir() and len(p.name) == 1):
        paths = [
            p for p in sorted(below.iterdir()) if p.suffix.lower() in _PICTURES and not p.name.startswith(".")
        ]
        if paths:
            found[below.name] = paths
    return found
