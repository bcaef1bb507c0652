"""Files written whole or not at all, and the error that a person can act on."""

from __future__ import annotations

import atexit
import contextlib
import errno
import os
import signal
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

__all__ = ["InputError", "atomic_path", "check_output", "exit_on_sigterm", "make_folder", "write_whole"]


class InputError(ValueError):
    """Bad input from a person. The message is one sentence that names the file, line or option
    and the way out; the command line prints it alone and exits with 2.
    """


def check_output(path: str | os.PathLike[str]) -> Path:
    """The path, if a file can be written there: to be asked before long work, not after it.

    Raises:
        InputError: it is a folder or a device, it is read-only, its folder does not exist or cannot be
            written to, or it is a symbolic link to any of these.
    """
    _target(path)
    return Path(path)


def make_folder(folder: str | os.PathLike[str]) -> Path:
    """The folder, made with those above it if need be.

    Raises:
        InputError: it cannot be made.
    """
    made = Path(folder)
    try:
        made.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise InputError(f"{made}: this folder cannot be made ({e.strerror}); choose another place") from None
    return made


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Write data to a file at once: readers see the previous content or all of the data, never a part.

    Symbolic links and modes are treated as by `atomic_path`.

    Raises:
        InputError: as `check_output`, or the disk is full.
    """
    with atomic_path(path) as tmp:
        tmp.write_bytes(data)


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """`with atomic_path(p) as tmp`: write to tmp; it becomes p if the block ends well, else it is removed.

    A symbolic link stays and the file that it names is written. An existing file keeps its mode and, where
    the system allows it, its owner; a new one gets the usual mode. Each call has a temporary file of its own
    in the folder of the target, whose name keeps p's suffix, for writers that choose a format by it.

    Raises:
        InputError: as `check_output`, or the disk is full.
    """
    target = _target(path)
    tmp = target.with_name(f".{target.stem[:40]}.{os.urandom(8).hex()}.tmp{Path(path).suffix[:40]}")
    _unfinished.add(tmp)
    try:
        os.close(os.open(tmp, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        usual = tmp.stat()
        yield tmp
        with open(tmp, "rb+") as f:
            os.fsync(f.fileno())
        _take_over_rights(tmp, target, usual)
        tmp.replace(target)
    except OSError as e:
        if e.errno not in _CANNOT_WRITE:
            raise
        raise InputError(f"{path}: cannot be written ({e.strerror}); choose another place") from None
    finally:
        tmp.unlink(missing_ok=True)
        _unfinished.discard(tmp)


def exit_on_sigterm() -> None:
    """Make SIGTERM end the program as `sys.exit(143)` does, so that no temporary file is left behind.

    For the start of a program. Handlers that are set already stay, and those set later replace this one. Does
    nothing outside the main thread.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    if in_main_thread and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _exit)


_CANNOT_WRITE = (
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.ENAMETOOLONG,
)

# Temporary files of this process. A writer in another thread gets no chance to remove its own at exit.
_unfinished: set[Path] = set()


@atexit.register
def _remove_unfinished() -> None:
    for tmp in tuple(_unfinished):
        with contextlib.suppress(OSError):
            tmp.unlink(missing_ok=True)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unfinished.clear)


def _exit(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _target(path: str | os.PathLike[str]) -> Path:
    """The file that a path names, behind symbolic links, checked as `check_output` says."""
    target = Path(path)
    if "\0" in str(target):
        raise InputError(f"{str(target)!r}: a name cannot hold a null character; choose another")
    try:
        if target.is_symlink():
            target = Path(os.path.realpath(target))
            if target.is_symlink():
                raise InputError(f"{path}: this symbolic link leads back to itself; remove it first")
        mode = target.stat().st_mode if target.exists() else None
    except OSError as e:
        raise InputError(f"{path}: cannot be written ({e.strerror}); choose another place") from None
    folder = target.parent
    if not folder.is_dir():
        raise InputError(f"{path}: the folder {folder} does not exist; make it first")
    if mode is not None and stat.S_ISDIR(mode):
        raise InputError(f"{path}: this is a folder; give the name of a file")
    if mode is not None and not stat.S_ISREG(mode):
        raise InputError(f"{path}: this is a device, not a file; give the name of a file")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"{path}: the folder {folder} cannot be written to; choose another place")
    if mode is not None and not os.access(target, os.W_OK):
        raise InputError(f"{path}: this file is read-only; choose another name, or make it writable")
    return target


def _take_over_rights(tmp: Path, target: Path, usual: os.stat_result) -> None:
    """Give tmp the mode and owner of the target, or the usual mode if there is no target yet."""
    try:
        rights = target.stat()
    except FileNotFoundError:
        rights = usual  # some writers replace the file by a private one
    if hasattr(os, "chown") and (rights.st_uid, rights.st_gid) != (usual.st_uid, usual.st_gid):
        with contextlib.suppress(PermissionError):
            os.chown(tmp, rights.st_uid, rights.st_gid)
    tmp.chmod(stat.S_IMODE(rights.st_mode) & 0o777)
