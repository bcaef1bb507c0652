"""Pen strokes as JSON: the tablet set of Chars74K."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from strokes.characters.scaling import draw_strokes
from strokes.documents import decode_json
from strokes.files import InputError

from .streams import Block, Tick, nothing, opened

__all__ = ["read_char74k"]

# The whole set has 3 MB.
_MOST_BYTES = 64 * 2**20
# Character -> drawings -> strokes -> points.
_Drawings = dict[str, list[list[list[tuple[float, float]]]]]


def read_char74k(
    path: str | os.PathLike[str],
    *,
    pen_width: float = 2.5,
    reject: Callable[[str], object],
    tick: Tick = nothing,
) -> Iterator[Block]:
    """Read and draw pen strokes: {"A": [[[[x, y], ...], ...], ...], ...}, y down.

    Args:
        path: of the file, gzipped or not.
        pen_width: in pixels of the 28.
        reject: called with a sentence for each drawing that has no point; it is left out.
        tick: called with the bytes read.

    Raises:
        InputError: not such a file.
    """
    path = Path(path)
    with opened(path, tick) as stream:
        content = stream.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise InputError(f"{path}: it is larger than any file of this kind")
    drawings = decode_json(content, _Drawings, str(path))
    for character in drawings:
        if len(character) != 1:
            raise InputError(f"{path}: {character[:20]!r} is not one character")
    for character, made in drawings.items():
        images = []
        for number, strokes in enumerate(made, 1):
            try:
                images.append(draw_strokes([np.array(s, np.float64) for s in strokes], pen_width))
            except (ValueError, OverflowError) as e:
                reject(f"{path}: drawing {number} of {character!r} cannot be drawn: {e}")
        if images:
            yield np.stack(images), np.full(len(images), ord(character), np.uint32)
