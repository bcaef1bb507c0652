"""The files of the data set, from archives read as streams or from folders; nothing is unpacked to disk."""

from __future__ import annotations

import gzip
import os
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, cast

from ..archives import ForwardStream, member_refusal, size_refusal
from ..reports import Remark

__all__ = ["Progress", "archive_files", "find_source", "folder_files", "silent"]

#: `progress(what, total)` begins a piece of work; what it returns is called with the amount done since.
#: The total is None where it is not known.
Progress = Callable[[str, int | None], Callable[[int], object]]

# The largest real file has 0.6 MB, the largest archive 0.6 GB in 13,000 members.
_FILE_LIMIT = 8 * 2**20
_ARCHIVE_LIMIT = 4 * 2**30
_MEMBER_LIMIT = 200_000


def silent(_what: str, _total: int | None) -> Callable[[int], object]:
    """A `Progress` that shows nothing."""
    return lambda _done: None


def archive_files(
    path: Path, remarks: list[Remark], broken: list[Remark], progress: Progress = silent
) -> Iterator[tuple[str, bytes]]:
    """The regular files of an archive, in its order; bad members are refused and remarked.

    An archive that breaks off is added to `broken`; what comes before the break is read.
    """
    tick, done = progress(path.name, path.stat().st_size), 0
    with open(path, "rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        stream = ForwardStream(
            cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if packed else raw, _FILE_LIMIT, _ARCHIVE_LIMIT
        )
        try:
            with tarfile.open(fileobj=cast(IO[bytes], stream), mode="r:") as archive:
                for count, member in enumerate(archive):
                    tick(raw.tell() - done)
                    done = raw.tell()
                    if count >= _MEMBER_LIMIT:
                        raise tarfile.ReadError(f"it has more than {_MEMBER_LIMIT} members")
                    if member.isdir():
                        continue
                    if why := member_refusal(member, _FILE_LIMIT):
                        remarks.append(Remark(f"{path.name}: {member.name}", "refused", why))
                    elif content := archive.extractfile(member):
                        yield member.name, content.read()
            if stream.last != bytes(tarfile.BLOCKSIZE):  # tarfile takes a damaged header for the end
                raise tarfile.ReadError("no end mark where the members end")
        except (tarfile.TarError, zlib.error, EOFError, OSError, ValueError, RecursionError) as e:
            why = f"only what comes before the break was read: {e}"
            broken.append(Remark(path.name, "broken archive", why))


def folder_files(
    folder: Path, remarks: list[Remark], _broken: list[Remark], progress: Progress = silent
) -> Iterator[tuple[str, bytes]]:
    """The regular files below a folder; other things are refused and remarked."""
    tick = progress(folder.name, None)
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(parent, name)
            label = path.relative_to(folder.parent).as_posix()
            try:
                size = path.stat().st_size
                why = size_refusal(size, _FILE_LIMIT) if path.is_file() else "a device, not a regular file"
                content = b"" if why else path.read_bytes()
            except OSError as e:
                why = f"it cannot be read: {e.strerror}"
            if why:
                remarks.append(Remark(label, "refused", why))
            else:
                tick(size)
                yield label, content


def find_source(root: Path, archive: str, folder: str) -> Path | None:
    """The archive if it is there (browsers may have taken the .gz off), else the folder, else None."""
    for name in (f"{archive}.tar.gz", f"{archive}.tgz", f"{archive}.tar"):
        if (root / name).is_file():
            return root / name
    for name in (folder, f"{archive}/{folder}"):
        if (root / name).is_dir():
            return root / name
    return None
