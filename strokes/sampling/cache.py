"""A folder of the user's for what is derived from a model and quicker to read than to derive again.

A file begins with a digest of its name and content. What is damaged, incomplete, or was put under another name is not
read. Where the folder cannot be made or written to, nothing is kept and nobody is told: the cache saves time alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
from pathlib import Path

__all__ = ["cache_folder", "cached", "keep"]

_MAGIC = b"strokes-cache-1\n"
_DIGEST_SIZE = 32
_SUFFIX = ".cache"
# Files kept, the latest ones used: some 5 MB each.
_MOST_FILES = 8


def cache_folder() -> Path | None:
    """Where files are kept: STROKES_CACHE if it is set, else a folder of the system's kind; None if there is none."""
    chosen = os.environ.get("STROKES_CACHE")
    if chosen:
        return Path(chosen)
    try:
        if sys.platform == "win32":
            local = os.environ.get("LOCALAPPDATA")
            return (Path(local) if local else Path.home() / "AppData" / "Local") / "strokes" / "cache"
        if sys.platform == "darwin":
            return Path.home() / "Library" / "Caches" / "strokes"
        # The specification says that relative paths are to be ignored.
        shared = Path(os.environ.get("XDG_CACHE_HOME", ""))
        return (shared if shared.is_absolute() else Path.home() / ".cache") / "strokes"
    except RuntimeError:  # there is no home
        return None


def cached(name: str) -> bytes | None:
    """The content kept under a name, or None.

    Args:
        name: letters and digits that tell it from all else, its version included.
    """
    path = _path(name)
    if path is None:
        return None
    try:
        data = path.read_bytes()
    except OSError:
        return None
    content = data[len(_MAGIC) + _DIGEST_SIZE :]
    if data[: len(_MAGIC) + _DIGEST_SIZE] != _MAGIC + _digest(name, content):
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # the files used last stay
    return content


def keep(name: str, content: bytes) -> None:
    """Keep content under a name, if that is possible; what was used least recently goes.

    Args:
        name: as `cached` is asked for.
        content: of a few megabytes.
    """
    path = _path(name)
    if path is None:
        return
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".tmp", delete=False) as file:
            temporary = Path(file.name)
            file.write(_MAGIC + _digest(name, content) + content)
        temporary.replace(path)
        _remove_oldest(path.parent)
    except OSError:
        with contextlib.suppress(OSError):
            if temporary is not None:
                temporary.unlink(missing_ok=True)


def _path(name: str) -> Path | None:
    folder = cache_folder()
    return None if folder is None else folder / f"{name}{_SUFFIX}"


def _digest(name: str, content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_DIGEST_SIZE, key=name.encode()[:64]).digest()


def _remove_oldest(folder: Path) -> None:
    by_age = sorted(folder.glob(f"*{_SUFFIX}"), key=lambda p: p.stat().st_mtime, reverse=True)
    for path in by_age[_MOST_FILES:]:
        path.unlink(missing_ok=True)
