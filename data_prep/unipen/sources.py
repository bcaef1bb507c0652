"""The files of a UNIPEN distribution: a folder, or an archive in any compression, read as a stream.

Files come from strangers: each is bounded in size, links and paths that leave the archive are refused, and
nothing is ever written where an archive says.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from strokes.files import InputError

from ..archives import ForwardStream, member_refusal, size_refusal

__all__ = ["Files", "Progress"]

#: `progress(what, total)` begins a piece of work; what it returns is called with the amount done since.
Progress = Callable[[str, int | None], Callable[[int], object]]

# The largest real file has 2.9 MB; the whole set 494 MB in 30,582 members.
_FILE_LIMIT = 32 * 2**20
_ARCHIVE_LIMIT = 4 * 2**30
_MEMBER_LIMIT = 200_000
_MEMORY_LIMIT = 512 * 2**20  # what an .xz header may ask a decompressor to reserve

_MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz"}
_BROKEN = (tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, RecursionError)


class _Xz:
    """Reads .xz forward within a memory limit, which `lzma.open` cannot set."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, _MEMORY_LIMIT)

    def read(self, size: int) -> bytes:
        out = bytearray()
        while len(out) < size:
            if self._decoder.eof:
                rest = self._decoder.unused_data or self._raw.read(2**16)
                if not rest.strip(b"\0"):
                    break
                self._decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, _MEMORY_LIMIT)
            else:
                rest = self._raw.read(2**16) if self._decoder.needs_input else b""
                if self._decoder.needs_input and not rest:
                    raise EOFError("the compressed data end too early")
            out += self._decoder.decompress(rest, size - len(out))
        return bytes(out)


@dataclass
class Files:
    """The text files of a distribution.

    Attributes:
        root: an archive, or a folder that holds `data` and `include`.
        refused: (path, reason) of each file that was not read; filled while files are read.
        broken: why reading an archive stopped before its end, or None.
    """

    root: Path
    refused: list[tuple[str, str]] = field(default_factory=list)
    broken: str | None = None

    def __post_init__(self) -> None:
        if self.root.is_dir():
            if not (self.root / "data").is_dir() or not (self.root / "include").is_dir():
                raise InputError(
                    f"{self.root}: the folders data and include of UNIPEN are not both in it; "
                    "give the folder that holds them, or the archive"
                )
        elif not self.root.is_file():
            raise InputError(f"{self.root}: no such file or folder; give the UNIPEN archive or its folder")

    def read(self, progress: Progress) -> Iterator[tuple[str, bytes]]:
        """(path, content) of each file below `data` and `include`, the path beginning with either.

        Raises:
            InputError: the file is no tar archive.
        """
        seen: set[str] = set()
        for path, content in (self._folder if self.root.is_dir() else self._archive)(progress):
            place = re.search(r"(?:^|/)((?:data|include)/.+)$", path)
            if place is None:
                continue
            if place[1] in seen:
                self.refused.append((path, "a second file of this name"))
                continue
            seen.add(place[1])
            yield place[1], content

    def _archive(self, progress: Progress) -> Iterator[tuple[str, bytes]]:
        tick, done, count = progress(self.root.name, self.root.stat().st_size), 0, 0
        with open(self.root, "rb") as raw:
            head = raw.read(6)
            raw.seek(0)
            kind = next((name for magic, name in _MAGIC.items() if head.startswith(magic)), "")
            packed = _unpacked(raw, kind)
            stream = ForwardStream(packed, _FILE_LIMIT, _ARCHIVE_LIMIT)
            try:
                with tarfile.open(fileobj=cast(IO[bytes], stream), mode="r:") as archive:
                    for count, member in enumerate(archive, 1):
                        tick(raw.tell() - done)
                        done = raw.tell()
                        if count > _MEMBER_LIMIT:
                            raise tarfile.ReadError(f"it has more than {_MEMBER_LIMIT} members")
                        if member.isdir():
                            continue
                        if why := member_refusal(member, _FILE_LIMIT):
                            self.refused.append((member.name, why))
                            continue
                        content = archive.extractfile(member)
                        if content is not None:
                            yield member.name, content.read()
                if stream.last != bytes(tarfile.BLOCKSIZE):  # tarfile takes a damaged header for the end
                    raise tarfile.ReadError("no end mark where the members end")
            except _BROKEN as e:
                if count == 0:
                    raise InputError(
                        f"{self.root}: not a tar archive, plain or packed by gzip, bzip2 or xz ({e}); "
                        "give the UNIPEN archive or its folder"
                    ) from None
                self.broken = f"only what comes before the break was read: {e}"

    def _folder(self, progress: Progress) -> Iterator[tuple[str, bytes]]:
        tick = progress(self.root.name, None)
        for part in ("data", "include"):
            for parent, folders, names in os.walk(self.root / part):
                folders.sort()
                for name in sorted(names):
                    path = Path(parent, name)
                    label = path.relative_to(self.root).as_posix()
                    content = b""
                    try:
                        size = path.stat().st_size
                        why = (
                            size_refusal(size, _FILE_LIMIT)
                            if path.is_file() and not path.is_symlink()
                            else "no regular file"
                        )
                        content = b"" if why else path.read_bytes()
                    except OSError as e:
                        why = f"it cannot be read: {e.strerror}"
                    if why:
                        self.refused.append((label, why))
                    else:
                        tick(len(content))
                        yield label, content


def _unpacked(raw: IO[bytes], kind: str) -> IO[bytes] | _Xz:
    if kind == "xz":
        return _Xz(raw)
    if kind == "gzip":
        return cast(IO[bytes], gzip.GzipFile(fileobj=raw))
    return cast(IO[bytes], bz2.BZ2File(raw)) if kind == "bzip2" else raw
