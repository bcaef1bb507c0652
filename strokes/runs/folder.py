"""The folder of a run: made new or resumed, and held against other trainings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ..files import InputError

__all__ = ["check_folder", "hold_folder"]

_LOCK = ".lock"


def check_folder(run: Path, resume: bool) -> None:
    """Check that a run can begin, or go on, in this folder; for messages before long work.

    Raises:
        InputError: a new run's folder holds something, or a resumed one's does not exist.
    """
    if resume:
        if not run.is_dir():
            raise InputError(f"{run}: there is no run to resume; start without --resume")
    elif run.exists() and (not run.is_dir() or any(p.name != _LOCK for p in run.iterdir())):
        raise InputError(f"{run}: this is in use; go on with --resume, or choose another folder")


@contextmanager
def hold_folder(run: Path, resume: bool, first: bool = True) -> Iterator[None]:
    """Make the folder of a new run, or find the one to resume, and keep other trainings out of it meanwhile.

    The lock belongs to this process: the system releases it when the process ends, however it does.

    Args:
        run: the folder.
        resume: whether to go on with the run in it.
        first: whether this is the first of the run's processes; the others do nothing here.

    Raises:
        InputError: as `check_folder`; or another training holds the folder, or it cannot be made or written to.
    """
    if not first:
        yield
        return
    check_folder(run, resume)
    lock = FileLock(run / _LOCK)
    try:
        run.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(
            f"{run}: another training is writing here; wait for it or stop it, or choose another folder"
        ) from None
    except NotImplementedError:
        pass  # a file system without locks
    except OSError as e:
        raise InputError(
            f"{run}: this folder cannot be made or written to ({e.strerror}); choose another place"
        ) from None
    try:
        check_folder(run, resume)  # another training may have come and gone before the lock was ours
        yield
    finally:
        lock.release()
