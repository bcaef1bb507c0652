"""Files of characters, read in pieces of bounded size, gzipped or not; what is wrong is named by file and row."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from strokes.files import InputError

__all__ = [
    "PIXELS",
    "ROW_LIMIT",
    "SIDE",
    "Block",
    "Stream",
    "Tick",
    "codes_of",
    "nothing",
    "opened",
    "upright",
]

#: Images (n, 28, 28) uint8 and their characters' code points (n,) uint32.
Block = tuple[np.ndarray, np.ndarray]
#: Is called with the amount of work done since.
Tick = Callable[[int], object]

#: Pixels of an image's side, and of all of it.
SIDE, PIXELS = 28, 784
#: Several times the largest file of this kind (EMNIST by class: 814,255 images).
ROW_LIMIT = 3_000_000


def nothing(_done: int) -> None:
    pass


class Stream:
    """A file, unpacked if it is gzipped, that tells progress and names itself in errors."""

    def __init__(self, path: Path, raw: IO[bytes], tick: Tick) -> None:
        self.path, self._raw, self._tick, self._told = path, raw, tick, 0
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        self._stream = gzip.GzipFile(fileobj=raw) if packed else raw

    def read(self, size: int) -> bytes:
        """`size` bytes, fewer only at the end.

        Raises:
            InputError: the gzip data are damaged or break off.
        """
        parts = []
        try:
            while size > 0 and (part := self._stream.read(size)):
                parts.append(part)
                size -= len(part)
        except (EOFError, zlib.error, gzip.BadGzipFile) as e:
            raise InputError(
                f"{self.path}: its gzip data are damaged or break off ({e}); get it again"
            ) from None
        at = self._raw.tell()
        self._tick(at - self._told)
        self._told = at
        return b"".join(parts)


@contextmanager
def opened(path: Path, tick: Tick = nothing) -> Iterator[Stream]:
    """A file to read from, gzipped or not; `tick` is called with the bytes read of the file itself.

    Raises:
        InputError: it is not there.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file")
    with open(path, "rb") as raw:
        yield Stream(path, raw, tick)


def codes_of(labels: np.ndarray, characters: Mapping[int, str], path: Path, first_row: int) -> np.ndarray:
    """The code points of labels (n,), or the error that names the first label without a character."""
    table = np.zeros(256, np.uint32)
    for label, character in characters.items():
        table[label] = ord(character)
    codes: np.ndarray = table[labels]
    if not codes.all():
        i = int(np.argmin(codes != 0))
        low, high = min(characters), max(characters)
        raise InputError(
            f"{path}: row {first_row + i} has the label {labels[i]}, which is none of this data set's, {low} to {high}"
        )
    return codes


def upright(images: np.ndarray, transposed: bool) -> np.ndarray:
    """Images (n, 28, 28), turned if they are stored column by column."""
    return images.transpose(0, 2, 1) if transposed else images
