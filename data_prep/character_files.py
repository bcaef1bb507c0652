"""Files of handwritten characters -> blocks of 28x28 images and their characters: one function a format.

Files come from strangers: every one is read in pieces of bounded size, whatever its header says, and
what is wrong is named by file and row.
"""

from __future__ import annotations

import gzip
import json
import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from strokes.characters.image import load_image
from strokes.characters.scaling import draw_strokes
from strokes.files import InputError

__all__ = ["Block", "class_folders", "opened", "read_char74k", "read_csv", "read_folder", "read_idx"]

#: Images (n, 28, 28) uint8 and their characters' code points (n,) uint32.
Block = tuple[np.ndarray, np.ndarray]

_SIDE, _PIXELS = 28, 784
_IMAGES_MAGIC, _LABELS_MAGIC = 0x803, 0x801
_ROWS_A_BLOCK = 4096
# Several times the largest file of this kind (EMNIST by class: 814,255 images).
_ROW_LIMIT = 3_000_000
_CSV_BLOCK = 2**20
# A row of 785 numbers of three digits has 3,140 bytes; spaces and quotes are borne with.
_CSV_ROW_LIMIT = 2**15
_JSON_LIMIT = 256 * 2**20
_PICTURES = frozenset(
    (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pbm", ".pgm", ".ppm")
)


def _nothing(_done: int) -> None:
    pass


class _Stream:
    """A file, unpacked if it is gzipped, that tells progress and names itself in errors."""

    def __init__(self, path: Path, raw: IO[bytes], tick: Callable[[int], object]) -> None:
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
def opened(path: Path, tick: Callable[[int], object] = _nothing) -> Iterator[_Stream]:
    """A file to read from, gzipped or not; `tick` is called with the bytes read of the file itself.

    Raises:
        InputError: it is not there.
    """
    try:
        raw = open(path, "rb")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    with raw:
        yield _Stream(path, raw, tick)


def _codes_of(labels: np.ndarray, characters: Mapping[int, str], path: Path, first_row: int) -> np.ndarray:
    """The code points of labels (n,), or the error that names the first label without a character."""
    table = np.zeros(256, np.uint32)
    for label, character in characters.items():
        table[label] = ord(character)
    codes = table[labels]
    if not codes.all():
        i = int(np.argmin(codes != 0))
        low, high = min(characters), max(characters)
        raise InputError(
            f"{path}: row {first_row + i} has the label {labels[i]}, which is none of this data set's, {low} to {high}"
        )
    return codes


def _upright(images: np.ndarray, transposed: bool) -> np.ndarray:
    return images.transpose(0, 2, 1) if transposed else images


# -- idx: MNIST and EMNIST ------------------------------------------------------------------------


def _idx_header(stream: _Stream, magic: int) -> int:
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
    count, *shape = header[4:].view(">u4").tolist()
    if sizes == 3 and shape != [_SIDE, _SIDE]:
        raise InputError(f"{path}: its images have {shape[0]} x {shape[1]} pixels, not 28 x 28")
    if count > _ROW_LIMIT:
        raise InputError(
            f"{path}: its header counts {count:,} {what[magic]}, more than any data set of this kind has"
        )
    return count


def _idx_items(stream: _Stream, magic: int, count: int) -> Iterator[bytes]:
    """The items after the header, some thousand at a time; checked to be as many as it counts."""
    size, what = (_PIXELS, "image") if magic == _IMAGES_MAGIC else (1, "label")
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
    tick: Callable[[int], object] = _nothing,
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
    codes = _codes_of(of, characters, labels, 1)
    with opened(images, tick) as stream:
        count = _idx_header(stream, _IMAGES_MAGIC)
        if count != label_count:
            raise InputError(
                f"{images}: it has {count:,} images, but {labels.name} has {label_count:,} labels"
            )
        done = 0
        for content in _idx_items(stream, _IMAGES_MAGIC, count):
            block = np.frombuffer(content, np.uint8).reshape(-1, _SIDE, _SIDE)
            yield _upright(block, transposed), codes[done : done + len(block)]
            done += len(block)


# -- CSV: label, 784 pixels -----------------------------------------------------------------------


def read_csv(
    path: str | os.PathLike[str],
    characters: Mapping[int, str],
    *,
    transposed: bool = False,
    tick: Callable[[int], object] = _nothing,
) -> Iterator[Block]:
    """Read rows of a label and 784 pixels, gzipped or not, a megabyte at a time.

    A first line of names, or of numbers that are none (a header that pandas made of the first row), is
    skipped; lines may end as on any system; blank lines at the end are borne with.

    Args:
        characters: the character of each label.
        transposed: whether the images are stored column by column.
        tick: called with the bytes read.

    Raises:
        InputError: a row that does not have 785 values, a value that is no whole number of 0 to 255, a
            label without a character; the file and the row (its line, from 1) are named.
    """
    path = Path(path)
    with opened(path, tick) as stream:
        row = 1
        for block in _csv_lines(stream):
            if row == 1 and _is_header(head := block[: block.index(b"\n") + 1]):
                block, row = block[len(head) :], 2
                if not block:
                    continue
            values = _parse_rows(block)
            if values is None:
                values = _parse_slowly(block, path, row)
            codes = _codes_of(values[:, 0], characters, path, row)
            yield _upright(values[:, 1:].reshape(-1, _SIDE, _SIDE), transposed), codes
            row += len(values)
            if row > _ROW_LIMIT:
                raise InputError(
                    f"{path}: it has more than {_ROW_LIMIT:,} rows, more than any data set of this kind"
                )
        if row == 1:
            raise InputError(f"{path}: it is empty")


def _csv_lines(stream: _Stream) -> Iterator[bytes]:
    """Whole lines, about a megabyte at a time, each ending in a line feed."""
    rest, row, last = stream.read(3).removeprefix(b"\xef\xbb\xbf"), 1, False
    while not last:
        content = stream.read(_CSV_BLOCK)
        last = len(content) < _CSV_BLOCK
        block = rest + content
        if last and (block := block.rstrip()):
            block += b"\n"
        end = block.rfind(b"\n") + 1
        whole, rest = block[:end], block[end:]
        lines = whole.count(b"\n")
        if len(rest) > _CSV_ROW_LIMIT:
            raise InputError(f"{stream.path}: row {row + lines} is longer than 785 values can be")
        if whole:
            yield whole.replace(b"\r\n", b"\n")
            row += lines


def _is_header(line: bytes) -> bool:
    """Whether most of its fields are no pixels: a row with one bad value is a bad row, not a header."""
    fields = line.split(b",")
    return sum(_number(f) is None for f in fields) > len(fields) / 2


def _number(text: bytes) -> int | None:
    """A whole number of 0 to 255, or None."""
    text = text.strip(b' \t\r\n"')
    return int(text) if text.isdigit() and len(text) <= 3 and int(text) <= 255 else None


def _parse_rows(block: bytes) -> np.ndarray | None:
    """Lines of 785 numbers -> (n, 785) uint8, all at once; None if anything is not plain digits."""
    text = np.frombuffer(block, np.uint8)
    digits = text - np.uint8(48)  # whatever is no digit wraps round to more than 9
    ends = np.flatnonzero(digits > 9)
    if len(ends) % (_PIXELS + 1):
        return None
    marks = text[ends].reshape(-1, _PIXELS + 1)
    if (marks[:, :-1] != ord(",")).any() or (marks[:, -1] != ord("\n")).any():
        return None
    lengths = np.diff(ends, prepend=-1) - 1
    if lengths.min() < 1 or lengths.max() > 3:
        return None
    values = digits[ends - 1].astype(np.uint16)
    two = np.flatnonzero(lengths > 1)  # one pixel in four
    values[two] += digits[ends[two] - 2] * np.uint16(10)
    three = np.flatnonzero(lengths > 2)
    values[three] += digits[ends[three] - 3] * np.uint16(100)
    if values.max() > 255:
        return None
    return values.astype(np.uint8).reshape(-1, _PIXELS + 1)


def _parse_slowly(block: bytes, path: Path, first_row: int) -> np.ndarray:
    """What `_parse_rows` declined: with spaces and quotes borne with, or the error that names the row."""
    out = []
    for row, line in enumerate(block[:-1].split(b"\n"), first_row):
        if not line.strip():
            raise InputError(f"{path}: row {row} is blank")
        fields = line.split(b",")
        if len(fields) != _PIXELS + 1:
            raise InputError(
                f"{path}: row {row} has {len(fields)} values; a label and {_PIXELS} pixels are {_PIXELS + 1}"
            )
        values = [_number(f) for f in fields]
        if None in values:
            at = values.index(None)
            bad = fields[at].decode("ascii", "replace").strip()[:20]
            what = f"pixel {at}" if at else "label"
            raise InputError(
                f"{path}: row {row} has the {what} {bad!r}, which is no whole number of 0 to 255"
            )
        out.append(values)
    return np.array(out, np.uint8)


# -- folders of pictures --------------------------------------------------------------------------


def read_folder(
    folder: str | os.PathLike[str], *, tick: Callable[[int], object] = _nothing
) -> Iterator[Block]:
    """Read pictures from subfolders that are named by their class: A, B, 7, ...

    Files whose name is not one of a picture, and hidden ones, are passed over.

    Args:
        tick: called with the number of pictures read.

    Raises:
        InputError: a picture cannot be read or shows no character; the file is named.
    """
    for of, paths in class_folders(Path(folder)).items():
        for first in range(0, len(paths), 256):
            images = []
            for path in paths[first : first + 256]:
                images.append(load_image(path))
                tick(1)
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


# -- Chars74K -------------------------------------------------------------------------------------


def read_char74k(
    path: str | os.PathLike[str], *, pen_width: float = 2.5, tick: Callable[[int], object] = _nothing
) -> Iterator[Block]:
    """Read and draw the pen strokes of the Chars74K tablet set: {"A": [[[[x, y], ...], ...], ...], ...}.

    Args:
        pen_width: in pixels of the 28.
        tick: called with the bytes read.

    Raises:
        InputError: not such a file, and which drawing of which character is wrong.
    """
    path = Path(path)
    with opened(path, tick) as stream:
        content = stream.read(_JSON_LIMIT + 1)
    if len(content) > _JSON_LIMIT:
        raise InputError(f"{path}: it is larger than any file of this kind")
    try:
        drawings = json.loads(content)
    except (ValueError, RecursionError) as e:
        raise InputError(f"{path}: not JSON ({e})") from None
    if not isinstance(drawings, dict) or not all(
        len(c) == 1 and isinstance(of, list) for c, of in drawings.items()
    ):
        raise InputError(f"{path}: not an object of one character -> a list of drawings")
    for of, made in drawings.items():
        images = []
        for number, strokes in enumerate(made, 1):
            try:
                points = [np.array(s, np.float64).reshape(len(s), 2) for s in strokes if len(s)]
                images.append(draw_strokes(points, pen_width))
            except (TypeError, ValueError, OverflowError) as e:
                raise InputError(
                    f"{path}: drawing {number} of {of!r} is not strokes of [x, y] ({e})"
                ) from None
        if images:
            yield np.stack(images), np.full(len(images), ord(of), np.uint32)
