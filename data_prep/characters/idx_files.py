"""idx files: MNIST and EMNIST."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from strokes.files import InputError

from .streams import PIXELS, ROW_LIMIT, SIDE, Block, Stream, Tick, codes_of, nothing, opened, upright

__all__ = ["read_idx"]

_IMAGES_MAGIC, _LABELS_MAGIC = 0x803, 0x801
_ROWS_A_BLOCK = 4096


def _idx_header(stream: Stream, magic: int) -> int:
    """The number of items, which are bytes (labels) or 28x28 bytes (images)."""
    path, sizes = stream.path, 3 if magic == _IMAGES_MAGIC else 1
    what = {_IMAGES_MAGIC: "images", _LABELS_MAGIC: "labels"}
    header = np.frombuffer(stream.read(4 + 4 * sizes), np.uint8)
    found = int.from_bytes(header[:4].tobytes(), "big")
    if len(header) >= 4 and found != magic:
        is_other = f" (it is a file of {what[found]})" if found in what else ""
        raise InputError(
            f"{path}: its magic number is 0x{found:08x}, that of idx {what[magic]} is 0x{magic:08x}{is_other}"
        )
    if len(header) < 4 + 4 * sizes:
        raise InputError(f"{path}: it breaks off within its header; get it again")
    sizes_found: list[int] = header[4:].view(">u4").tolist()
    count, *shape = sizes_found
    if sizes == 3 and shape != [SIDE, SIDE]:
        raise InputError(f"{path}: its images have {shape[0]} x {shape[1]} pixels, not 28 x 28")
    if count > ROW_LIMIT:
        raise InputError(
            f"{path}: its header counts {count:,} {what[magic]}, more than any data set of this kind has"
        )
    return count


def _idx_items(stream: Stream, magic: int, count: int) -> Iterator[bytes]:
    """The items after the header, some thousand at a time; checked to be as many as it counts."""
    size, what = (PIXELS, "image") if magic == _IMAGES_MAGIC else (1, "label")
    for first in range(0, count, _ROWS_A_BLOCK):
        wanted = min(_ROWS_A_BLOCK, count - first) * size
        content = stream.read(wanted)
        if len(content) < wanted:
            row = first + len(content) // size + 1
            raise InputError(f"{stream.path}: it breaks off at {what} {row:,} of {count:,}; get it again")
        yield content
    if stream.read(1):
        raise InputError(f"{stream.path}: it goes on after the {count:,} {what}s that its header counts")


def read_idx(
    images: str | os.PathLike[str],
    labels: str | os.PathLike[str],
    characters: Mapping[int, str],
    *,
    transposed: bool = False,
    tick: Tick = nothing,
) -> Iterator[Block]:
    """Read a pair of idx files, gzipped or not.

    Args:
        characters: the character of each label.
        transposed: whether the images are stored column by column, as EMNIST's are.
        tick: called with the bytes read of the file of images.

    Raises:
        InputError: a wrong magic number, images that are not 28x28, a file that breaks off or goes on
            after its end, counts that differ, a label without a character.
    """
    images, labels = Path(images), Path(labels)
    with opened(labels) as stream:
        label_count = _idx_header(stream, _LABELS_MAGIC)
        of = np.frombuffer(b"".join(_idx_items(stream, _LABELS_MAGIC, label_count)), np.uint8)
    codes = codes_of(of, characters, labels, 1)
    with opened(images, tick) as stream:
        count = _idx_header(stream, _IMAGES_MAGIC)
        if count != label_count:
            raise InputError(
                f"{images}: it has {count:,} images, but {labels.name} has {label_count:,} labels"
            )
        done = 0
        for content in _idx_items(stream, _IMAGES_MAGIC, count):
            block = np.frombuffer(content, np.uint8).reshape(-1, SIDE, SIDE)
            yield upright(block, transposed), codes[done : done + len(block)]
            done += len(block)
