"""Arrays in one .npz file that a stranger may have made: nothing unpickled, nothing larger than it says."""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from collections.abc import Mapping
from typing import IO, Literal

import numpy as np

from .files import atomic_path

__all__ = ["read_npz", "save_npz"]

_LIMIT = 8 * 2**30
# Offsets, texts and grey levels pack by 2 to 20; deflate can pack zeros by 1000.
_LEAST_SUSPECT, _MOST_PACKED = 64 * 2**20, 100
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def save_npz(path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays as one compressed .npz without pickled objects, whole or not at all.

    Raises:
        InputError: the file cannot be written there.
    """
    with atomic_path(path) as tmp, open(tmp, "wb") as f:
        np.savez_compressed(f, allow_pickle=False, **arrays)


def read_npz(
    path: str | os.PathLike[str], expected: Mapping[str, tuple[str, int]], limit: int = _LIMIT
) -> dict[str, np.ndarray]:
    """The arrays of a .npz by name.

    Args:
        path: the file.
        expected: name -> the kind of its type ("i1", "i2", "i8", "u1", "U", "b1" as numpy spells them) and its number
            of dimensions.
        limit: the most bytes that all may unpack to; over 64 MiB, no more than a hundred times their packed size.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not such a file, or damaged; the message says why, without naming the file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename: info for info in archive.infolist()}
            unpacked = sum(info.file_size for info in members.values())
            packed = sum(info.compress_size for info in members.values())
            if unpacked > limit or unpacked > max(_LEAST_SUSPECT, _MOST_PACKED * packed):
                raise ValueError(f"it unpacks to {unpacked / 2**20:,.0f} MiB, more than any such file holds")
            arrays = {}
            for name, (kind, dimensions) in expected.items():
                info = members.get(f"{name}.npy")
                if info is None:
                    raise ValueError(f"it has no array {name!r}")
                if info.compress_type not in _COMPRESSIONS or info.flag_bits & 1:
                    raise ValueError(f"the array {name!r} is packed in an unknown way")
                with archive.open(info) as member:
                    arrays[name] = _read_array(member, info.file_size, name, kind, dimensions)
            return arrays
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, struct.error) as e:
        raise ValueError(" ".join(str(e).split()) or "it is no .npz file") from None
    except FileNotFoundError:
        raise
    except OSError as e:
        raise ValueError(e.strerror or str(e)) from None


def _read_array(member: IO[bytes], size: int, name: str, kind: str, dimensions: int) -> np.ndarray:
    """One .npy whose header is believed only where it agrees with the size of the member."""
    try:
        version = np.lib.format.read_magic(member)
        read = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, fortran, dtype = read(member)
    except Exception:  # numpy parses this header as Python source, with whatever errors that has
        raise ValueError(f"the array {name!r} has a damaged header") from None
    count = 1
    for n in shape:
        count *= n
    fits = dtype.kind == kind[0] and dtype.itemsize and (kind == "U" or dtype.itemsize == int(kind[1:]))
    if not fits or dtype.hasobject or len(shape) != dimensions:
        raise ValueError(f"the array {name!r} is {dtype} of shape {shape}, which is not what belongs there")
    if min(shape, default=0) < 0 or count * dtype.itemsize > size:
        raise ValueError(f"the array {name!r} is not as long as its header says")
    data = member.read(count * dtype.itemsize)
    if len(data) != count * dtype.itemsize or member.read(1):
        raise ValueError(f"the array {name!r} is not as long as its header says")
    if kind == "U":
        codes = np.frombuffer(data, dtype.byteorder.replace("|", "=") + "u4")
        if (codes > 0x10FFFF).any() or ((codes >= 0xD800) & (codes <= 0xDFFF)).any():
            raise ValueError(f"the array {name!r} holds numbers that are no characters")
    order: Literal["C", "F"] = "F" if fortran else "C"  # numpy writes a transposed array as it lies in memory
    array = np.frombuffer(data, dtype, count=count).reshape(shape, order=order)
    return array.astype(dtype.newbyteorder("="), order="C")
