"""The folder of a run: made new, or resumed."""

from __future__ import annotations

from pathlib import Path

from ..files import InputError

__all__ = ["fresh_run"]


def fresh_run(run: Path, resume: bool) -> None:
    """Make the folder of a run, or check that there is one to resume.

    Raises:
        InputError: a new run's folder holds another, or a resumed one's does not exist.
    """
    if resume:
        if not run.is_dir():
            raise InputError(f"{run}: there is no run to resume; start without --resume")
        return
    if run.exists() and any(run.iterdir() if run.is_dir() else [run]):
        raise InputError(f"{run}: this is in use; go on with --resume, or choose another folder")
    try:
        run.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise InputError(f"{run}: this folder cannot be made ({e.strerror}); choose another place") from None
