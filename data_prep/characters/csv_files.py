"""CSV files of a label and 784 pixels a row: Kaggle's letters, MNIST as tables."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from strokes.files import InputError

from .streams import PIXELS, ROW_LIMIT, SIDE, Block, Stream, Tick, codes_of, nothing, opened, upright

__all__ = ["read_csv"]

_BLOCK_BYTES = 2**20
# A row of 785 numbers of three digits has 3,140 bytes; spaces and quotes are accepted.
_ROW_BYTES = 2**15


def read_csv(
    path: str | os.PathLike[str],
    characters: Mapping[int, str],
    *,
    transposed: bool = False,
    tick: Tick = nothing,
) -> Iterator[Block]:
    """Read rows of a label and 784 pixels, gzipped or not, a megabyte at a time.

    A first line of names, or of numbers that are none (a header that pandas made of the first row), is
    skipped; lines may end as on any system; blank lines at the end are passed over.

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
        for lines in _csv_lines(stream):
            block = lines
            if row == 1 and _is_header(head := lines[: lines.index(b"\n") + 1]):
                block, row = lines[len(head) :], 2
                if not block:
                    continue
            values = _parse_rows(block)
            if values is None:
                values = _parse_slowly(block, path, row)
            codes = codes_of(values[:, 0], characters, path, row)
            yield upright(values[:, 1:].reshape(-1, SIDE, SIDE), transposed), codes
            row += len(values)
            if row > ROW_LIMIT:
                raise InputError(
                    f"{path}: it has more than {ROW_LIMIT:,} rows, more than any data set of this kind"
                )
        if row == 1:
            raise InputError(f"{path}: it is empty")


def _csv_lines(stream: Stream) -> Iterator[bytes]:
    """Whole lines, about a megabyte at a time, each ending in a line feed."""
    rest, row, last = stream.read(3).removeprefix(b"\xef\xbb\xbf"), 1, False
    while not last:
        content = stream.read(_BLOCK_BYTES)
        last = len(content) < _BLOCK_BYTES
        block = rest + content
        if last and (block := block.rstrip()):
            block += b"\n"
        end = block.rfind(b"\n") + 1
        whole, rest = block[:end], block[end:]
        lines = whole.count(b"\n")
        if len(rest) > _ROW_BYTES:
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
    if len(ends) % (PIXELS + 1):
        return None
    marks = text[ends].reshape(-1, PIXELS + 1)
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
    return values.astype(np.uint8).reshape(-1, PIXELS + 1)


def _parse_slowly(block: bytes, path: Path, first_row: int) -> np.ndarray:
    """What `_parse_rows` declined: with spaces and quotes accepted, or the error that names the row."""
    out = []
    for row, line in enumerate(block[:-1].split(b"\n"), first_row):
        if not line.strip():
            raise InputError(f"{path}: row {row} is blank")
        fields = line.split(b",")
        if len(fields) != PIXELS + 1:
            raise InputError(
                f"{path}: row {row} has {len(fields)} values; a label and {PIXELS} pixels are {PIXELS + 1}"
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
