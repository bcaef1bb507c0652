"""Archives from strangers, read as streams: what is too large, or points outside, is refused."""

from __future__ import annotations

import re
import tarfile
from typing import Protocol

__all__ = ["ForwardStream", "Readable", "member_refusal", "size_refusal"]


class Readable(Protocol):
    """What `ForwardStream` reads from: a file, or a decompressor."""

    def read(self, size: int, /) -> bytes: ...


class ForwardStream:
    """A stream for tarfile that only goes forward and refuses to unpack without end.

    Args:
        stream: unpacked bytes.
        file_limit: of what is read at once, in bytes: tarfile reads an extended header whole, however long.
        archive_limit: of all that is unpacked, in bytes.
    """

    def __init__(self, stream: Readable, file_limit: int, archive_limit: int) -> None:
        self._stream, self._file_limit, self._archive_limit = stream, file_limit, archive_limit
        self._position = 0
        self.last = b""  # what was read last

    def read(self, size: int = -1) -> bytes:
        """The next bytes.

        Raises:
            tarfile.ReadError: they are more than the limits allow.
        """
        if not 0 <= size <= self._file_limit:
            raise tarfile.ReadError(f"a header of {size} bytes")
        self.last = self._stream.read(size)
        self._position += len(self.last)
        if self._position > self._archive_limit:
            raise tarfile.ReadError(f"it unpacks to more than {self._archive_limit >> 30} GiB")
        return self.last

    def tell(self) -> int:
        """Bytes read so far."""
        return self._position

    def seek(self, position: int) -> int:
        """Read on to a position.

        Raises:
            tarfile.ReadError: it lies behind, beyond the limit, or past the end.
        """
        if position < self._position:
            raise tarfile.ReadError("a header points backwards")
        if position > self._archive_limit:
            raise tarfile.ReadError(f"it unpacks to more than {self._archive_limit >> 30} GiB")
        while self._position < position:
            if not self.read(min(position - self._position, 2**20)):
                raise tarfile.ReadError("unexpected end of data")
        return self._position


def size_refusal(size: int, limit: int) -> str | None:
    """Why a file of this size is not read, or None."""
    return f"its {size} bytes are more than any file of this data set has" if size > limit else None


def member_refusal(member: tarfile.TarInfo, limit: int) -> str | None:
    """Why a member of an archive is not read, or None."""
    if member.name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", member.name):
        return "its path points outside the archive"
    if not member.isreg() or member.issparse():
        return "a link or a device, not a regular file"
    return size_refusal(member.size, limit)
