"""Files written whole or not at all, and the error that a person can act on."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["InputError", "atomic_path", "check_output"]


_CANNOT_WRITE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT)


class InputError(ValueError):
    """Bad input from a person. The message is one sentence that names the file, line or option
    and the way out; the command line prints it alone and exits with 2.
    """


def check_output(path: str | os.PathLike[str]) -> Path:
    """The path, if a file can be written there: to be asked before long work, not after it.

    Raises:
        InputError: it is a folder, its folder does not exist, or that cannot be written to.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise InputError(f"{target}: the folder {target.parent} does not exist; make it first")
    if target.is_dir():
        raise InputError(f"{target}: this is a folder; give the name of a file")
    if not os.access(target.parent, os.W_OK):
        raise InputError(f"{target}: the folder {target.parent} cannot be written to; choose another place")
    return target


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """`with atomic_path(p) as tmp`: write to tmp; it becomes p if the block ends well, else it is removed.

    The temporary name keeps p's suffix, for writers that choose a format by it.

    Raises:
        InputError: p's folder does not exist or cannot be written to, or the disk is full.
    """
    target = check_output(path)
    tmp = target.with_name(f".{target.stem[:200]}.{os.getpid()}.tmp{target.suffix}")
    try:
        yield tmp
        with open(tmp, "rb+") as f:
            os.fsync(f.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(tmp, 0o666 & ~umask)  # some writers make their files private
        os.replace(tmp, target)
    except OSError as e:
        if e.errno not in _CANNOT_WRITE:
            raise
        raise InputError(f"{target}: cannot be written ({e.strerror}); choose another place") from None
    finally:
        tmp.unlink(missing_ok=True)
